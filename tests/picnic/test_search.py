"""Searching cities by part of the name: any case and alphabet, every character as it is."""

import unicodedata
from random import Random

import pytest

from kit.db import Database
from picnic.entities import fold
from tests.picnic.forms import CITIES, add_cities, read
from tests.support.clients import Client

ODD = "aAzé\u0301eE%_\\'\" .-ёЁйщЩßſıİΣςﬁ①Å🐙你"
FOLDED = [  # a name, what finds it, what does not
    (
        "Нижний Новгород",
        ["нижн", "НОВГОРОД", "ий Нов", "ниЖНий новГОРод", "Й"],
        ["нижный", "nizh"],
    ),
    ("Ёлкино", ["ёлк", "ЁЛК", "\u0435\u0308лк", "Ё", "\u0415\u0308"], ["елк"]),
    (
        "Йошкар-Ола",
        ["йош", unicodedata.normalize("NFD", "йош"), "ЙОШКАР-", "-"],
        ["иош", "йошкарол"],
    ),
    ("Sa\u0303o Paulo", ["são", "SÃO P", "a\u0303o", "ã"], ["sao"]),
    ("Straßburg", ["strass", "STRASSBURG", "ß", "ẞ", "ssb"], ["strasburg"]),
    ("\uff34okyo", ["tokyo", "TOKYO", "\uff2b\uff59"], ["tokio"]),
    ("Saint-Étienne", ["étienne", "SAINT-É", "E\u0301t", "-é"], ["saint etienne"]),
    ("Θεσσαλονίκη", ["θεσ", "ΘΕΣΣΑΛΟΝΊΚΗ", "\u03c3", "ς"], ["θς"]),
    ("東京", ["東", "京", "東京"], ["京東"]),
    ("🐙 Bay", ["🐙", "🐙 b"], ["🐙b"]),
]
AS_THEY_ARE = [  # what is looked for, a name that holds it, one that does not
    *[("%", "50% off", "50 off"), ("a%c", "xa%cx", "abc"), ("%%", "a%%b", "a%b")],
    *[("_", "snake_case", "snakecase"), ("a_c", "a_c", "axc"), ("__", "a__b", "a_b")],
    *[("\\", "back\\slash", "backslash"), ("\\\\", "a\\\\b", "a\\b")],
    *[("\\%", "e\\%b", "e%b"), ("%\\", "e%\\b", "e%c"), ("a\\", "ya\\", "ya")],
    *[("'", "L'Aquila", "LAquila"), ("' or 1=1 --", "x' OR 1=1 --", "x"), ('"', 'a"b', "ab")],
    *[("{a,b}", "{A,B}", "ab"), (",", "d,e", "de"), ("null", "Nullarbor", "nu ll")],
    *[(".*", "a.*b", "aab"), ("[a-z]", "[A-Z]", "abc"), ("$1", "$1", "$2")],
]


async def found(client: Client, q: str) -> set[str]:
    """Return the names that a search finds, at most a hundred."""
    page = await read(client, CITIES, q=q, size=100)
    assert page["total"] == len(page["items"]) or len(page["items"]) == 100
    return {city["name"] for city in page["items"]}


class TestSearch:
    @pytest.mark.parametrize(("name", "hits", "misses"), FOLDED, ids=lambda x: ascii(x)[:24])
    async def test_knows_every_alphabet_in_any_case_and_composition(
        self,
        guest: Client,
        house_database: Database,
        name: str,
        hits: list[str],
        misses: list[str],
    ) -> None:
        await add_cities(house_database, [name, "Wick", "Псков"])
        for q in hits:
            assert await found(guest, q) == {name}, q
        for q in misses:
            assert await found(guest, q) == set(), q

    async def test_takes_every_character_as_it_is(
        self, guest: Client, house_database: Database
    ) -> None:
        for number, (q, hit, miss) in enumerate(AS_THEY_ARE):
            here, there = f"{number:02}: {hit}", f"{number:02}: {miss}"
            await add_cities(house_database, [here, there])
            now = {name for name in await found(guest, q) if name.startswith(f"{number:02}:")}
            assert now == {here}, q

    async def test_finds_all_for_nothing(self, guest: Client, house_database: Database) -> None:
        await add_cities(house_database, ["Kazan", "Псков"])
        assert await found(guest, "") == {"Kazan", "Псков"}

    async def test_takes_a_space_as_it_is(self, guest: Client, house_database: Database) -> None:
        await add_cities(house_database, ["New York", "Newyork", "Псков"])
        assert await found(guest, " ") == await found(guest, "w y") == {"New York"}
        assert await found(guest, " new") == await found(guest, "york ") == set()

    async def test_does_not_find_the_pieces_of_a_part_where_they_are_not_together(
        self, guest: Client, house_database: Database
    ) -> None:
        await add_cities(house_database, ["abcabdbcd", "Abcd"])
        assert await found(guest, "abcd") == {"Abcd"}
        assert await found(guest, "bcab") == {"abcabdbcd"}
        assert await found(guest, "abcabdbcda") == set()

    async def test_finds_what_a_plain_comparison_of_folded_names_finds(
        self, guest: Client, house_database: Database
    ) -> None:
        random = Random(4)
        folded: dict[str, str] = {}
        while len(folded) < 80:
            name = "".join(random.choices(ODD, k=random.randint(1, 9)))
            folded.setdefault(fold(name), name)
        await add_cities(house_database, folded.values())
        assert len(await found(guest, "")) == 80
        for _ in range(60):
            part = random.choice([*folded.values()])[random.randint(0, 3) :][
                : random.randint(1, 5)
            ]
            other = "".join(random.choices(ODD, k=random.randint(1, 2)))
            for q in (part, unicodedata.normalize("NFD", part.upper()), other):
                expected = {name for key, name in folded.items() if fold(q) in key}
                assert await found(guest, q) == expected, ascii(q)

"""Adding a city that the weather service knows, and looking at one or at all."""

import unicodedata
from typing import Any

import pytest
from yarl import URL

from kit.db import Database
from tests.picnic.forms import CITIES, CITY, add_cities, add_city, bare, read, warm
from tests.support.clients import Client, problem
from tests.support.shops import value
from tests.users.forms import complaints

NOWHERE = [
    *("Atlantis", "Moscow!", "Mosc", "Moscow Kazan", "\u041coscow", "m", "0", "Ω" * 100),
    *("Robert'); DROP TABLE cities;--", "%", "_", "\\", "Kaz_n", "Kaz%", "{}", "<b>Kazan</b>"),
    *("🐙", "Москва\N{COMBINING ACUTE ACCENT}", "../cities/1", "null", "\ufdfa" * 100),
]
NAMES = [  # what is asked for, what is stored
    *[("Moscow", "Moscow"), ("mOSCOW", "Moscow"), ("\uff2d\uff2fscow", "Moscow")],
    *[("ВЛАДИВОСТОК", "Владивосток"), ("казань", "Казань"), ("  Казань  ", "Казань")],
    *[("new   york", "New York"), ("NEW\u00a0\u2003YORK", "New York")],
    *[("são paulo", "São Paulo"), (unicodedata.normalize("NFD", "SÃO PAULO"), "São Paulo")],
    *[("TROMSØ", "Tromsø"), ("санкт-петербург", "Санкт-Петербург")],
]
REFUSED: list[Any] = [
    *(..., None, 7, True, [], {}, "", " ", "\u3000", "n" * 101, "a\x00b", "a\ud800b", "\udfff"),
    *("a\tb", "Kazan\n", "\x1b[31mKazan", "Kazan\u200b", "\u202eKazan", "\ue000", "\x7f"),
]


async def count(database: Database) -> int:
    """Count the cities."""
    return int(await value(database, "SELECT count(*) FROM cities"))


class TestPost:
    @pytest.mark.parametrize(("name", "spelled"), NAMES)
    async def test_adds_a_city_as_the_weather_service_spells_it(
        self, alice: Client, name: str, spelled: str
    ) -> None:
        response = await alice.post(CITIES, json={"name": name})
        document = await response.json()
        assert response.status == 201, document
        assert document.keys() == CITY
        assert document["name"] == spelled
        assert response.headers["Location"] == f"{CITIES}/{document['id']}"
        assert bare(await read(alice, response.headers["Location"])) == bare(document)

    async def test_shows_where_it_lies_and_how_warm_it_is(self, alice: Client) -> None:
        response = await alice.post(CITIES, json={"name": "kazan"})
        (document,) = await warm(alice, response.headers["Location"])
        assert (document["latitude"], document["longitude"]) == (55.79, 49.12)
        assert document["country"] == "Russia"
        assert document["weather"].keys() == {"temperature", "observed_at"}
        assert document["weather"]["temperature"] == 2.1

    async def test_answers_200_without_a_location_for_a_known_one(
        self, alice: Client, bob: Client, house_database: Database
    ) -> None:
        first = await (await alice.post(CITIES, json={"name": "kraków"})).json()
        for again in ("Kraków", "KRAKÓW", " krako\u0301w ", "\uff2braków"):
            response = await bob.post(CITIES, json={"name": again})
            assert (response.status, bare(await response.json())) == (200, bare(first)), again
            assert "Location" not in response.headers
        assert await count(house_database) == 1

    async def test_needs_no_weather_service_for_a_known_one(
        self, alice: Client, house_database: Database
    ) -> None:
        city_id = await add_city(house_database, "Ёлкино (под Щукой)")
        response = await alice.post(CITIES, json={"name": "ёлкино   (ПОД ЩУКОЙ)"})
        document = await response.json()
        assert (response.status, document["id"]) == (200, city_id)
        assert document["name"] == "Ёлкино (под Щукой)"

    async def test_refuses_what_the_weather_service_does_not_know(
        self, alice: Client, house_database: Database
    ) -> None:
        for name in NOWHERE:
            response = await alice.post(CITIES, json={"name": name})
            document = await problem(response, 422, "unknown-city")
            assert [error["pointer"] for error in document["errors"]] == ["/name"]
        assert await count(house_database) == 0

    async def test_names_the_field_that_does_not_fit(
        self, alice: Client, house_database: Database
    ) -> None:
        for name in REFUSED:
            response = await alice.post(CITIES, json={} if name is ... else {"name": name})
            assert await complaints(response) == {"/name"}, ascii(name)
        assert await count(house_database) == 0

    async def test_takes_nothing_but_a_name(self, alice: Client) -> None:
        for field in ("id", "latitude", "country", "folded", "weather"):
            response = await alice.post(CITIES, json={"name": "Kazan", field: 1})
            assert await complaints(response) == {f"/{field}"}

    async def test_is_closed_to_guests(self, guest: Client, house_database: Database) -> None:
        await add_city(house_database, "Kazan")
        for name in ("Kazan", "Moscow"):
            await problem(await guest.post(CITIES, json={"name": name}), 401, "not-signed-in")
        assert await count(house_database) == 1


class TestCity:
    async def test_is_shown_to_guests(self, guest: Client, house_database: Database) -> None:
        where = {"latitude": -33.5, "longitude": 151.25}
        city_id = await add_city(house_database, "Щукино", country=None, **where)
        (document,) = await warm(guest, f"{CITIES}/{city_id}")
        weather = document.pop("weather")
        assert document == {"id": city_id, "name": "Щукино", "country": None, **where}
        assert weather["temperature"] == 13.2

    async def test_is_not_found_under_another_id(
        self, guest: Client, house_database: Database
    ) -> None:
        city_id = await add_city(house_database)
        for number in (city_id + 1_000, 2**63 - 1):
            await problem(await guest.get(f"{CITIES}/{number}"), 404, "city-not-found")
        for text in ("0", "-1", "01", "x", "٣", str(2**63), f"{city_id}.0"):
            await problem(await guest.get(f"{CITIES}/{text}"), 404, "not-found")

    async def test_answers_head_like_get(self, guest: Client, house_database: Database) -> None:
        city_id = await add_city(house_database)
        await warm(guest, CITIES)
        for path in (f"{CITIES}/{city_id}", f"{CITIES}/{city_id + 1_000}", CITIES):
            get, head = await guest.get(path), await guest.head(path)
            assert (head.status, await head.read()) == (get.status, b"")
            assert head.headers["Content-Length"] == get.headers["Content-Length"]
            assert head.headers.get("Link") == get.headers.get("Link")

    async def test_cannot_be_changed(self, alice: Client, house_database: Database) -> None:
        address = f"{CITIES}/{await add_city(house_database)}"
        for method in ("PUT", "PATCH", "DELETE"):
            response = await alice.request(method, address, json={})
            await problem(response, 405, "method-not-allowed")
            assert response.headers["Allow"] == "GET, HEAD"


class TestList:
    async def test_is_by_name_in_any_case_with_the_weather_of_each(
        self, guest: Client, house_database: Database
    ) -> None:
        await add_cities(house_database, ["beta", "Alpha", "GAMMA", "Ёж", "Delta"])
        page = await read(guest, CITIES)
        names = [city["name"] for city in page.pop("items")]
        assert names[:4] == ["Alpha", "beta", "Delta", "GAMMA"]
        assert page == {"page": 1, "size": 20, "total": 5, "pages": 1}
        assert [city["name"] for city in await warm(guest, CITIES)] == names

    async def test_has_pages_that_lead_to_one_another(
        self, guest: Client, house_database: Database
    ) -> None:
        names = [f"Town {number}" for number in range(7)]
        await add_cities(house_database, reversed(names))
        response = await guest.get(CITIES, params={"q": "TOWN", "page": "2", "size": "3"})
        document = await response.json()
        assert (document["total"], document["pages"]) == (7, 3)
        assert [city["name"] for city in document["items"]] == names[3:6]
        pages = {}
        for rel, link in response.links.items():
            page = await (await guest.get(URL(str(link["url"])).path_qs)).json()
            pages[rel] = [city["name"] for city in page["items"]]
        ends = {"first": names[:3], "prev": names[:3], "next": names[6:], "last": names[6:]}
        assert pages == ends

    async def test_is_empty_past_its_end(self, guest: Client, house_database: Database) -> None:
        await add_city(house_database)
        for page in (2, 2**53 - 1):
            document = await read(guest, CITIES, page=page, size=100)
            assert (document["items"], document["total"], document["pages"]) == ([], 1, 1)

    async def test_names_the_parameter_that_does_not_fit(self, guest: Client) -> None:
        wrong = ["page=0", "size=101", "size=x", "name=x", "cursor=x", f"q={'n' * 101}", "q=%00"]
        for query in [*wrong, "q=%ff", "q=a&q=b", "country=x"]:
            response = await guest.get(URL(f"{CITIES}?{query}", encoded=True))
            document = await problem(response, 422, "validation-failed")
            named = {error["parameter"] for error in document["errors"]}
            assert named == {query.partition("=")[0]}

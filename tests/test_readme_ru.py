"""`README.ru.md` says what `README.md` says: the same headings, commands, addresses and links."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent
ENGLISH, RUSSIAN = ROOT / "README.md", ROOT / "README.ru.md"
HEADING = re.compile(r"(#+) +(.+)")
CODE = re.compile(r"`([^`]+)`")
TARGET = re.compile(r"\]\(([^)]+)\)")
CYRILLIC = re.compile(r"[\u0400-\u04ff]")
WORD = re.compile(r"[a-z]{3}", re.IGNORECASE)
FENCE = "```"
# what a program writes stands in the English document only, and the Russian one leads there
GENERATED = re.compile(
    r"(<details>\n.*?\n\n)?<!-- (\w+): .*?<!-- end of \2 -->(\n\n</details>)?", re.DOTALL
)

Change = Callable[[str], str]


class Section(NamedTuple):
    """A heading, and the lines below it until the next one."""

    level: int
    title: str
    code: list[str]
    prose: list[str]

    def words(self) -> set[str]:
        """Return what stands in code marks: commands, addresses, names."""
        return set(CODE.findall("\n".join(self.prose)))

    def targets(self) -> list[str]:
        """Return where links lead, but for other places here and the other language."""
        here = ("#", ENGLISH.name, RUSSIAN.name)
        return sorted(target for target in self.links() if not target.startswith(here))

    def links(self) -> list[str]:
        """Return where all links lead."""
        return TARGET.findall("\n".join(self.prose))

    def paragraphs(self) -> list[str]:
        """Return the pieces of prose between blank lines."""
        return [part.strip() for part in "\n".join(self.prose).split("\n\n") if part.strip()]


def sections(text: str) -> list[Section]:
    """Cut a document at its headings."""
    parts: list[Section] = []
    fenced = False
    for line in text.splitlines():
        heading = None if fenced else HEADING.fullmatch(line)
        if heading:
            parts.append(Section(len(heading[1]), heading[2], [], []))
            continue
        ends = line.startswith(FENCE)
        (parts[-1].code if fenced or ends else parts[-1].prose).append(line)
        fenced = fenced != ends
    return parts


def differences(english: str, russian: str) -> list[str]:
    """Return in what the Russian document differs from the English one."""
    left, right = sections(GENERATED.sub("(a table)", english)), sections(russian)
    if [part.level for part in left] != [part.level for part in right]:
        return [f"headings: {[x.title for x in left]} and {[x.title for x in right]}"]
    found = []
    for one, other in zip(left, right, strict=True):
        if one.code != other.code:
            found.append(f"code below {one.title}")
        if one.words() != other.words():
            found.append(f"words below {one.title}: {one.words() ^ other.words()}")
        if one.targets() != other.targets():
            found.append(f"links below {one.title}")
        if len(one.paragraphs()) != len(other.paragraphs()):
            found.append(f"paragraphs below {one.title}")
    return found


def anchors(text: str) -> set[str]:
    """Return where links to headings of a document lead: lower case, hyphens for spaces."""
    titles = [re.sub(r"[^\w\s-]", "", part.title.lower()) for part in sections(text)]
    return {f"#{title.replace(' ', '-')}" for title in titles}


def dead_ends(text: str) -> list[str]:
    """Return the links that lead neither to a file nor to a heading."""
    known = {"": anchors(text), ENGLISH.name: anchors(ENGLISH.read_text())}
    found = []
    for target in (target for part in sections(text) for target in part.links()):
        path, hash_, anchor = target.partition("#")
        if path.startswith("http"):
            continue
        lost = path in known and hash_ and f"#{anchor}" not in known[path]
        if lost or not (ROOT / path).exists():
            found.append(target)
    return found


def untranslated(text: str) -> list[str]:
    """Return the paragraphs in which there are words, but none in Russian."""
    bare = [
        TARGET.sub("", CODE.sub("", paragraph))
        for part in sections(text)
        for paragraph in part.paragraphs()
    ]
    return [part for part in bare if WORD.search(part) and not CYRILLIC.search(part)]


def without_a_paragraph(text: str) -> str:
    """Take out the last paragraph."""
    return text.rstrip().rpartition("\n\n")[0] + "\n"


WRONG: dict[str, tuple[Change, str]] = {
    "a heading less": (lambda text: re.sub(r"(?m)^## .+\n", "", text, count=1), "headings: "),
    "a heading more": (lambda text: f"{text}\n## Ещё\n", "headings: "),
    "a heading of another level": (lambda text: text.replace("\n## ", "\n### ", 1), "headings: "),
    "another command": (lambda text: text.replace("\nmake up ", "\nmake app ", 1), "code below "),
    "another answer": (lambda text: text.replace('{"id":1,', '{"id":2,', 1), "code below "),
    "another name": (lambda text: text.replace("`admin`", "`root`"), "words below "),
    "another link": (lambda text: text.replace("](http", "](ftp", 1), "links below "),
    "a paragraph less": (without_a_paragraph, "paragraphs below "),
}


class TestRussian:
    def test_corresponds_to_the_english(self) -> None:
        assert differences(ENGLISH.read_text(), RUSSIAN.read_text()) == []

    def test_leads_to_what_there_is(self) -> None:
        assert dead_ends(RUSSIAN.read_text()) == []

    def test_is_russian(self) -> None:
        assert untranslated(RUSSIAN.read_text()) == []


class TestDifference:
    @pytest.mark.parametrize("what", WRONG)
    def test_is_noticed_when_there_is(self, what: str) -> None:
        change, said = WRONG[what]
        russian = RUSSIAN.read_text()
        changed = change(russian)
        assert changed != russian
        assert any(fault.startswith(said) for fault in differences(russian, changed))

    def test_is_noticed_when_a_paragraph_is_english(self) -> None:
        assert untranslated(f"{RUSSIAN.read_text()}\nThis is English.\n") == ["This is English."]

    @pytest.mark.parametrize("target", ["#такого-нет", "docs/no.md", f"{ENGLISH.name}#no-such"])
    def test_is_noticed_when_a_link_leads_nowhere(self, target: str) -> None:
        assert dead_ends(f"{RUSSIAN.read_text()}\n[сюда]({target})\n") == [target]

"""`docs/assignments.md` has a row for each line of the assignments, and what it names exists."""

import ast
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent
TABLE = ROOT / "docs" / "assignments.md"
COLUMNS = ["id", "what was asked", "where it is", "test"]
# assignment -> how many lines it has, and those that only give room or background
LINES = {
    "0": (33, ()),
    "1": (51, (7, 15, 26)),
    "2": (47, (35, 43)),
    "3": (28, ()),
    "4": (55, (11, 51)),
    "D": (10, ()),
}
CODE = re.compile(r"`([^`]+)`")
NOT_YET = "not yet"
NO_TEST = "-"
LETTERS = 8  # a reason has at least so many

RIGHT = "| 0.01 | Something | `kit/pages.py` | `tests/kit/test_pages.py::TestPlace` |"
# what is wrong -> a row, and what is said of it
WRONG = {
    "a cell too few": ("| 0.01 | Something | `kit/pages.py` |", "has 3 cells"),
    "nothing asked": (RIGHT.replace("Something", ""), "asks for nothing"),
    "a file that is not": (RIGHT.replace("kit/pages.py", "kit/paper.py"), "no file kit/paper.py"),
    "no file": (RIGHT.replace("`kit/pages.py`", "somewhere in the kit"), "names no file"),
    "a file outside": (RIGHT.replace("kit/pages.py", "../.."), "no file ../.."),
    "a test file that is not": (RIGHT.replace("test_pages", "test_paper"), "test_paper.py::TestP"),
    "a class that is not": (RIGHT.replace("TestPlace", "TestPiece"), "test_pages.py::TestPiece"),
    "a function that is not": (RIGHT.replace("TestPlace", "TestPlace::test_x"), "::test_x"),
    "a function beside its class": (RIGHT.replace("TestPlace", "test_comes_back_as_it_was"), "::"),
    "a helper for a test": (
        RIGHT.replace("test_pages.py::TestPlace", "doors.py"),
        "no test tests/kit/doors.py",
    ),
    "words for a test": (RIGHT.replace("`tests/kit/test_pages.py::TestPlace`", "all"), "no test"),
    "a test of what is not yet": (RIGHT.replace("`kit/pages.py`", NOT_YET), "is tested"),
    "no test and no reason": (RIGHT.rpartition(" `")[0] + " - |", "no reason"),
}


class Row(NamedTuple):
    """One line of an assignment."""

    id: str
    asked: str
    where: str
    test: str


def rows(text: str) -> tuple[list[Row], list[str]]:
    """Return the rows of all tables, and what is wrong with their cells."""
    found, faults = [], []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not line.startswith("|") or cells == COLUMNS or set(line) <= set("|-"):
            continue
        if len(cells) == len(COLUMNS):
            found.append(Row(*cells))
        else:
            faults.append(f"{cells[0]} has {len(cells)} cells")
    return found, faults


def is_inside(path: str) -> bool:
    """Tell whether there is such a file or folder in this repository."""
    whole = (ROOT / path).resolve()
    return whole.is_relative_to(ROOT.resolve()) and whole.exists()


def is_test(name: str) -> bool:
    """Tell whether a test exists; name: path, and perhaps ::class and ::function."""
    path, *inner = name.split("::")
    if not (path.startswith("tests/") and Path(path).name.startswith("test_") and is_inside(path)):
        return False
    nodes: Iterable[ast.stmt] = ast.parse((ROOT / path).read_text()).body
    for part in inner:
        known = [
            node
            for node in nodes
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            and node.name == part
        ]
        if not known or not part.lower().startswith("test"):
            return False
        nodes = known[0].body
    return True


def named_files(where: str) -> list[str]:
    """Return what a cell names in code marks, without commands and addresses."""
    return [name for name in CODE.findall(where) if " " not in name and not name.startswith("/")]


def faults_of(row: Row) -> list[str]:
    """Return what is wrong with one row."""
    files = named_files(row.where)
    found = [f"no file {name}" for name in files if not is_inside(name)]
    if not row.asked:
        found.append("asks for nothing")
    if row.test == NO_TEST:
        reason = re.sub(r"\W", "", CODE.sub("", row.where))
        return found if NOT_YET in row.where or len(reason) >= LETTERS else [*found, "no reason"]
    if NOT_YET in row.where:
        return [*found, "is tested, though it is not yet there"]
    tests = CODE.findall(row.test)
    if not tests or CODE.sub("", row.test).strip(" ,"):
        found.append(f"no test {row.test}")
    if not files:
        found.append("names no file")
    return found + [f"no test {name}" for name in tests if not is_test(name)]


def faults(text: str) -> list[str]:
    """Return what is wrong with the rows of a document, each fault with its id."""
    found, told = rows(text)
    return told + [f"{row.id}: {fault}" for row in found for fault in faults_of(row)]


def expected() -> list[str]:
    """Return the id of each line that asks for something."""
    return [
        f"{name}.{number:02}"
        for name, (last, background) in LINES.items()
        for number in range(1, last + 1)
        if number not in background
    ]


def odd_ids(found: list[str]) -> list[str]:
    """Return which ids are there twice, are missing, are none, or stand where others belong."""
    wanted = expected()
    odd = [f"{name} is there twice" for name, times in Counter(found).items() if times > 1]
    odd += [f"{name} is missing" for name in wanted if name not in found]
    odd += [f"{name} is none" for name in found if name not in wanted]
    return odd or ([] if found == wanted else ["another order"])


class TestTable:
    def test_has_each_line_once_and_in_order(self) -> None:
        assert odd_ids([row.id for row in rows(TABLE.read_text())[0]]) == []

    def test_names_only_what_exists(self) -> None:
        assert faults(TABLE.read_text()) == []


class TestWrongRow:
    @pytest.mark.parametrize("what", WRONG)
    def test_is_noticed_for(self, what: str) -> None:
        row, said = WRONG[what]
        assert faults(RIGHT) == []
        (fault,) = faults(f"{RIGHT}\n{row}")
        assert said in fault

    def test_is_noticed_among_the_others(self) -> None:
        text = TABLE.read_text()
        assert "test_pages.py" in text
        assert faults(text.replace("tests/kit/test_pages.py", "tests/kit/test_paper.py")) != []

    def test_is_noticed_by_its_id(self) -> None:
        right = expected()
        assert odd_ids(right) == []
        assert odd_ids([*right, "4.55"]) == ["4.55 is there twice"]
        assert odd_ids(right[1:]) == ["0.01 is missing"]
        assert odd_ids([*right, "4.51"]) == ["4.51 is none"]
        assert odd_ids(right[::-1]) == ["another order"]

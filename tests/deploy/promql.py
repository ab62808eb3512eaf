"""Which metrics an expression of Prometheus asks, and by which labels."""

import re
from collections.abc import Iterator

STRING = re.compile(r'"(?:\\.|[^"\\])*"')
GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
RANGE = re.compile(r"\[[^\]]*\]|\boffset\s+\w+")
NAME = re.compile(r"([a-zA-Z_:][\w:]*)\s*(\(|\{([^}]*)\})?")
MATCHER = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")
WORDS = {"and", "or", "unless", "bool"}


def selectors(expression: str) -> Iterator[tuple[str, set[str]]]:
    """Yield each metric with the labels that its matchers name."""
    plain = RANGE.sub("", GROUPING.sub("", STRING.sub('""', expression)))
    for name, following, matchers in NAME.findall(plain):
        if following != "(" and name not in WORDS:
            yield name, set(MATCHER.findall(matchers))


def grouping(expression: str) -> set[str]:
    """Return the labels that an expression groups by, leaves out or joins on."""
    lists = GROUPING.findall(STRING.sub('""', expression))
    return {label for one in lists for label in re.findall(r"\w+", one)}

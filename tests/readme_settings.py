"""The table of settings in the README, from the settings themselves and the template."""

import os
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from unittest import mock

from environs import Env

from kit.settings import read

TEMPLATE = Path(__file__).parent.parent / ".env.template"
SETTING = re.compile(r"#?([A-Z_]+)=(.*)")
LENGTHS = {"SESSION_IDLE", "SESSION_LIFETIME", "RATE_LIMITER_PERIOD"}
UNITS = {"d": timedelta(days=1), "h": timedelta(hours=1)}

# what the template leaves to the name


def meanings() -> dict[str, str]:
    """Return what the template says of each setting, "" where it leaves that to the name."""
    found, words = {}, list[str]()
    for line in TEMPLATE.read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            words.append(line.removeprefix("# "))
        elif setting := SETTING.fullmatch(line):
            found[setting[1]] = " ".join(words)
            words = []
        else:
            words = []
    return found


def defaults() -> dict[str, str]:
    """Return the value of each setting in an empty environment."""
    with mock.patch.dict(os.environ, clear=True):
        env = Env()
        read(env)
    return {name: _shown(name, value) for name, value in env.dump().items()}


def _shown(name: str, value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if name in LENGTHS and isinstance(value, float):
        return _length(timedelta(seconds=value))
    return "" if value is None else str(value)


def _length(time: timedelta) -> str:
    for unit, one in UNITS.items():
        if time % one == timedelta(0):
            return f"{time // one}{unit}"
    return f"{time // timedelta(seconds=1)}s"


def table() -> str:
    """Write one row for each setting, in the order of the template."""
    return "\n".join(["| name | default | meaning |", "|---|---|---|", *_rows()])


def _rows() -> Iterator[str]:
    values = defaults()
    for name, meaning in meanings().items():
        value = f"`{values[name]}`" if values[name] else "-"
        yield f"| `{name}` | {value} | {_sentence(meaning)} |"


def _sentence(words: str) -> str:
    return words.strip(". ").replace("...", "").strip().replace("|", r"\|")

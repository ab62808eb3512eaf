"""`.env.template` names every setting, and nothing else."""

import re
from pathlib import Path

import pytest
from environs import Env

from kit.settings import read

TEMPLATE = Path(__file__).parent.parent / ".env.template"


def test_names_every_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    env = Env()
    read(env)
    named = re.findall(r"^#?([A-Z_]+)=", TEMPLATE.read_text(), re.MULTILINE)
    assert sorted(named) == sorted(env.dump())

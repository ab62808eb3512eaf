"""`.env.template` names every setting, and nothing else."""

import pytest
from environs import Env

from kit.settings import read
from tests.support.settings import named


def test_names_every_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    env = Env()
    read(env)
    assert sorted(named()) == sorted(env.dump())

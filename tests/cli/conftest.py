"""Commands in this process, with the environment of a migrated database of their own."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli import main
from kit.settings import Settings

Run = Callable[..., Result]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, busy_settings: Settings) -> Run:
    """Run a command with the environment of a migrated database of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", busy_settings.database_url)
    monkeypatch.setenv("REDIS_URL", busy_settings.redis_url)
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", busy_settings.kafka_servers)
    monkeypatch.setenv("BCRYPT_ROUNDS", "4")
    monkeypatch.setenv("SHOP_API_PASSWORD", "skytrack")

    def invoke(*arguments: str, **environment: str) -> Result:
        return CliRunner().invoke(main, arguments, env=environment)

    return invoke

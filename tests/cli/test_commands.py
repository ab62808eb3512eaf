"""The commands, against real servers and in this process."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli import main
from kit.settings import Settings

Run = Callable[..., Result]

SIGN_UP = ["user", "create", "ann", "--email", "ann@example.org"]


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


class TestEveryCommand:
    @pytest.mark.parametrize("name", [*main.commands, "user create"])
    def test_has_help_with_an_example(self, run: Run, name: str) -> None:
        shown = run(*name.split(), "--help")
        assert shown.exit_code == 0
        assert "Example" in shown.output

    @pytest.mark.parametrize("command", ["migrate", "serve", "routes", "doctor", "seed"])
    def test_says_a_bad_setting_in_one_sentence(self, run: Run, command: str) -> None:
        refused = run(command, APP_PORT="eighty")
        assert refused.exit_code == 1
        assert refused.output == "Error: APP_PORT: Not a valid integer.\n"

    @pytest.mark.parametrize("command", [["migrate"], SIGN_UP, ["seed"]])
    def test_says_that_postgresql_is_away(self, run: Run, command: list[str]) -> None:
        refused = run(*command, DATABASE_URL="postgresql://postgres@127.0.0.1:1/postgres")
        assert refused.exit_code == 1
        assert "PostgreSQL cannot be used" in refused.output
        assert len(refused.output.splitlines()) == 1

    def test_reads_a_dotenv_file(
        self, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("LOG_FORMAT", "to be put back as it was when the test ends")
        monkeypatch.delenv("LOG_FORMAT")
        (tmp_path / ".env").write_text("LOG_FORMAT=morse\n")
        assert "LOG_FORMAT" in run("routes").output


class TestMigrate:
    def test_changes_nothing_the_second_time(self, run: Run) -> None:
        assert run("migrate").output == "Nothing to do: the database is at revision 0010.\n"


class TestUserCreate:
    def test_is_idempotent_and_can_promote(self, run: Run) -> None:
        assert run(*SIGN_UP).output == "Created ann with id 1.\n"
        assert run(*SIGN_UP).output == "Nothing to do: ann exists with id 1.\n"
        assert "ann is staff from now on" in run(*SIGN_UP, "--staff").output
        assert run(*SIGN_UP, "--staff").output == "Nothing to do: ann exists with id 1.\n"

    def test_says_that_the_email_is_taken(self, run: Run) -> None:
        run(*SIGN_UP)
        refused = run("user", "create", "bob", "--email", "ANN@example.org")
        assert refused.exit_code == 1
        assert refused.output.startswith("Error: Somebody has this e-mail address already")

    def test_names_what_does_not_fit(self, run: Run) -> None:
        refused = run("user", "create", "a n", "--email", "nowhere")
        assert refused.exit_code == 2
        assert "username: " in refused.output
        assert "email: " in refused.output


class TestRoutes:
    def test_lists_every_address(self, run: Run) -> None:
        lines = run("routes").output.splitlines()
        assert any(line.split()[:3] == ["POST", "/api/v1/shop/orders", "closed"] for line in lines)
        assert any(line.split()[:3] == ["GET", "/livez", "guest"] for line in lines)


class TestDoctor:
    def test_is_content_with_a_sound_house(self, run: Run) -> None:
        found = run("doctor", WEATHER_PROVIDER="fake")
        assert found.exit_code == 0, found.output
        assert [line[:2] for line in found.output.splitlines()] == ["ok"] * 5

    def test_warns_of_what_can_be_done_without(self, run: Run) -> None:
        found = run("doctor", WEATHER_URL="http://127.0.0.1:1")
        assert found.exit_code == 0, found.output
        last = found.output.splitlines()[-1]
        assert last.startswith(
            "warn  weather     open-meteo gives no answer (ClientConnectorError)"
        )
        assert last.endswith("WEATHER_PROVIDER=fake.")

    def test_names_what_is_away(self, run: Run) -> None:
        found = run("doctor", REDIS_URL="redis://127.0.0.1:1/0")
        assert found.exit_code == 1
        assert "FAIL  redis" in found.output
        assert "correct REDIS_URL" in found.output

    def test_counts_connections(self, run: Run) -> None:
        found = run("doctor", WORKERS="10")
        assert found.exit_code == 1
        assert "104 connections wanted of 100: lower WORKERS" in found.output

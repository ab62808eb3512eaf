"""The commands, against real servers and in this process."""

from pathlib import Path

import pytest

from cli import main
from migrations.run import newest_revision
from tests.cli.conftest import Run

SIGN_UP = ["user", "create", "ann", "--email", "ann@example.org"]


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
        assert (
            run("migrate").output
            == f"Nothing to do: the database is at revision {newest_revision()}.\n"
        )


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

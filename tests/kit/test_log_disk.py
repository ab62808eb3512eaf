"""The log as a file on a disk that hangs, is full, or cannot be written: nobody waits for it."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from embedded.process import wait_until
from tests.kit import logging_files
from tests.kit.events import tell
from tests.kit.logging_files import begin, ending, frozen, limit, written
from tests.kit.named_settings import Values, cases, refusal
from tests.support.log_lines import lines_of
from tests.support.processes import PATIENCE, ShopApi

CROWD = """
import time
worst = 0.0
for number in range(12_000):
    began = time.perf_counter()
    log.logger.info("line", number=number)
    worst = max(worst, time.perf_counter() - began)
log.logger.info("written", worst=worst)
while "fast enough" not in open("said").read():
    log.logger.info("more")
    time.sleep(0.01)
"""
LIMITED = """
import time
while True:
    log.logger.info("line")
    time.sleep(0.001)
"""
BAD: Values = {
    "LOG_FILE_BYTES": ["0", "9999", "10000000001"],
    "LOG_FILE_BACKUPS": ["0", "21"],
}

folder = logging_files.folder


class TestSlowDisk:
    @pytest.mark.chaos
    def test_holds_up_nobody(self, folder: Path) -> None:
        out = folder / "said"
        with frozen(folder / "log" / ".__x.lock"):
            process = begin(folder, CROWD)
            is_through = wait_until(lambda: '"written"' in out.read_text(), PATIENCE)
        with ending(process):
            assert is_through
            assert process.wait(PATIENCE) == 0
        said, kept = lines_of(out.read_text()), lines_of(written(folder))
        (worst,) = [line["worst"] for line in said if line["event"] == "written"]
        tell("longest line while the disk hangs, in seconds", worst)
        assert float(worst) < 0.5
        assert sum(line["event"] == "log file is too slow" for line in said) == 1
        (again,) = [line for line in said if line["event"] == "log file is fast enough again"]
        assert 1900 < again["lost"] < 2100
        assert (
            len(kept) + again["lost"] == len(said) - 1
        )  # the last is said of the file, not in it

    @pytest.mark.chaos
    def test_does_not_hold_up_the_end(self, folder: Path) -> None:
        with frozen(folder / "log" / ".__x.lock"):
            with ending(begin(folder, "log.logger.info('a line')")) as process:
                assert process.wait(PATIENCE) == 0
            assert written(folder) == ""


class TestFullDisk:
    def test_is_told_once_and_costs_only_lines(self, folder: Path) -> None:
        with ending(begin(folder, LIMITED, errors=subprocess.PIPE)) as process:
            assert process.stderr is not None
            os.set_blocking(process.stderr.fileno(), False)
            heard = bytearray()

            def is_told(what: bytes) -> bool:
                heard.extend(process.stderr.read() or b"" if process.stderr else b"")
                return what in heard

            assert wait_until(lambda: is_told(b'"line"'), PATIENCE)
            limit(process, 30_000)
            assert wait_until(lambda: is_told(b"is not written"), PATIENCE)
            enough = len(heard) + 30_000
            assert wait_until(lambda: is_told(b"") and len(heard) > enough, PATIENCE)
            limit(process, resource.RLIM_INFINITY)
            assert wait_until(lambda: is_told(b"is written again"), PATIENCE)
            whole = heard.decode().rpartition("\n")[0]
        assert "Traceback" not in whole
        said = [line for line in lines_of(whole) if line["event"].startswith("log file")]
        assert [line["event"] for line in said] == [
            "log file is not written",
            "log file is written again",
        ]
        assert said[0]["cause"] == "File too large"
        assert said[1]["lost"] > 100


class TestFileThatCannotBeWritten:
    @pytest.mark.parametrize(
        ("command", "name", "reason"),
        [
            ("serve", "none/x.log", "cannot be written (No such file or directory)."),
            ("worker", "log", "is no file."),
            ("serve", "said/x.log", "cannot be written (Not a directory)."),
        ],
    )
    def test_is_told_in_one_sentence(
        self, folder: Path, command: str, name: str, reason: str
    ) -> None:
        (folder / "said").touch()
        started = ShopApi(folder / "out", command, LOG_FILE=str(folder / name))
        assert started.process.wait(PATIENCE) == 1
        assert started.said == f"Error: LOG_FILE: {folder / name} {reason}\n"

    def test_for_a_full_disk_is_told_as_well(self, folder: Path) -> None:
        limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (3000, -1))\n"
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(
                ShopApi, "program", [sys.executable, "-c", f"{limit}import cli; cli.main()"]
            )
            command = ShopApi(folder / "out", "serve", LOG_FILE=str(folder / "log" / "x.log"))
            assert command.process.wait(PATIENCE) == 1
        assert command.said.startswith("Error: LOG_FILE: ")
        assert len(command.said.splitlines()) == 1


class TestBadSize:
    @pytest.mark.parametrize(("name", "value"), cases(BAD))
    def test_is_refused(self, monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
        refusal(monkeypatch, name, value)

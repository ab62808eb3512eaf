"""The log as a file: whole lines of all processes, none lost, and none twice."""

import json
import time
from collections import Counter
from pathlib import Path

from embedded.process import wait_until
from kit.settings import Settings
from tests.kit import logging_files
from tests.kit.events import tell
from tests.kit.logging_files import begin, ending, written
from tests.support.http import fetch
from tests.support.log_lines import lines_of
from tests.support.processes import PATIENCE, ShopApi, free_port

LINES = 2000  # of each process
# two of these fork, so four processes write, and two of them with what they have inherited
FORKING = f"""
import os
log.logger.info("before")
child = os.fork()
for number in range({LINES}):
    log.logger.info("line", number=number)
if child:
    os.waitpid(child, 0)
"""

folder = logging_files.folder


class TestProcesses:
    def test_write_whole_lines_into_one_file_that_is_rotated(self, folder: Path) -> None:
        (folder / "log" / "x.log").write_text('{"message": "of an earlier run"}\n')
        started = time.monotonic()
        processes = [
            begin(folder, FORKING, LOG_FILE_BYTES="200000", LOG_FILE_BACKUPS="20")
            for _ in range(2)
        ]
        with ending(processes[0]), ending(processes[1]):
            assert [process.wait(PATIENCE) for process in processes] == [0, 0]
        seconds = time.monotonic() - started
        lines = [json.loads(line) for line in written(folder).split("\n") if line]
        files = list((folder / "log").glob("x.log*"))
        tell("lines of four processes, files, seconds", (len(lines), len(files), seconds))
        found = Counter((line.get("process.pid"), line.get("labels.number")) for line in lines)
        assert max(found.values()) == 1
        pids = {pid for pid, number in found if number is not None}
        assert set(found) == {
            *((pid, str(number)) for pid in pids for number in range(LINES)),
            *((process.pid, None) for process in processes),
            (None, None),
        }
        assert len(pids) == 4
        assert 5 < len(files) < 20
        assert (
            max(path.stat().st_size for path in files) <= 201_000
        )  # the line that makes it too large stays

    def test_of_gunicorn_speak_alike_in_both_places(
        self, settings: Settings, folder: Path
    ) -> None:
        port, path = free_port(), folder / "log" / "x.log"
        command = ShopApi(
            folder / "serve.log",
            *("serve", "--workers", "2"),
            APP_PORT=port,
            DATABASE_URL=settings.database_url,
            REDIS_URL=settings.redis_url,
            LOG_FILE=str(path),
        )
        try:
            assert wait_until(lambda: command.said.count("Booting worker") == 2, PATIENCE)
            for _ in range(20):
                fetch(f"http://127.0.0.1:{port}/livez")
        finally:
            assert command.stop() == 0
        assert sorted(command.said.splitlines()) == sorted(path.read_text().splitlines())
        told = lines_of(path.read_text())
        assert sum(line["event"] == "request" for line in told) == 20
        assert any(line["event"].startswith("Listening at") for line in told)

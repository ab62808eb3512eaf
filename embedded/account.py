"""Lend root an account that PostgreSQL accepts, and find out what that account can reach."""

import os
import pwd
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from embedded.errors import EmbeddedError

SHELTER = Path("/var/tmp")  # noqa: S108 - survives a reboot; the names in it are random and checked
PREFIX = "shop-api-"
POINTER = "home"  # a file in the project's folder that names the shelter


@dataclass(frozen=True)
class Account:
    """Hold the ids that a child process gets instead of root's."""

    uid: int
    gid: int

    def options(self) -> dict[str, Any]:
        """Return the arguments of subprocess that change to this account."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def can_enter(self, folder: Path) -> bool:
        """Try to change into a folder as this account."""
        return succeeds(["/bin/sh", "-c", 'cd "$1"', "sh", str(folder)], self)


def unprivileged(data: Path) -> Account | None:
    """Return the owner of the data or `nobody` when we are root; None when we are not."""
    if os.geteuid() != 0:
        return None
    if data.exists():  # somebody's own data stays usable for him after a start by root
        return Account(data.stat().st_uid, data.stat().st_gid)
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError as error:
        raise EmbeddedError(
            "PostgreSQL refuses to run as root and there is no account `nobody`: set DATABASE_URL."
        ) from error
    return Account(entry.pw_uid, entry.pw_gid)


def succeeds(command: list[str], account: Account | None) -> bool:
    """Tell whether a quick command can be started as an account and ends with 0."""
    try:
        done = subprocess.run(
            command,
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=30,
            **(account.options() if account else {}),
        )
    except OSError:  # not there, not executable, or the kernel does not let us change the account
        return False
    return done.returncode == 0


def home(folder: Path) -> Path:
    """Tell where a server's data lies: in its folder, or in the shelter that the folder points to.

    Raises:
        EmbeddedError: the shelter is not the folder that root made.
    """
    pointer = folder / POINTER
    if not pointer.exists():
        return folder
    place = Path(pointer.read_text().strip())
    if not os.path.lexists(place):  # somebody cleaned /var/tmp: nothing is left to find
        return folder
    found = place.lstat()
    made_here = place.parent == SHELTER and place.name.startswith(PREFIX)
    safe = stat.S_ISDIR(found.st_mode) and not found.st_mode & 0o022 and found.st_uid == 0
    if not (made_here and safe):
        raise EmbeddedError(
            f"{place} was not made by shop-api: look at it, then remove {pointer}."
        )
    return place


def settle(folder: Path, account: Account | None) -> Path:
    """Return a home that the account can enter, a shelter when the folder is closed to it."""
    place = home(folder)
    if account is None or place != folder or account.can_enter(folder):
        return place
    shelter = Path(tempfile.mkdtemp(prefix=PREFIX, dir=SHELTER))
    shelter.chmod(0o711)  # root keeps it, the account may pass through to what it owns inside
    (folder / POINTER).write_text(f"{shelter}\n")
    return shelter

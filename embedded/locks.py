"""Hold files by flock: the kernel lets go when the last holder dies, however it dies."""

import fcntl
from io import FileIO
from pathlib import Path

from embedded.errors import EmbeddedError


def open_folder(folder: Path) -> Path:
    """Make a folder when it is missing and return its real path.

    Raises:
        EmbeddedError: this account may not.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise closed(folder, error) from error
    return folder.resolve()


def hold(path: Path) -> FileIO | None:
    """Lock a file until the returned handle is closed; None when somebody else holds it.

    Raises:
        EmbeddedError: this account may not write the file.
    """
    try:
        handle = FileIO(path, "a")
    except OSError as error:
        raise closed(path, error) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        handle.close()
        return None
    return handle


def closed(path: Path, error: OSError) -> EmbeddedError:
    """Return the error that tells about a path which belongs to another account."""
    advice = "use the account that made it, or remove it"
    return EmbeddedError(f"{path} cannot be used ({error.strerror}): {advice}.")

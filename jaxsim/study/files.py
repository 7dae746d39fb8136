"""Files that are whole or absent, and files that only one process can create."""

import errno
import json
import os
import uuid
from pathlib import Path
from typing import Any

NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}


def write_file(path: Path, content: bytes) -> None:
    """Write a file that replaces any other of its name when it is complete and on the disk."""
    temporary = _temporary(path, content)
    try:
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def create_file(path: Path, content: bytes) -> bool:
    """Create a file if there is none of its name; return whether it was this call that did.

    The complete file is linked to its name, which is atomic on local file systems, on NFS of every version, and on
    Lustre, GPFS and BeeGFS. Where there are no links, it is opened for exclusive creation, which is atomic
    on all of these but NFS version 2.

    Examples
    --------
    >>> import tempfile
    >>> name = Path(tempfile.mkdtemp()) / "claim"
    >>> create_file(name, b"mine"), create_file(name, b"yours"), name.read_bytes()
    (True, False, b'mine')
    """
    temporary = _temporary(path, content)
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        return _create_exclusively(path, content)
    finally:
        temporary.unlink(missing_ok=True)
    return True


def read_json(path: Path) -> dict[str, Any] | None:
    """Return what a JSON file says; None if there is no such file or it is not complete."""
    try:
        value = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def _temporary(path: Path, content: bytes) -> Path:
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def _create_exclusively(path: Path, content: bytes) -> bool:
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
    except FileExistsError:
        return False
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    return True

"""Files of a store: whole or absent, made by one process only, and sealed, so that a change of them is noticed."""

import errno
import hashlib
import json
import os
from pathlib import Path
from typing import Any

from jaxsim._files import open_regular, read_regular, temporary_beside

NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}
SEAL = "seal"  # key of the digest of a record, in the record


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


def sealed(record: dict[str, Any]) -> bytes:
    """Return a record as JSON that holds the digest of itself.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "record.json"
    >>> write_file(path, sealed({"chunks": 12}))
    >>> read_sealed(path)
    {'chunks': 12}
    >>> write_file(path, path.read_bytes().replace(b"12", b"13"))
    >>> print(read_sealed(path))
    None
    """
    return json.dumps({**record, SEAL: _seal_of(record)}, indent=1).encode()


def read_sealed(path: Path) -> dict[str, Any] | None:
    """Return a sealed record without its seal; None if there is no such file or it is not as it was written."""
    record = read_json(path)
    seal = record.pop(SEAL, None) if record is not None else None
    return record if record is not None and seal == _seal_of(record) else None


def is_damaged(path: Path) -> bool:
    """Return whether there is a file that should hold a sealed record and does not."""
    return os.path.lexists(path) and read_sealed(path) is None and os.path.lexists(path)


def read_json(path: Path) -> dict[str, Any] | None:
    """Return what a JSON file says; None if there is no such file or it is none."""
    try:
        value = json.loads(read_regular(path))
    except PermissionError:
        raise
    except (OSError, ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def digest_of_file(path: Path) -> str | None:
    """Return the SHA-256 digest of a regular file; None if there is none."""
    try:
        with open_regular(path) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except PermissionError:
        raise
    except OSError:
        return None


def _seal_of(record: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()[:32]


def _temporary(path: Path, content: bytes) -> Path:
    temporary = temporary_beside(path)
    try:
        with temporary.open("xb") as file:
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

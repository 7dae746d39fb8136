"""The ledger of a store: which chunks are claimed by whom, and which are done.

A chunk is claimed by creating ``claims/<chunk>.<generation>``, which only one process can. If the owner of the last
generation is dead, another claims the next one; nothing is ever removed, so that two processes cannot take the same
claim from a dead third. ``done/<chunk>`` is created last, when everything of the chunk is in the store, and holds the
digest of its sums; ``results/<group>`` likewise those of the results of a group of design points. Every file is sealed:
one that was changed counts as not there.
"""

import errno
import hashlib
import json
import os
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from jaxsim._files import open_regular, read_regular, temporary_beside
from jaxsim._process import started, this_machine
from jaxsim.errors import StudyError

# Files of a store: whole or absent, made by one process only, and sealed, so that a change of them is noticed.

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


# Who works on a store: one record for each process, whose age tells whether it still lives.

BEAT = 10.0  # seconds between heartbeats
_PATIENCE = 300.0  # seconds without one after which a process of another machine counts as dead


class ChunkOwner:
    """This process, with a heartbeat in the folder `owners` of a store.

    Parameters
    ----------
    folder
        Of the records.
    facts
        A function that returns what else each heartbeat says.
    """

    def __init__(self, folder: Path, facts: Callable[..., Any] | type[Any] = dict) -> None:
        self.folder, self.facts = folder, facts
        self.name = uuid.uuid4().hex[:16]
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True, name="heartbeat")

    def __enter__(self) -> "ChunkOwner":
        self.write()
        self._thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._over.set()
        self._thread.join()
        (self.folder / f"{self.name}.json").unlink(missing_ok=True)

    def write(self) -> None:
        """Write the record anew."""
        record = {"machine": this_machine(), "pid": os.getpid(), "started": started(os.getpid()), **self.facts()}
        write_file(self.folder / f"{self.name}.json", sealed(record))

    def _beat(self) -> None:
        while not self._over.wait(BEAT):
            try:
                self.write()
            except OSError:  # a full disk must not stop the computation; the old record ages, and that is seen
                continue

    def lives(self, other: str) -> bool:
        """Return whether another process, by the name of its record, still works.

        On the same machine the process is looked up. On another its heartbeat must be younger than `_PATIENCE`, by
        the clock of the file system: our own record, just written, gives the present.
        """
        path = self.folder / f"{other}.json"
        if not path.exists():
            return False
        record = read_sealed(path) or {}  # a damaged one counts as that of another machine, whose age tells
        if record.get("machine") == this_machine() and record.get("started") is not None:
            return started(int(record["pid"])) == record["started"]
        self.write()
        try:
            return (self.folder / f"{self.name}.json").stat().st_mtime - path.stat().st_mtime < _PATIENCE
        except FileNotFoundError:
            return False


NOBODY = "nobody"


class Ledger:
    """Claims and completions of the chunks of one store."""

    def __init__(self, folder: Path) -> None:
        self.claims, self.finished, self.groups = folder / "claims", folder / "done", folder / "results"
        self.forgotten: list[int] = []
        """Chunks that this process has found damaged."""
        self.forgotten_groups: list[int] = []

    def create(self) -> None:
        """Make the folders of an empty ledger."""
        self.claims.mkdir(parents=True)
        self.finished.mkdir(parents=True)
        self.groups.mkdir(parents=True)

    def claim(self, chunk: int, owner: ChunkOwner) -> bool:
        """Claim a chunk that is not done; return whether it is now this owner's to compute."""
        if self.is_done(chunk):
            return False
        if self.is_chunk_damaged(chunk):
            self.forget(chunk)
        generation, holder = self._last(chunk)
        if holder is not None and (holder == owner.name or owner.lives(holder)):
            return False
        claimed = create_file(self._claim_file(chunk, generation + 1), sealed({"chunk": chunk, "owner": owner.name}))
        return claimed and not self.is_done(chunk)

    def holder(self, chunk: int) -> str | None:
        """Return the name of the owner who claimed a chunk last."""
        return self._last(chunk)[1]

    def generation(self, chunk: int) -> int:
        """Return how often a chunk has been claimed."""
        return self._last(chunk)[0]

    def complete(self, chunk: int, owner: ChunkOwner, facts: dict[str, Any]) -> bool:
        """Note that everything of a chunk is stored; return whether this owner was the first to say so."""
        path = self.done_file(chunk)
        content = sealed({"chunk": chunk, "owner": owner.name, **facts})
        if create_file(path, content):
            return True
        if not self.is_done(chunk):  # left empty by a machine that lost power
            write_file(path, content)
        return False

    def is_done(self, chunk: int) -> bool:
        """Return whether a chunk is done."""
        return self.facts(chunk) is not None

    def is_chunk_damaged(self, chunk: int) -> bool:
        """Return whether there is a file that should say that a chunk is done, and does not."""
        return not self.is_done(chunk) and self.done_file(chunk).exists()

    def facts(self, chunk: int) -> dict[str, Any] | None:
        """Return what was noted of a chunk that is done."""
        return _of("chunk", chunk, self.done_file(chunk))

    def forget(self, chunk: int) -> None:
        """Take back that a chunk is done, because what is stored of it is damaged; anybody may claim it again.

        Raises
        ------
        StudyError
            If this process has forgotten it before: what it writes does not stay what it was.
        """
        if chunk in self.forgotten:
            raise StudyError(
                f"chunk {chunk} is damaged again after it was computed anew; the disk of '{self.claims.parent.parent}' "
                f"or the memory of this machine does not keep what is written: move the store, then resume"
            )
        self.forgotten.append(chunk)
        self.done_file(chunk).unlink(missing_ok=True)
        nobody = sealed({"chunk": chunk, "owner": NOBODY})
        create_file(self._claim_file(chunk, self.generation(chunk) + 1), nobody)

    def complete_group(self, group: int, digests: dict[str, str]) -> None:
        """Note that the results of a group of design points are written, with the digest of each array."""
        path, content = self.group_file(group), sealed({"group": group, "digests": digests})
        if not create_file(path, content) and not self.is_group_done(group):
            write_file(path, content)

    def is_group_done(self, group: int) -> bool:
        """Return whether the results of a group of design points are written."""
        return self.group_digests(group) is not None

    def is_group_damaged(self, group: int) -> bool:
        """Return whether there is a file that should say that the results of a group are written, and does not."""
        return not self.is_group_done(group) and self.group_file(group).exists()

    def group_digests(self, group: int) -> dict[str, str] | None:
        """Return the digests of the results of a group of design points; None if they are not written."""
        facts = _of("group", group, self.group_file(group))
        return None if facts is None else facts["digests"]

    def forget_group(self, group: int) -> None:
        """Take back that the results of a group are written, because they are damaged."""
        self.forgotten_groups.append(group)
        self.group_file(group).unlink(missing_ok=True)

    def done(self) -> Iterator[int]:
        """Iterate over the chunks that are done, in their order."""
        yield from (chunk for chunk in _numbers(self.finished) if self.is_done(chunk))

    def claimed(self) -> Iterator[int]:
        """Iterate over the chunks that were ever claimed, in their order."""
        yield from _numbers(self.claims)

    def done_file(self, chunk: int) -> Path:
        """Return the file that says that a chunk is done."""
        return self.finished / f"{chunk:08d}.json"

    def group_file(self, group: int) -> Path:
        """Return the file that says that the results of a group are written."""
        return self.groups / f"{group:08d}.json"

    def _claim_file(self, chunk: int, generation: int) -> Path:
        return self.claims / f"{chunk:08d}.{generation:04d}.json"

    def _last(self, chunk: int) -> tuple[int, str | None]:
        """Return the last generation of claims (0 for none) and its owner."""
        generation, holder = 0, None
        while (path := self._claim_file(chunk, generation + 1)).exists():
            generation, holder = generation + 1, (read_sealed(path) or {}).get("owner")
        return generation, holder


def _of(kind: str, number: int, path: Path) -> dict[str, Any] | None:
    """Return a sealed record if it is the one of this number."""
    facts = read_sealed(path)
    return facts if facts is not None and facts.get(kind) == number else None


def _numbers(folder: Path) -> list[int]:
    names = (path.name.partition(".")[0] for path in folder.glob("[0-9]*.json"))
    return sorted({int(name) for name in names if name.isdecimal()})

"""The ledger of a store: which chunks are claimed by whom, and which are done.

A chunk is claimed by creating ``claims/<chunk>.<generation>``, which only one process can. If the owner of the last
generation is dead, another claims the next one; nothing is ever removed, so that two processes cannot take the same
claim from a dead third. ``done/<chunk>`` is created last, when everything of the chunk is in the store, and holds the
digest of its sums; ``results/<group>`` likewise those of the results of a group of design points. Every file is sealed:
one that was changed counts as not there.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jaxsim.errors import StudyError
from jaxsim.study.files import create_file, read_sealed, sealed, write_file
from jaxsim.study.owner import Owner

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

    def claim(self, chunk: int, owner: Owner) -> bool:
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

    def complete(self, chunk: int, owner: Owner, facts: dict[str, Any]) -> bool:
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

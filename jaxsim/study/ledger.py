"""The ledger of a store: which chunks are claimed by whom, and which are done.

A chunk is claimed by creating ``claims/<chunk>.<generation>``, which only one process can. If the owner of the last
generation is dead, another claims the next one; nothing is ever removed, so that two processes cannot take the same
claim from a dead third. ``done/<chunk>`` is created last, when everything of the chunk is in the store.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jaxsim.study.files import create_file, read_json, write_file
from jaxsim.study.owner import Owner


class Ledger:
    """Claims and completions of the chunks of one store."""

    def __init__(self, folder: Path) -> None:
        self.claims, self.finished, self.groups = folder / "claims", folder / "done", folder / "results"

    def create(self) -> None:
        """Make the folders of an empty ledger."""
        self.claims.mkdir(parents=True)
        self.finished.mkdir(parents=True)
        self.groups.mkdir(parents=True)

    def claim(self, chunk: int, owner: Owner) -> bool:
        """Claim a chunk that is not done; return whether it is now this owner's to compute."""
        if self.is_done(chunk):
            return False
        generation, holder = self._last(chunk)
        if holder is not None and (holder == owner.name or owner.lives(holder)):
            return False
        content = json.dumps({"owner": owner.name}).encode()
        claimed = create_file(self.claims / f"{chunk:08d}.{generation + 1:04d}.json", content)
        return claimed and not self.is_done(chunk)

    def holder(self, chunk: int) -> str | None:
        """Return the name of the owner who claimed a chunk last."""
        return self._last(chunk)[1]

    def complete(self, chunk: int, owner: Owner, facts: dict[str, Any]) -> bool:
        """Note that everything of a chunk is stored; return whether this owner was the first to say so."""
        path = self.finished / f"{chunk:08d}.json"
        content = json.dumps({"owner": owner.name, **facts}).encode()
        if create_file(path, content):
            return True
        if read_json(path) is None:  # left empty by a machine that lost power
            write_file(path, content)
        return False

    def is_done(self, chunk: int) -> bool:
        """Return whether a chunk is done."""
        return self.facts(chunk) is not None

    def facts(self, chunk: int) -> dict[str, Any] | None:
        """Return what was noted of a chunk that is done."""
        return read_json(self.finished / f"{chunk:08d}.json")

    def forget(self, chunk: int) -> None:
        """Take back that a chunk is done, because what is stored of it is damaged."""
        (self.finished / f"{chunk:08d}.json").unlink(missing_ok=True)

    def complete_group(self, group: int) -> None:
        """Note that the results of a group of design points are written."""
        create_file(self.groups / f"{group:08d}.json", b"{}")

    def is_group_done(self, group: int) -> bool:
        """Return whether the results of a group of design points are written."""
        return (self.groups / f"{group:08d}.json").exists()

    def done(self) -> Iterator[int]:
        """Iterate over the chunks that are done, in their order."""
        for path in sorted(self.finished.glob("[0-9]*.json")):
            if path.stat().st_size:
                yield int(path.stem)

    def claimed(self) -> Iterator[int]:
        """Iterate over the chunks that were ever claimed, in their order."""
        yield from sorted({int(path.name.partition(".")[0]) for path in self.claims.glob("[0-9]*.json")})

    def _last(self, chunk: int) -> tuple[int, str | None]:
        """Return the last generation of claims (0 for none) and its owner."""
        generation, holder = 0, None
        while (path := self.claims / f"{chunk:08d}.{generation + 1:04d}.json").exists():
            generation, holder = generation + 1, (read_json(path) or {}).get("owner")
        return generation, holder

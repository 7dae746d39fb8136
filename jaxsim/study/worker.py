"""One process at work on a store."""

import time
from collections.abc import Generator
from contextlib import closing
from typing import Any

import numpy as np

from jaxsim.study.counted import Computed
from jaxsim.study.display import Display
from jaxsim.study.files import sealed, write_file
from jaxsim.study.finishing import finish_group
from jaxsim.study.owner import Owner
from jaxsim.study.plan import Chunk, named_points
from jaxsim.study.repair import forget_damaged, remove_left_overs
from jaxsim.study.setup import Setup
from jaxsim.study.signals import Wish
from jaxsim.study.stopping import Stopping
from jaxsim.study.store import Engine, Store


class Worker:
    """Claims, computes and commits the chunks of its share."""

    def __init__(self, store: Store, setup: Setup, engine: Engine, display: Display, wish: Wish, share: range) -> None:
        self.store, self.setup, self.engine, self.display = store, setup, engine, display
        self.wish, self.share = wish, share
        self.stopping = Stopping(setup.file.stop, store.plan, store.ledger, store.sums, engine)
        self.owner = Owner(store.owners, self._facts)
        self.began, self.done = time.time(), 0
        self.compile_seconds, self.lanes = 0.0, 0
        self.provenance: dict[str, Any] = {}
        self.said = self.said_groups = 0

    def run(self, provenance: dict[str, Any]) -> int:
        """Work until nothing is left to claim, or a signal asks to end; return the number of chunks committed.

        What is found damaged on the way is forgotten, and computed again in another round.
        """
        self.provenance = provenance
        with self.owner:
            try:
                remove_left_overs(self.store, self.owner)
                forget_damaged(self.store, self.share)
                self._plan_display()
                self._say_forgotten()
                self._note("running")
                going = True
                while going:
                    before = self.done
                    self._compute()
                    self._finish()
                    self._say_forgotten()
                    going = self.done > before and not self.wish and any(map(self._is_mine_to_do, self.share))
                self._note(self.wish.signal or "ended")
            finally:
                self.display.close()
        return self.done

    def _compute(self) -> None:
        # closed at once when a commit fails, or its threads would go on claiming
        with closing(self.engine.compute(self.store.plan, self._claims())) as chunks:
            for computed in chunks:
                self._commit(computed)
                self.display.show(self.engine.trajectories)

    def _is_mine_to_do(self, number: int) -> bool:
        """Return whether a chunk is in nobody's hands and needed."""
        ledger = self.store.ledger
        if ledger.is_done(number) or self.stopping.enough(self.store.plan.chunk(number)):
            return False
        holder = ledger.holder(number)
        return holder is None or (holder != self.owner.name and not self.owner.lives(holder))

    def _say_forgotten(self) -> None:
        ledger = self.store.ledger
        for number in ledger.forgotten[self.said :]:
            self.display.say(f"the sums of chunk {number} are damaged; they are computed again")
        self.said = len(ledger.forgotten)
        for group in ledger.forgotten_groups[self.said_groups :]:
            points = self.store.plan.chunk(group).points
            self.display.say(f"the results of {named_points(points)} are damaged; they are made again from the sums")
        self.said_groups = len(ledger.forgotten_groups)

    def _claims(self) -> Generator[Chunk, None, None]:
        """Yield chunks of the share as this process claims them, until all are done or in living hands."""
        while True:
            claimed = False
            for number in self.share:
                if self.wish:
                    return
                chunk = self.store.plan.chunk(number)
                if not self.stopping.enough(chunk) and self.store.ledger.claim(number, self.owner):
                    claimed = True
                    yield chunk
            if not claimed:
                return

    def _commit(self, computed: Computed) -> None:
        """Store a chunk and, last, say that it is done."""
        store, chunk = self.store, computed.chunk
        self.compile_seconds += computed.compile_seconds
        self.lanes = computed.lanes
        if store.ledger.holder(chunk.number) != self.owner.name:
            self.display.say(f"chunk {chunk.number} was taken over by another process while this one stood still")
            return
        if store.ledger.generation(chunk.number) > 1:
            store.sums.remove_partial(chunk)
        digest = store.sums.write(chunk, computed.arrays)
        status = np.asarray(computed.arrays["status"]).reshape(len(chunk.points), -1).sum(axis=0)
        facts = {
            "digest": digest,
            "status": status.astype(int).tolist(),
            "seconds": round(computed.seconds, 3),
            "compile_seconds": round(computed.compile_seconds, 3),
            "lanes": computed.lanes,
        }
        store.ledger.complete(chunk.number, self.owner, facts)
        self.done += 1
        finish_group(store, self.setup, self.engine, self.stopping, chunk.group)

    def _finish(self) -> None:
        """Write results that a process before this one could not, because it was killed."""
        for group in range(self.store.plan.groups):
            finish_group(self.store, self.setup, self.engine, self.stopping, group)

    def _plan_display(self) -> None:
        plan, ledger = self.store.plan, self.store.ledger
        chunks = (plan.chunk(number) for number in self.share if not ledger.is_done(number))
        total = sum(len(chunk.points) * chunk.trajectories for chunk in chunks)
        self.display.begin(total)
        self.display.say(
            f"{plan.points} design points, {plan.chunks} chunks, {total:,} trajectories to go in this run"
            f"{' at most' if self.setup.file.stop else ''}; store {self.store.path}"
        )

    def _facts(self) -> dict[str, Any]:
        """Return what each heartbeat says."""
        self.display.show(self.engine.trajectories)
        left = self.display.pace.left()
        return {
            "at": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
            "chunks": self.done,
            "trajectories": self.engine.trajectories,
            "trajectories_of_this_run": self.display.total,
            "seconds_left": list(left) if left else None,
        }

    def _note(self, state: str) -> None:
        record = {
            **self.provenance,
            "state": state,
            "chunks": self.done,
            "trajectories": self.engine.trajectories,
            "wall_seconds": round(time.time() - self.began, 3),
            "compile_seconds": round(self.compile_seconds, 3),
            "lanes": self.lanes,
        }
        write_file(self.store.runs / f"{self.owner.name}.json", sealed(record))

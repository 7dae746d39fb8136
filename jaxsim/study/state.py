"""The state of a store: how far it is, who works on it, how trajectories have ended."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from jaxsim.errors import StudyError
from jaxsim.kernels import LABELS
from jaxsim.study.damage import Damage, damage_of
from jaxsim.study.files import read_sealed
from jaxsim.study.owner import Owner
from jaxsim.study.results import found_shortfalls
from jaxsim.study.stopping import Shortfall, verdict
from jaxsim.study.store import Store


@dataclass(frozen=True)
class State:
    """Counts of chunks and trajectories, and the processes at work."""

    chunks: int
    done: int
    in_flight: int
    """Claimed by processes that live."""
    lost: int
    """Claimed by processes that died; they will be claimed again."""
    points: int
    complete_points: int
    status: dict[str, int]
    """Trajectories of finished chunks, by how they ended."""
    seconds: float
    """Of all finished chunks together."""
    compile_seconds: float
    workers: list[dict[str, Any]]
    """The last heartbeats of processes that live."""
    runs: list[dict[str, Any]]
    """What every process was and did, in the order in which they began."""
    verdict: str
    """How far the study is, or how it has ended, in a phrase."""
    short: list[Shortfall]
    """Design points that are complete and at which the stopping rule is not met."""
    damaged: list[Damage]
    """What is not as it was written; the sums, from which results are made, are not looked at."""


def state_of(store: Store) -> State:
    """Return the state of a store."""
    plan, ledger = store.plan, store.ledger
    done = set(ledger.done())
    facts = [ledger.facts(number) or {} for number in sorted(done)]
    looker = Owner(store.owners)
    alive = {path.stem for path in store.owners.glob("[0-9a-f]*.json") if _alive(looker, path.stem)}
    damaged = list(damage_of(store, sums=False))
    short, unread = _shortfalls(store)
    held = [number for number in ledger.claimed() if number not in done]
    flying = sum(ledger.holder(number) in alive for number in held)
    complete = sum(len(plan.chunk(group).points) for group in range(plan.groups) if ledger.is_group_done(group))
    totals = np.sum([fact["status"] for fact in facts if "status" in fact] or [[0] * len(LABELS)], axis=0)
    runs = [record for path in store.runs.glob("*.json") if (record := read_sealed(path)) is not None]
    told = verdict(complete, plan.points, short) + unread
    return State(
        chunks=plan.chunks,
        done=len(done),
        in_flight=flying,
        lost=len(held) - flying,
        points=plan.points,
        complete_points=complete,
        status={label: int(number) for label, number in zip(LABELS, totals, strict=True) if number},
        seconds=float(sum(fact.get("seconds", 0.0) for fact in facts)),
        compile_seconds=float(sum(run.get("compile_seconds", 0.0) for run in runs)),
        workers=[record for name in sorted(alive) if (record := read_sealed(store.owners / f"{name}.json"))],
        runs=sorted(runs, key=lambda run: str(run.get("begun"))),
        verdict=f"damaged: {len(damaged)} part{'s' if damaged[1:] else ''}; {told}" if damaged else told,
        short=short,
        damaged=damaged,
    )


def _shortfalls(store: Store) -> tuple[list[Shortfall], str]:
    """Return where the stopping rule is not met; where that cannot be read, say so."""
    try:
        return found_shortfalls(store), ""
    except StudyError:
        return [], "; whether the stopping rule is met is not known"


def _alive(looker: Owner, name: str) -> bool:
    try:
        return looker.lives(name)
    finally:  # on a store of another machine, looking writes a heartbeat of our own
        (looker.folder / f"{looker.name}.json").unlink(missing_ok=True)

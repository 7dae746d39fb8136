"""Results of design points whose trajectories are all there."""

from typing import TYPE_CHECKING, Any

from jaxsim.study.setup import Setup
from jaxsim.study.stopping import Stopping, precision_columns
from jaxsim.study.store import Engine, Store, run_columns

if TYPE_CHECKING:
    import xarray


def finish_group(store: Store, setup: Setup, engine: Engine, stopping: Stopping, group: int) -> bool:
    """Write the results of a group of design points if all its blocks are there; return whether they are.

    Sums are added in the order of the blocks, one at a time. Several processes may do this at once: they write the
    same values. A block that turns out to be damaged is forgotten, and the group waits until it is computed again.
    """
    if store.ledger.is_group_done(group):
        return True
    needed = [blocks for blocks in stopping.blocks_needed(group) if blocks is not None]
    points = store.plan.chunk(group).points
    if len(needed) < len(points):
        return False
    totals: list[Any] = [None] * len(points)
    for block in range(max(needed)):
        arrays = stopping.whole(store.plan.number(group, block))
        if arrays is None:
            return False
        for row in range(len(points)):
            if block < needed[row]:
                own = [leaf[row] for leaf in arrays.values()]
                totals[row] = own if block == 0 else [a + b for a, b in zip(totals[row], own, strict=True)]
    rows = [_finished(store, setup, engine, point, totals[row], needed[row]) for row, point in enumerate(points)]
    store.ledger.complete_group(group, store.results.write(points, rows))
    return True


def _finished(store: Store, setup: Setup, engine: Engine, point: int, sums: list[Any], blocks: int) -> "xarray.Dataset":
    taken = min(store.plan.trajectories, blocks * store.plan.block)
    data = engine.finish(point, sums, taken)
    data = data.assign(precision_columns(data, setup.file.stop, taken))
    data = data.assign(run_columns(taken, data.attrs["events"], data.attrs["precision"]))
    return data.sel(species=list(setup.outputs))

"""When a design point has trajectories enough: the stopping rule of a study."""

import threading
from math import isfinite
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

from jaxsim.study.ledger import Ledger
from jaxsim.study.plan import Chunk, Plan
from jaxsim.study.schema import Stop

if TYPE_CHECKING:
    import xarray

    from jaxsim.study.arrays import Sums

LEVEL = 0.95
QUANTILE = NormalDist().inv_cdf((1 + LEVEL) / 2)


class Stopping:
    """Decides, from the blocks of a design point in their order, after how many it has enough.

    The decision reads finished blocks alone, from the first on without a gap, so that it is the same whoever
    computed them and when. Blocks beyond it, which others may have begun meanwhile, are not used.
    """

    def __init__(self, stop: Stop | None, plan: Plan, ledger: Ledger, sums: "Sums", engine: Any) -> None:
        self.stop, self.plan, self.ledger, self.sums, self.engine = stop, plan, ledger, sums, engine
        self._lock = threading.Lock()
        self._known: dict[int, _Prefix] = {}

    def enough(self, chunk: Chunk) -> bool:
        """Return whether no design point of a chunk needs this block, as far as is known."""
        if self.stop is None or chunk.block == 0:
            return False
        with self._lock:
            prefix = self._advanced(chunk.group)
            return all(needed is not None and needed <= chunk.block for needed in prefix.needed)

    def blocks_needed(self, group: int) -> list[int | None]:
        """Return, for each design point of a group, how many blocks it takes; None where that is not yet known."""
        if self.stop is None:
            whole = all(self.ledger.is_done(self.plan.number(group, b)) for b in reversed(range(self.plan.blocks)))
            return [self.plan.blocks if whole else None] * len(self.plan.chunk(group).points)
        with self._lock:
            return list(self._advanced(group).needed)

    def _advanced(self, group: int) -> "_Prefix":
        points = self.plan.chunk(group).points
        prefix = self._known.setdefault(group, _Prefix([None] * len(points), 0, None))
        while any(n is None for n in prefix.needed) and prefix.blocks < self.plan.blocks:
            number = self.plan.number(group, prefix.blocks)
            if not self.ledger.is_done(number):
                break
            arrays = list(self.sums.read(self.plan.chunk(number), self.engine.leaves).values())
            prefix.sums = arrays if prefix.sums is None else [a + b for a, b in zip(prefix.sums, arrays, strict=True)]
            prefix.blocks += 1
            self._decide(prefix, points)
        return prefix

    def _decide(self, prefix: "_Prefix", points: range) -> None:
        taken = min(self.plan.trajectories, prefix.blocks * self.plan.block)
        for row, point in enumerate(points):
            if prefix.needed[row] is not None:
                continue
            assert prefix.sums is not None
            data = self.engine.finish(point, [leaf[row] for leaf in prefix.sums], taken)
            if prefix.blocks == self.plan.blocks or self._holds(data, taken):
                prefix.needed[row] = prefix.blocks

    def _holds(self, data: "xarray.Dataset", trajectories: int) -> bool:
        assert self.stop is not None
        mean, half = half_width(data, self.stop, trajectories)
        limit = self.stop.half_width if self.stop.half_width is not None else (self.stop.relative or 0.0) * abs(mean)
        return isfinite(half) and half < limit


class _Prefix:
    """The blocks of a group from the first on without a gap: their sums, and what was decided."""

    def __init__(self, needed: list[int | None], blocks: int, sums: list[Any] | None) -> None:
        self.needed, self.blocks, self.sums = needed, blocks, sums


def half_width(data: "xarray.Dataset", stop: Stop, trajectories: int) -> tuple[float, float]:
    """Return the mean of the output that a rule watches, and half the width of its 95 % interval.

    The interval is the normal one, mean +- 1.96 standard errors. Looking at it again and again stops a little
    early; after some hundred trajectories its coverage is that of a fixed number (Chow & Robbins, Ann. Math.
    Statist. 36 (1965) 457).
    """
    at = data.isel(time=-1) if stop.time is None else data.sel(time=stop.time)
    if stop.output in data["species"].values:
        mean, variance = (at[name].sel(species=stop.output) for name in ("mean", "variance"))
    else:
        mean, variance = (at[f"observable_{name}"].sel(observable=stop.output) for name in ("mean", "variance"))
    error = (float(variance) / max(trajectories, 1)) ** 0.5 if float(variance) > 0 else float("nan")
    return float(mean), QUANTILE * error

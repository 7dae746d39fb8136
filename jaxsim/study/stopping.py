"""Stopping rules: when a design point has trajectories enough, and what is said where the rule is not met."""

import threading
from collections.abc import Sequence
from math import ceil, inf, isfinite, isnan, nan
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from jaxsim.study.engines import Continuous, Counted
from jaxsim.study.ledger import Ledger
from jaxsim.study.plan import Chunk, StudyPlan
from jaxsim.study.schema import Stop

if TYPE_CHECKING:
    import xarray

    from jaxsim.study.arrays import Sums


_LEVEL = 0.95
QUANTILE = NormalDist().inv_cdf((1 + _LEVEL) / 2)
PRECISION = ("half_width", "half_width_wanted", "trajectories_needed")
MOST_LINES = 20  # of design points that are said one by one


class Stopping:
    """Decides, from the blocks of a design point in their order, after how many it has enough.

    The decision reads finished blocks alone, from the first on without a gap, so that it is the same whoever
    computed them and when. Blocks beyond it, which others may have begun meanwhile, are not used.
    """

    def __init__(
        self, stop: Stop | None, plan: StudyPlan, ledger: Ledger, sums: "Sums", engine: Continuous | Counted
    ) -> None:
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

    def whole(self, number: int) -> "dict[str, np.ndarray] | None":
        """Return the sums of a chunk that is done; forget it and return None if they are damaged."""
        facts = self.ledger.facts(number)
        arrays = None if facts is None else self.sums.read(self.plan.chunk(number), facts["digest"])
        if facts is not None and arrays is None:
            self.ledger.forget(number)
        return arrays

    def _advanced(self, group: int) -> "_Prefix":
        points = self.plan.chunk(group).points
        prefix = self._known.setdefault(group, _Prefix([None] * len(points), 0, None))
        while any(n is None for n in prefix.needed) and prefix.blocks < self.plan.blocks:
            number = self.plan.number(group, prefix.blocks)
            if not self.ledger.is_done(number):
                break
            whole = self.whole(number)
            if whole is None:
                break
            arrays = list(whole.values())
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
        found = _precision(data, self.stop, trajectories)
        return isfinite(found.half_width) and found.half_width < found.wanted


class _Prefix:
    """The blocks of a group from the first on without a gap: their sums, and what was decided."""

    def __init__(self, needed: list[int | None], blocks: int, sums: list[Any] | None) -> None:
        self.needed, self.blocks, self.sums = needed, blocks, sums


class _Precision(NamedTuple):
    """How precise the output is that a stopping rule watches, at one design point."""

    half_width: float
    """Of the 95 % interval; NaN if it is not known, because all trajectories gave the same or some went wrong."""
    wanted: float
    needed: float
    """Trajectories in all by which the rule would hold, as half-widths go down with their square root; NaN or
    infinite if that is not known."""


class Shortfall(NamedTuple):
    """A design point at which the stopping rule was not met by all the trajectories that it may take."""

    point: int
    half_width: float
    wanted: float
    trajectories: int
    more: float
    """Trajectories more that it would take; NaN or infinite if that is not known."""

    @property
    def sentence(self) -> str:
        """Say it."""
        if not isfinite(self.half_width):
            why = "the half-width is not known, because all trajectories gave the same, or some ended badly"
        elif isfinite(self.more):
            why = f"± {self.half_width:.3g} instead of {self.wanted:.3g}; about {self.more:,.0f} trajectories more"
        else:
            why = f"± {self.half_width:.3g} of a mean of 0, to which no relative half-width can be reached"
        return f"point {self.point}: {why}"


def _precision(data: "xarray.Dataset", stop: Stop, trajectories: int) -> _Precision:
    """Return how precise the results of a design point are, and how many trajectories the rule would take."""
    mean, half = half_width(data, stop, trajectories)
    wanted = stop.half_width if stop.half_width is not None else (stop.relative or 0.0) * abs(mean)
    if not isfinite(half) or isnan(wanted):
        return _Precision(half, wanted, nan)
    if half < wanted:
        return _Precision(half, wanted, float(trajectories))
    law = trajectories * (half / wanted) ** 2 if wanted > 0 else inf
    return _Precision(half, wanted, float(max(ceil(law), trajectories + 1)) if isfinite(law) else inf)


def precision_columns(data: "xarray.Dataset | None", stop: Stop | None, trajectories: int) -> dict[str, Any]:
    """Return what the results of a design point say of its precision; nothing where there is no stopping rule."""
    if stop is None:
        return {}
    found = _Precision(nan, nan, nan) if data is None else _precision(data, stop, trajectories)
    return {name: ((), np.float64(value)) for name, value in zip(PRECISION, found, strict=True)}


def shortfalls(data: "xarray.Dataset") -> list[Shortfall]:
    """Return the design points that are complete and at which the stopping rule of the study is not met."""
    if PRECISION[0] not in data:
        return []
    half, wanted, needed = (data[name].values for name in PRECISION)
    taken = data["trajectories"].values
    return [
        Shortfall(k, float(half[k]), float(wanted[k]), int(taken[k]), float(needed[k] - taken[k]))
        for k in np.flatnonzero((taken > 0) & ~(half < wanted)).tolist()
    ]


def verdict(complete: int, points: int, short: list[Shortfall]) -> str:
    """Return how a study has ended, or how far it is, in a phrase.

    Examples
    --------
    >>> verdict(15, 15, [])
    'complete'
    >>> verdict(15, 15, [Shortfall(3, 2.0, 1.0, 500, 1500.0)])
    'stopped at its limit: precision not reached at 1 of 15 points; about 1,500 trajectories more would reach it'
    """
    if complete < points:
        text = f"not complete: {complete:,} of {points:,} points have all their trajectories"
        return text + (f"; precision not reached at {len(short):,} of these" if short else "")
    if not short:
        return "complete"
    text = f"stopped at its limit: precision not reached at {len(short):,} of {points:,} points"
    known = [one.more for one in short if isfinite(one.more)]
    if known:
        text += f"; about {sum(known):,.0f} trajectories more would reach it"
    unknown = len(short) - len(known)
    return text + (f"; how many more is not known for {unknown:,} of them" if unknown else "")


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


def short_lines(short: Sequence[Shortfall]) -> str:
    """Return a line for each design point at which the stopping rule is not met."""
    lines = [f"  {one.sentence}" for one in short[:MOST_LINES]]
    return "\n".join([*lines, *([f"  ... and {len(short) - MOST_LINES} more points"] if short[MOST_LINES:] else [])])


def beyond_limit(short: Sequence[Shortfall]) -> str:
    """Return what to do about design points at which the stopping rule is not met."""
    most = max((one.trajectories + one.more for one in short if isfinite(one.more)), default=None)
    what = f"{most:,.0f} by the law of the square root" if most is not None else "more"
    return f"give 'simulation.trajectories' {what}, or a wider interval, in another --store"

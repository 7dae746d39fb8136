"""Results of estimates: the value with its interval, and what each level gave and cost."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jaxsim._html import block, html_table, line

if TYPE_CHECKING:
    import xarray


@dataclass(frozen=True)
class LevelReport:
    """One level of an estimate."""

    name: str
    """What its trajectories are."""
    steps: int
    """Leaps of the (finer) chain; 0 for exact trajectories alone."""
    trajectories: int
    mean: float
    """What it adds to the estimate."""
    variance: float
    """Of one trajectory, with the control where it helps."""
    uncontrolled: float
    """Of one trajectory, without the control."""
    controlled: bool
    seconds: float
    """Processor seconds, compile time apart."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A mean with its 95 % interval, and how it was found.

    Examples
    --------
    >>> import jaxsim as js
    >>> net = js.Network({"X": 0}, ["-> X, k", "X -> , d"], {"k": 100.0, "d": 1.0})
    >>> found = js.estimate(net, "X", at=3.0, relative_error=0.01)
    >>> found.low < 100 * (1 - 2.718281828 ** -3) < found.high
    True
    """

    quantity: str
    at: float
    value: float
    standard_error: float
    half_width: float
    """Of the 95 % interval; the bound of the bias is part of it, and what single precision of rates may be off by."""
    bias_bound: float
    """0 where the estimate is unbiased."""
    wanted: float
    """The half-width that was asked for."""
    method: str
    reason: str
    """Why this method, in a sentence."""
    levels: tuple[LevelReport, ...]
    plain_variance: float
    """Of the quantity itself."""
    plain_trajectories: int
    """Exact trajectories that plain Monte Carlo needs for the wanted half-width."""
    plain_cost_ratio: float
    """Cost of plain Monte Carlo over that of this estimate, by events and leaps."""
    events: float
    """Of one exact trajectory, on average."""
    work: float
    """Cost of the estimate, pilots and levels that were looked at and left among it, in events of exact trajectories
    alone; by what sample sizes are chosen with, so that it is the same on every machine."""
    seconds: float
    """Processor seconds, compile time apart; the pilot is part of it."""
    compile_seconds: float
    seed: int

    @property
    def low(self) -> float:
        """Lower end of the 95 % interval."""
        return self.value - self.half_width

    @property
    def high(self) -> float:
        """Upper end of the 95 % interval."""
        return self.value + self.half_width

    @property
    def relative_error(self) -> float:
        """Half-width over the value."""
        return self.half_width / abs(self.value)

    def __repr__(self) -> str:
        head = [
            self._head,
            f"  {self.method}: {self.reason}",
            f"  {'level':34s} {'leaps':>7s} {'trajectories':>12s} {'mean':>11s} {'variance':>9s} {'seconds':>8s}",
        ]
        rows = [
            f"  {level.name:34s} {level.steps or '-':>7} {level.trajectories:>12,} {level.mean:>11.5g} "
            f"{level.variance:>9.2g} {level.seconds:>8.3f}"
            for level in self.levels
        ]
        return "\n".join([*head, *rows, f"  {self._plain}"])

    def _repr_html_(self) -> str:
        head = ("level", "leaps", "trajectories", "mean", "variance", "processor seconds")
        rows = [
            (level.name, level.steps or "-", f"{level.trajectories:,}", f"{level.mean:.5g}", f"{level.variance:.2g}",
             f"{level.seconds:.3f}")
            for level in self.levels
        ]  # fmt: skip
        method = line(f"{self.method}: {self.reason}")
        return block(line(self._head), method, html_table("levels", head, rows), line(self._plain))

    @property
    def _head(self) -> str:
        bias = f", of which {self.bias_bound:.2g} bounds the bias" if self.bias_bound else ", unbiased"
        return f"{self.quantity} at {self.at:g}: {self.value:.7g} +- {self.half_width:.2g} (95 %{bias})"

    @property
    def _plain(self) -> str:
        return (
            f"plain Monte Carlo: {self.plain_trajectories:,} trajectories of {self.events:.3g} events, variance "
            f"{self.plain_variance:.3g}; {self.plain_cost_ratio:.3g} times the cost"
        )

    def dataset(self) -> "xarray.Dataset":
        """Return the same as a Dataset over ``level``, the estimate as scalars, the rest as attributes."""
        import xarray

        scalars = ("value", "standard_error", "half_width", "bias_bound", "low", "high", "plain_variance")
        columns = ("steps", "trajectories", "mean", "variance", "uncontrolled", "controlled", "seconds")
        fields = {name: ((), getattr(self, name)) for name in scalars}
        rows = {f"level_{name}": ("level", [getattr(level, name) for level in self.levels]) for name in columns}
        attributes = (
            *("quantity", "at", "wanted", "method", "reason", "plain_trajectories", "plain_cost_ratio"),
            *("events", "work", "seconds", "compile_seconds", "seed"),
        )
        return xarray.Dataset(
            {**fields, **rows},
            {"level": [level.name for level in self.levels]},
            {name: getattr(self, name) for name in attributes},
        )

"""Gradients with their evidence: value, errors, what is known of the bias, and the cost."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from jaxsim._html import block, html_table, line


@dataclass(frozen=True, kw_only=True)
class Gradient:
    """Hold an estimated gradient with its evidence; made by :func:`jaxsim.gradient`.

    Attributes
    ----------
    value, value_error
        The objective and its standard error.
    gradient, standard_error
        Pytrees: dictionaries by name for a network, the shape of `at` for a function. The error is that of sampling
        and, where there is one, that of discretisation, as root of the sum of their squares.
    vector, covariance
        The gradient as float64 array [P], and the covariance of sampling [P, P].
    discretisation
        What leaps and steps of differences add in expectation, estimated by the linear-noise approximation, [P].
    components
        The names of the P components.
    method, reason, bias
        The estimator, why it was taken, and what is known of its bias.
    trajectories, seconds, step
        What it cost, all calls and compiling included, and the longest leap.
    bound
        Where no event was seen, as with a rare condition: at most how far off the gradient is at the level 95 %, [P].
        It counts in the errors. None where events were seen.
    held
        Share of the trajectories in which a leap would have made a count negative and it was held at zero; more than
        a few per cent ask for a shorter step.

    Examples
    --------
    >>> import jaxsim as js
    >>> net = js.Network({"X": 0}, ["-> X, k", "X -> , 1"], {"k": 10.0})
    >>> found = js.gradient(net, js.mean("X", at=5.0), free=["k"], trajectories=4000, seed=1, method="leap_score")
    >>> bool(abs(found.gradient["k"] - 0.993) < 4 * found.standard_error["k"])
    True
    """

    value: float
    value_error: float
    gradient: Any
    standard_error: Any
    vector: np.ndarray
    covariance: np.ndarray
    components: tuple[str, ...]
    method: str
    reason: str
    bias: str
    trajectories: int
    seconds: float
    step: float
    held: float = 0.0
    bound: np.ndarray | None = None
    discretisation: np.ndarray | float = 0.0

    @property
    def error(self) -> np.ndarray:
        """Standard errors, discretisation included, as an array [P]."""
        return np.sqrt(self.noise**2 + np.square(self.discretisation))

    @property
    def noise(self) -> np.ndarray:
        """Standard errors of sampling alone, as an array [P]."""
        return np.sqrt(np.maximum(np.diag(self.covariance), 0.0))

    def __str__(self) -> str:
        width = max(len(name) for name in self.components)
        rows = [
            f"  {name:<{width}}  {slope: .6g} +- {error:.2g}"
            for name, slope, error in zip(self.components, self.vector, self.error, strict=True)
        ]
        return "\n".join([self._head, *rows, *self._notes])

    def _repr_html_(self) -> str:
        rows = [
            (name, f"{slope:.6g}", f"{error:.2g}")
            for name, slope, error in zip(self.components, self.vector, self.error, strict=True)
        ]
        gradient = html_table("gradient", ("component", "estimate", "standard error"), rows)
        return block(line(self._head), gradient, *map(line, self._notes))

    @property
    def _head(self) -> str:
        return f"objective {self.value:.6g} +- {self.value_error:.2g}; gradient by {self.method} ({self.reason})"

    @property
    def _notes(self) -> tuple[str, str]:
        """What is known of the bias, and the cost."""
        held = f"; a count was held at zero in {self.held:.1%} of the trajectories" if self.held else ""
        return f"bias: {self.bias}", f"cost: {self.trajectories} trajectories, {self.seconds:.2g} s{held}"

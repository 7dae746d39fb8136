"""A limit on an objective: what a constrained optimisation must not exceed or fall short of."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from jaxsim.errors import SimulationError

if TYPE_CHECKING:
    from jaxsim.gradient.objective import Objective


@dataclass(frozen=True)
class Limit:
    """Hold an objective to one side of a bound; made by comparing an objective with a number.

    A mean makes an expectation constraint, :func:`jaxsim.cvar` one on the worst part of the trajectories, and
    :func:`jaxsim.probability` a chance constraint.

    Examples
    --------
    >>> import jaxsim as js
    >>> print(js.probability("neutrophils < 500", during=(0, 504)) <= 0.1)
    mean of the maximum of neutrophils < 500 from 0 to 504 <= 0.1
    """

    objective: "Objective"
    bound: float
    upper: bool
    """Whether the bound is the most that is allowed, and not the least."""

    def __post_init__(self) -> None:
        if not np.isfinite(self.bound):
            raise SimulationError(f"'{self.objective}' cannot be held to {self.bound}; give a finite number")

    @property
    def excess(self) -> "Objective":
        """What must not be above :attr:`most`."""
        return self.objective if self.upper else -self.objective

    @property
    def most(self) -> float:
        """The most that :attr:`excess` may be."""
        return self.bound if self.upper else -self.bound

    def __str__(self) -> str:
        return f"{self.objective} {'<=' if self.upper else '>='} {self.bound:g}"

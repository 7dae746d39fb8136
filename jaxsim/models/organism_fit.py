"""What the calibration minimises: deviations from the targets in their tolerances, and from the prior in its widths."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from jaxsim.errors import NetworkError
from jaxsim.models.organism import organism_parameters
from jaxsim.models.organism_targets import TARGETS, measured
from jaxsim.models.parameters import ModelParameter

FREE = (
    "il1_constant",
    "il1a_per_cell",
    "il1_rise_rate",
    "il1_signal_rate",
    "gcsf_gain",
    "myeloid_gain",
    "gmp_gain",
    "mitotic_gain",
    "marrow_kill_rate",
    "tumour_neutrophil_kill",
    "recruitment_basal",
    "recruitment_constant",
    "growth_gain",
    "kill_protection",
    "effector_suppression",
)
WIDTH = 4.0  # the range of the file is so many standard deviations of the prior
STEP = 0.05  # of the finite differences, in standard deviations of the prior


@dataclass(frozen=True)
class Calibration:
    """The deviations of mice, as functions of their parameters in standard deviations of the prior."""

    hypothesis: str
    scale: "PriorScale"

    @staticmethod
    def of(hypothesis: str, free: Sequence[str] = FREE) -> "Calibration":
        """Return the problem of fitting these parameters.

        Raises
        ------
        NetworkError
            If a parameter is none of the organism's.
        """
        return Calibration(hypothesis, PriorScale(_entries(free, hypothesis)))

    def show(self, points: Float[np.ndarray, "mouse parameter"]) -> Float[np.ndarray, "mouse target"]:
        """Return what each target measures in each mouse."""
        return measured([{"hypothesis": self.hypothesis, **self.scale.named(x)} for x in points])

    def deviations(self, points: Float[np.ndarray, "mouse parameter"]) -> Float[np.ndarray, "mouse deviation"]:
        """Return the deviations from the targets, then those from the prior."""
        wanted, tolerance = (np.array([getattr(one, name) for one in TARGETS]) for name in ("value", "tolerance"))
        return np.concatenate([(self.show(points) - wanted) / tolerance, points], axis=1)

    def slopes(self, x: Float[np.ndarray, " parameter"]) -> Float[np.ndarray, "deviation parameter"]:
        """Return the derivatives of the deviations, by differences, from mice solved side by side."""
        inward = np.where(x + STEP > self.scale.bounds[1], -STEP, STEP)
        base, *moved = self.deviations(np.vstack([x, x + np.diag(inward)]))
        return np.stack([(one - base) / h for one, h in zip(moved, inward, strict=True)], 1)


class PriorScale:
    """Parameters as standard deviations from their prior: logarithmic where the range excludes 0, else linear."""

    def __init__(self, entries: Sequence[ModelParameter]) -> None:
        self.names = [entry.name for entry in entries]
        self.log = np.array([entry.range[0] > 0 for entry in entries])
        low, value, high = (
            self._forward(np.array(numbers, np.float64))
            for numbers in zip(*((e.range[0], e.value, e.range[1]) for e in entries), strict=True)
        )
        self.centre, self.sd = value, (high - low) / WIDTH
        self.bounds = ((low - value) / self.sd, (high - value) / self.sd)

    def _forward(self, values: np.ndarray) -> np.ndarray:
        return np.where(self.log, np.log(np.where(self.log, values, 1.0)), values)

    def values(self, x: np.ndarray) -> np.ndarray:
        """Return the parameters at a point in standard deviations."""
        y = self.centre + self.sd * x
        return np.where(self.log, np.exp(np.where(self.log, y, 0.0)), y)

    def named(self, x: np.ndarray) -> dict[str, float]:
        """Return the parameters at a point by name."""
        return dict(zip(self.names, map(float, self.values(x)), strict=True))


def _entries(free: Sequence[str], hypothesis: str) -> list[ModelParameter]:
    known = organism_parameters(fitted=False)["parameters"]
    for name in free:
        if name not in known:
            raise NetworkError(f"the organism has no '{name}' to fit")
    return [known[name] for name in (*free, *(("relay_gain",) if hypothesis != "direct" else ()))]

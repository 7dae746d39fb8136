"""The augmented Lagrangian: what a violated limit adds to the slope of the objective.

For limits c <= 0, L = f + sum (max(0, m + r c)^2 - m^2) / 2r has the slope grad f + sum max(0, m + r c) grad c; m
follows m <- max(0, m + r c) between rounds (Hestenes; Powell; Rockafellar, SIAM J. Control 12 (1974) 268). Objective
and limits are taken in units of their own, so that one r serves all.
"""

from dataclasses import dataclass

import numpy as np

FIRM = 10.0  # r at the start: a limit exceeded by a tenth of its unit pulls as hard as the objective
LEAST_UNIT = 1e-3  # of the size of the objective or the bound: a unit that is not lost in a large offset, as of logs
GROWTH, ENOUGH = 2.0, 0.5  # r grows where a round has not halved the worst excess
FIRMEST = 256.0


@dataclass
class Penalty:
    """Hold the multipliers, which change between rounds.

    Parameters
    ----------
    scale
        Unit of the objective, then of each limit's excess, [1 + limits].
    most
        What each excess may be, [limits]; the margin to spare is taken off already.
    sign
        1 where the objective is minimised, -1 where maximised.
    """

    scale: np.ndarray
    most: np.ndarray
    sign: float
    multiplier: np.ndarray
    firmness: float = FIRM
    worst: float = np.inf

    def weights(self, found: np.ndarray) -> np.ndarray:
        """Return the weights of objective and excesses in the slope, from values of all functionals [1 + limits]."""
        pull = np.maximum(0.0, self.multiplier + self.firmness * self.excess(found))
        return np.concatenate([[self.sign], pull]) / self.scale

    def merit(self, found: np.ndarray) -> float:
        """Return the augmented Lagrangian, to be minimised."""
        pull = np.maximum(0.0, self.multiplier + self.firmness * self.excess(found))
        added = np.sum(pull**2 - self.multiplier**2) / (2.0 * self.firmness)
        return float(self.sign * found[0] / self.scale[0] + added)

    def excess(self, found: np.ndarray) -> np.ndarray:
        """Return by how much each limit is exceeded, in its unit, [limits]."""
        return (found[1:] - self.most) / self.scale[1:]

    def update(self, found: np.ndarray) -> None:
        """End a round: let the multipliers follow, from values on trajectories of their own."""
        excess = self.excess(found)
        self.multiplier = np.maximum(0.0, self.multiplier + self.firmness * excess)
        worst = float(np.max(np.maximum(excess, 0.0), initial=0.0))
        if worst > ENOUGH * self.worst:
            self.firmness = min(self.firmness * GROWTH, FIRMEST)
        self.worst = worst


def new_penalty(values: np.ndarray, most: np.ndarray, sign: float) -> Penalty:
    """Return a penalty before the first round.

    Parameters
    ----------
    values
        Of all functionals at the starts, [starts, 1 + limits]: how far they lie apart is the unit of each.
    most
        What each excess may be, [limits].
    sign
        1 where the objective is minimised, -1 where maximised.
    """
    known = values[np.all(np.isfinite(values), axis=1)]
    known = known if known.size else np.zeros((1, values.shape[1]))
    size = np.abs(np.concatenate([known[0, :1], most]))
    apart = np.maximum(np.ptp(known, axis=0), LEAST_UNIT * size)
    return Penalty(np.where(apart > 0.0, apart, 1.0), most, sign, np.zeros(most.size))

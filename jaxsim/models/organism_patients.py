"""What is measured of virtual patients over six cycles: progression by NLR, inhibition of growth, its loss."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

if TYPE_CHECKING:
    import xarray

PROGRESSION = 1.2**3  # of the volume at the start: a fifth more in diameter (RECIST)
LOOK = 21.0 * 24  # h at which NLR is read
CYCLE = 28.0 * 24
SAMPLES = 400  # of the bootstrap


def hazard_ratios(patients: "xarray.Dataset", seed: int = 0) -> Float[np.ndarray, " sample"]:
    """Return bootstrap samples of the hazard of progression in patients with high NLR over that with low NLR.

    Halves are told apart by the median NLR on day 21 under chemotherapy; a hazard is progressions over time at risk.
    Samples without progression among low NLR are infinite, those without any progression NaN.

    Parameters
    ----------
    patients
        Courses of ``tumour`` and ``nlr`` over arm, animal and time.
    seed
        Of the bootstrap.
    """
    treated = patients.sel(arm="chemo")
    nlr = np.asarray(treated["nlr"].sel(time=LOOK, method="nearest").values)
    tumour, hours = np.asarray(treated["tumour"].values), np.asarray(treated["time"].values)
    over = np.asarray(tumour > PROGRESSION * tumour[:, :1])
    event = np.asarray(over.any(axis=1))
    at_risk = np.where(event, hours[over.argmax(axis=1)], hours[-1])
    draw = np.random.default_rng(seed)
    rows = draw.integers(0, nlr.size, (SAMPLES, nlr.size))
    return np.array([_ratio(nlr[row], event[row], at_risk[row]) for row in rows])


def _ratio(nlr: np.ndarray, event: np.ndarray, at_risk: np.ndarray) -> float:
    """Return the ratio of the hazards of the halves.

    Examples
    --------
    >>> _ratio(np.array([1.0, 2.0, 3.0, 4.0]), np.array([True, False, True, True]), np.array([2.0, 4.0, 2.0, 1.0]))
    4.0
    """
    high = nlr > np.median(nlr)
    hazards = [event[half].sum() / max(float(at_risk[half].sum()), 1e-9) for half in (high, ~high)]
    return float(hazards[0] / hazards[1]) if hazards[1] > 0 else (np.inf if hazards[0] > 0 else np.nan)


def growth_inhibition(patients: "xarray.Dataset") -> Float[np.ndarray, " animal"]:
    """Return by how many percent the tumour is smaller after six cycles than without treatment."""
    last = patients["tumour"].isel(time=-1)
    return np.asarray(100.0 * (1.0 - last.sel(arm="chemo") / last.sel(arm="vehicle")))


def lost_effect(patients: "xarray.Dataset") -> Float[np.ndarray, " animal"]:
    """Return by how many percent a cycle's effect on growth is less in the sixth than in the first.

    The effect of a cycle is by how much it slows growth: the difference of the changes of ln(tumour) in it.
    """
    tumour = patients["tumour"].sel(arm=["vehicle", "chemo"])
    log = tumour.copy(data=np.log(tumour.values))

    def effect(cycle: int) -> np.ndarray:
        first, last = (log.sel(time=CYCLE * n, method="nearest") for n in (cycle - 1, cycle))
        slowed = (last - first).sel(arm="vehicle") - (last - first).sel(arm="chemo")
        return np.asarray(slowed)

    return 100.0 * (1.0 - effect(6) / effect(1))

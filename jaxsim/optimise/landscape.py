"""The landscape: the objective over one free number by brute force, and the path of the search on it."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxsim.errors import ScheduleError, closest
from jaxsim.optimise.coordinates import Box, OrderedTimes, closed, opened
from jaxsim.optimise.optimum import Optimum
from jaxsim.optimise.regimen import Place
from jaxsim.optimise.search import FRESH
from jaxsim.optimise.trial import paired_trial
from jaxsim.statistics.intervals import TWO_SIDED

STOPS = 12  # of the path that are simulated
EDGE = 1e-3  # share of the room by which a number keeps off its bounds
ANOTHER = 1 << 41  # number of the first trajectory: none of the final trial is among them


class Landscape(NamedTuple):
    """The objective over one free number, all others as at the optimum; made by :func:`landscape`."""

    name: str
    """Of the number, such as ``drug.at[0]``."""
    values: np.ndarray
    """[points]."""
    mean: np.ndarray
    """[points]: of the objective."""
    error: np.ndarray
    """[points]: standard errors."""
    best: int
    """The best point that keeps the limits; the best of all where none does."""
    near: np.ndarray
    """bool [points]: those that keep the limits and that pairs cannot tell from the best at the 5 % level."""
    over: tuple[float, float]
    """What the optimum gives beyond the best point, and its standard error."""
    path: np.ndarray
    """[stops]: the number along the path of the search, the optimum last."""
    path_mean: np.ndarray
    """[stops]: the objective there; other numbers may differ from those of the optimum."""
    apart: np.ndarray | None = None
    """[points]: standard errors of the differences from the best point, from pairs."""
    kept: np.ndarray | None = None
    """bool [points]: whether the limits are kept, by their means."""

    @property
    def flat(self) -> bool:
        """Whether the number makes no difference that was seen anywhere."""
        return bool(np.all(self.near))


def landscape(best: Optimum, of: str | None = None, points: int = 41, trajectories: int = 2000) -> Landscape:
    """Simulate the objective over the range of one free number, on the same trajectories everywhere.

    Parameters
    ----------
    best : Optimum
    of : str, optional
        Such as ``"drug.at[1]"``; the first free time if not given.
    points : int
    trajectories : int
        Of each point.

    Returns
    -------
    Landscape

    Raises
    ------
    ScheduleError
        If nothing free has this name, or it cannot move alone.
    """
    place, index = _found(best, of)
    search, path = best.search, best.coordinates
    numbers = _range(place, path[-1], index, points)
    schedules = {"optimum": best.schedule}
    for i, moved in enumerate(numbers):
        z = path[-1].copy()
        z[place.components] = place.coordinate.encode(moved)
        schedules[f"point {i}"] = search.regimen.schedule(z)
    stops = np.unique(np.linspace(0, len(path) - 1, STOPS).round().astype(int))
    schedules |= {f"stop {i}": search.regimen.schedule(path[i]) for i in stops}
    seed = (search.seed + FRESH) % (1 << 64)
    trial = paired_trial(search.problem, search.criterion, schedules, trajectories, seed, ANOTHER)
    mean = trial.mean[:, 0]
    kept = np.all(trial.mean[1 : points + 1, 1:] <= search.criterion.most, axis=1)
    sought = search.criterion.sign * mean[1 : points + 1]
    top = 1 + int(np.argmin(np.where(kept, sought, np.inf) if kept.any() else sought))
    apart = [trial.difference(top, 1 + i) for i in range(points)]
    return Landscape(
        name=f"{place.name}[{index}]" if place.coordinate.number > 1 else place.name,
        values=numbers[:, index],
        mean=mean[1 : points + 1],
        error=np.array([trial.error(1 + i) for i in range(points)]),
        best=top - 1,
        near=np.array([abs(gain) <= TWO_SIDED * error for gain, error in apart]) & (kept | ~kept.any()),
        over=trial.difference(0, top),
        path=np.array([_numbers(place, path[i])[index] for i in stops]),
        path_mean=mean[points + 1 :],
        apart=np.array([error for _, error in apart]),
        kept=kept,
    )


def _numbers(place: Place, z: np.ndarray) -> np.ndarray:
    """Return the free numbers of a place."""
    with jax.enable_x64(True):
        return np.asarray(place.coordinate.values(jnp.asarray(z[place.components], jnp.float64)))


def _found(best: Optimum, of: str | None) -> tuple[Place, int]:
    """Return where the number stands."""
    places = [place for place in best.search.regimen.places if isinstance(place.coordinate, Box | OrderedTimes)]
    known = {
        f"{place.name}[{i}]" if place.coordinate.number > 1 else place.name: (place, i)
        for place in places
        for i in range(place.coordinate.number)
    }
    if of is None:
        of = next((name for name, (place, _) in known.items() if place.name.endswith(".at")), next(iter(known), None))
    if of is None:
        raise ScheduleError("no free number can move alone; a landscape needs a time, or an amount without a budget")
    if of not in known:
        raise ScheduleError(f"nothing that can move alone is called '{of}'{closest(of, known)}")
    return known[of]


def _range(place: Place, z: np.ndarray, index: int, points: int) -> np.ndarray:
    """Return the free numbers of a place with one of them moved over all that its neighbours allow, [points, n]."""
    kind, numbers = place.coordinate, _numbers(place, z)
    assert isinstance(kind, Box | OrderedTimes)
    inner = closed(numbers, kind.windows)  # on the axis without forbidden windows
    low, high = kind.low, kind.high - sum(right - left for left, right in kind.windows)
    if isinstance(kind, OrderedTimes):
        least = kind.least
        low = low + least[0] if index == 0 else inner[index - 1] + least[index] - least[index - 1]
        high = high - (least[-1] - least[index]) if index == kind.number - 1 else (
            inner[index + 1] - least[index + 1] + least[index]
        )  # fmt: skip
    edge = EDGE * (high - low)
    moved = np.repeat(inner[None], points, axis=0)
    moved[:, index] = np.linspace(low + edge, high - edge, points)
    with jax.enable_x64(True):
        return np.asarray(opened(moved, kind.windows))

"""organism_onsets: a course moved over its onset by brute force, and what the onset decides in virtual animals."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import stats

from jaxsim.ensemble import FlowCase, solve_flows, warn_of_flows
from jaxsim.models.organism import organism
from jaxsim.models.organism_blockade import HOURS, blockade_course
from jaxsim.models.organism_outputs import courses, outcomes
from jaxsim.models.organism_trial import CELLS, RELATIVE, organism_trial

if TYPE_CHECKING:
    import xarray

Real = float | int
STEP = 0.2  # h; free IL-1alpha in plasma turns over at 6.3 an hour
TAIL = 0.2  # of the animals: those with the largest tumours


def organism_onsets(name: str, onsets: Sequence[Real], **settings: Any) -> "xarray.Dataset":
    """Solve the rate equations of the same mice for every onset of a course, and without it.

    Parameters
    ----------
    name
        Of a course in :data:`jaxsim.models.organism_blockade.COURSES`.
    onsets
        Days at which it begins.
    **settings
        Of :func:`organism_trial`.

    Returns
    -------
    xarray.Dataset
        Over ``onset`` (d) and ``animal``: ``log10_tumour`` at the end and ``nadir``; over ``animal`` the same without
        the course, ``log10_tumour_without`` and ``nadir_without``.

    Examples
    --------
    >>> found = organism_onsets("antibody", [0, 2], animals=1, days=4)
    >>> bool((found["log10_tumour"] < found["log10_tumour_without"]).all())
    True
    """
    days = np.asarray(onsets, np.float64)
    schedules = {"without": blockade_course(name, -1.0)}
    schedules |= {f"{name} from day {day:g}": blockade_course(name, 24.0 * day) for day in days}
    found = organism_trial(schedules, **settings)
    first = found.isel(schedule=0, drop=True).rename({key: f"{key}_without" for key in ("log10_tumour", "nadir")})
    moved = found.isel(schedule=slice(1, None)).rename(schedule="onset")
    return moved.assign_coords(onset=("onset", days, {"units": "d"})).merge(first).assign_attrs(course=name)


def mean_interval(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean over animals (the last axis), and the half-width of its 95 % interval.

    Examples
    --------
    >>> mean, reach = mean_interval(np.array([1.0, 2.0, 3.0]))
    >>> float(mean), round(float(reach), 3)
    (2.0, 2.484)
    """
    number = values.shape[-1]
    reach = stats.t.ppf(0.975, number - 1) * values.std(axis=-1, ddof=1) / np.sqrt(number)
    return np.asarray(values.mean(axis=-1)), np.asarray(reach)


class Onsets(NamedTuple):
    """What a sweep over onsets says; log10 of the tumour, 95 % half-widths, onsets in days."""

    best: float
    """For the mean over animals."""
    near: tuple[float, float]
    """First and last of the onsets in a row around the best that pairs of animals cannot tell from it."""
    gain: tuple[float, float]
    """How much less tumour than without the course, at the best onset."""
    over_first: tuple[float, float]
    """How much less tumour than with the first onset."""
    worst: float
    spread: tuple[float, float]
    """How much more tumour at the worst onset than at the best."""
    tail: float
    """The best onset for the animals with the largest tumours."""
    own: tuple[float, float]
    """Middle four fifths of the animals' own best onsets."""
    regret: tuple[float, float]
    """What is lost where all animals have one onset and not each its own."""

    @property
    def flat(self) -> bool:
        """Whether the onset makes a difference of less than 2 % of the tumour."""
        return bool(self.spread[0] < np.log10(1.02))


def summarised(found: "xarray.Dataset") -> Onsets:
    """Say what the onset decides, by pairs of onsets in the same animals.

    Examples
    --------
    >>> import xarray
    >>> curve = np.array([[3.0, 3.2], [2.0, 2.1], [2.5, 2.3]])
    >>> fields = {"log10_tumour": (("onset", "animal"), curve), "log10_tumour_without": ("animal", [4, 4])}
    >>> data = xarray.Dataset(fields, {"onset": [0.0, 1.0, 2.0]})
    >>> said = summarised(data)
    >>> said.best, said.worst, said.near, round(float(said.gain[0]), 3)
    (1.0, 0.0, (1.0, 2.0), 1.95)
    """
    onsets, tumour = found["onset"].values, found["log10_tumour"].values
    mean = tumour.mean(axis=1)
    best, worst = int(np.argmin(mean)), int(np.argmax(mean))
    behind, errors = mean_interval(tumour - tumour[best])
    own = tumour.argmin(axis=0)
    large = np.argsort(-found["log10_tumour_without"].values)[: max(1, round(TAIL * tumour.shape[1]))]
    return Onsets(
        best=float(onsets[best]),
        near=_row(onsets, behind <= errors, best),
        gain=_pair(found["log10_tumour_without"].values - tumour[best]),
        over_first=_pair(tumour[0] - tumour[best]),
        worst=float(onsets[worst]),
        spread=_pair(tumour[worst] - tumour[best]),
        tail=float(onsets[np.argmin(tumour[:, large].mean(axis=1))]),
        own=(float(np.quantile(onsets[own], 0.1)), float(np.quantile(onsets[own], 0.9))),
        regret=_pair(tumour[best] - tumour.min(axis=0)),
    )


def onsets_of_variants(
    name: str, onsets: Sequence[Real], variants: Mapping[str, Mapping[str, Any]], *, every: Real = 6.0
) -> "xarray.Dataset":
    """Solve the rate equations of typical mice that differ in uncertain numbers, for every onset of a course.

    Variants are solved side by side, and so are onsets: all by one program.

    Parameters
    ----------
    name
        Of a course in :data:`jaxsim.models.organism_blockade.COURSES`.
    onsets
        Days at which it begins.
    variants
        Settings of :func:`jaxsim.models.organism` by name, numbers of its parameter file alone, such as those of
        :func:`jaxsim.models.organism_blockade.uncertain_variants`.
    every
        Hours between the times at which blood is looked at.

    Returns
    -------
    xarray.Dataset
        Over ``onset`` (d) and ``variant``: ``log10_tumour`` at the end, ``nadir`` of blood neutrophils relative to
        baseline, ``days_below_half`` of baseline; over ``variant`` the same without the course, ``..._without``.

    Examples
    --------
    >>> found = onsets_of_variants("antibody", [0, 14], {"default": {}, "no harm": {"kill_protection": 0.0}})
    >>> gain = found["log10_tumour_without"] - found["log10_tumour"]
    >>> bool(gain.sel(variant="default", onset=0) > gain.sel(variant="default", onset=14) > 0)
    True
    """
    import xarray

    networks = [organism(**settings) for settings in variants.values()]
    moved = sorted({parameter for settings in variants.values() for parameter in settings})
    traits = {one: np.array([net.parameters[one] for net in networks], np.float64) for one in moved}
    start = np.array([list(net.initial.values()) for net in networks], np.float64)
    schedules = [blockade_course(name, 24.0 * float(day)) for day in (-1.0, *onsets)]
    cases = [FlowCase(networks[0], schedule, traits, len(networks), start) for schedule in schedules]
    times = np.arange(0.0, HOURS + 0.5 * every, every)
    solved = solve_flows(cases, times, rtol=RELATIVE, atol=CELLS)
    warn_of_flows(solved)
    shape = (len(schedules), len(networks))
    everyone = {one: np.tile(values, len(schedules)) for one, values in traits.items()}
    shown = outcomes(courses(networks[0], solved.mean, everyone), times)
    found = {one: shown[one][0].reshape(shape) for one in ("burden", "nadir", "days_below_half")}
    found["log10_tumour"] = np.log10(np.maximum(found.pop("burden"), 1.0))
    fields: dict[str, Any] = {}
    for one, values in found.items():
        fields[one], fields[f"{one}_without"] = (("onset", "variant"), values[1:]), (("variant",), values[0])
    days = ("onset", np.asarray(onsets, np.float64), {"units": "d"})
    return xarray.Dataset(fields, {"onset": days, "variant": list(variants)}, {"course": name})


def _row(onsets: np.ndarray, same: np.ndarray, best: int) -> tuple[float, float]:
    """Return the first and last of the onsets in a row around the best that are the same.

    Examples
    --------
    >>> _row(np.arange(5.0), np.array([True, False, True, True, False]), 2)
    (2.0, 3.0)
    """
    first = last = best
    while first > 0 and same[first - 1]:
        first -= 1
    while last < onsets.size - 1 and same[last + 1]:
        last += 1
    return float(onsets[first]), float(onsets[last])


def _pair(values: np.ndarray) -> tuple[float, float]:
    mean, reach = mean_interval(values)
    return float(mean), float(reach)

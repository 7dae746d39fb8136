"""Concentrations by superposition: past doses collapse into one amplitude per mode."""

from collections.abc import Sequence
from types import ModuleType
from typing import Any, NamedTuple

from jaxtyping import Bool, Float

from jaxsim.dosing.arrays import floats, namespace
from jaxsim.dosing.disposition import Disposition, dose_factor
from jaxsim.dosing.entries import Dose
from jaxsim.dosing.schedule import check_entry
from jaxsim.errors import ScheduleError

_SMALL = 1e-3  # below it the series of (1 - exp(-x))/x is exact to float32 and its derivative does not cancel


class DoseResponse(NamedTuple):
    """The doses of one input, in its disposition's own dose unit, and the response to a unit dose."""

    start: Float[Any, " d"]
    """Hours."""
    stop: Float[Any, " d"]
    """Hours; equal to `start` for a bolus."""
    amount: Float[Any, " d"]
    """Dose unit of the disposition."""
    amplitudes: Float[Any, " m"]
    """Concentration unit per dose unit."""
    rates: Float[Any, " m"]
    """1/h."""


def dose_response(xp: ModuleType, disposition: Disposition, doses: Sequence[Dose], agent: str) -> DoseResponse:
    """Gather the doses of an agent and convert them to the dose unit of its disposition.

    Raises
    ------
    ScheduleError
        If a dose is in a unit that the disposition does not convert.

    Examples
    --------
    >>> import numpy
    >>> from jaxsim.dosing import OneCompartment
    >>> dose_response(numpy, OneCompartment(1.0, 2.0), [Dose(3, at=[0, 4])], "drug").amount.tolist()
    [3.0, 3.0]
    """
    factors = [dose_factor(disposition, dose.unit, agent) for dose in doses]
    amounts = [dose.amounts(xp) * floats(xp, factor) for dose, factor in zip(doses, factors, strict=True)]
    amplitudes, rates = disposition.modes()
    none = [floats(xp, [])]
    return DoseResponse(
        xp.concatenate([dose.starts(xp) for dose in doses] or none),
        xp.concatenate([dose.stops(xp) for dose in doses] or none),
        xp.concatenate(amounts or none),
        floats(xp, amplitudes),
        floats(xp, rates),
    )


def superpose(
    xp: ModuleType, given: DoseResponse, times: Float[Any, " c"], begun: Bool[Any, "c d"], over: Bool[Any, "c d"]
) -> tuple[Float[Any, " c"], Float[Any, "c m"]]:
    """Return base and amplitudes with which the input continues from each time, until the next dose edge.

    ``s`` hours after ``times[c]`` the concentration is ``base[c] + sum_m amplitude[c, m] exp(-rates[m] s)``. `begun`
    and `over` say which doses have begun and which have been given by then. While an infusion at rate ``r`` runs it
    contributes the base ``r A/rate`` and the amplitude ``-r A/rate exp(-rate (t - start))``; then it decays.

    Examples
    --------
    >>> import numpy
    >>> given = DoseResponse(*(numpy.array([x]) for x in (0.0, 0.0, 2.0, 1.0, 1.0)))
    >>> times = numpy.array([0.0, 1.0])
    >>> base, amplitude = superpose(numpy, given, times, *passed(given, times))
    >>> amplitude[:, 0].round(4).tolist()
    [2.0, 0.7358]
    """
    now, start, stop = times[:, None], given.start[None, :], given.stop[None, :]
    lasting = stop - start
    running = begun & ~over & (lasting > 0)
    infused = xp.where(running, given.amount[None, :] / xp.where(lasting > 0, lasting, 1.0), 0.0)
    since_start = xp.where(running, now - start, 0.0)
    since_stop = xp.where(over, now - stop, 0.0)
    left = xp.where(over, given.amount[None, :], 0.0)
    base, amplitude = xp.zeros_like(times), []
    for height, rate in zip(given.amplitudes, given.rates, strict=True):
        plateau = infused * (height / rate)
        decayed = left * height * _mean_decay(xp, rate * lasting) * xp.exp(-rate * since_stop)
        base = base + xp.sum(plateau, axis=1)
        amplitude.append(xp.sum(decayed - plateau * xp.exp(-rate * since_start), axis=1))
    return base, xp.stack(amplitude, axis=1)


def passed(given: DoseResponse, times: Float[Any, " c"]) -> tuple[Bool[Any, "c d"], Bool[Any, "c d"]]:
    """Tell which doses have begun and which have been given at each time; at its very time a dose has.

    Examples
    --------
    >>> import numpy
    >>> given = DoseResponse(*(numpy.array([x]) for x in (1.0, 2.0, 2.0, 1.0, 1.0)))
    >>> [part[:, 0].tolist() for part in passed(given, numpy.array([0.0, 1.0, 2.0]))]
    [[False, True, True], [False, False, True]]
    """
    return given.start[None, :] <= times[:, None], given.stop[None, :] <= times[:, None]


def _mean_decay(xp: ModuleType, x: Any) -> Any:
    """Return (1 - exp(-x))/x, the share of an infusion left at its end, with a derivative at x = 0."""
    small = x < _SMALL
    safe = xp.where(small, 1.0, x)
    return xp.where(small, 1.0 - x * (0.5 - x / 6.0), -xp.expm1(-safe) / safe)


# Concentration curves and the areas under them, of a disposition on its own.

AGENT = "the drug"  # how messages call the agent where a disposition stands alone


def concentration(disposition: Any, doses: Any, times: Any) -> Float[Any, " t"]:
    """Return the concentration at given times, in closed form.

    Parameters
    ----------
    disposition : OneCompartment, TwoCompartment or another Disposition
    doses : Dose or sequence of Dose
    times : float array of shape [t]
        Hours; at the very time of a bolus the dose has been given.

    Returns
    -------
    float array of shape [t]
        In the disposition's concentration unit; NumPy float64 for concrete arguments, differentiable otherwise.

    Raises
    ------
    ScheduleError
        If a dose makes no sense or is in a unit that the disposition does not convert.

    Examples
    --------
    >>> from jaxsim.dosing import OneCompartment
    >>> concentration(OneCompartment(1.0, 2.0), Dose(4, at=[0, 1]), [0.0, 1.0]).round(4).tolist()
    [2.0, 2.7358]
    """
    doses = _checked(disposition, doses)
    xp = namespace(disposition, doses, times)
    given, now = dose_response(xp, disposition, doses, AGENT), xp.atleast_1d(floats(xp, times))
    base, amplitude = superpose(xp, given, now, *passed(given, now))
    return base + xp.sum(amplitude, axis=1)


def area_under_curve(disposition: Any, doses: Any) -> Float[Any, ""]:
    """Return the area under the concentration curve from the first dose to infinity.

    Returns
    -------
    float scalar
        Concentration unit times hours.

    Raises
    ------
    ScheduleError
        If a dose makes no sense or is in a unit that the disposition does not convert.

    Examples
    --------
    >>> from jaxsim.dosing import OneCompartment
    >>> float(area_under_curve(OneCompartment(1.0, 2.0), Dose(4, at=[0, 1])))
    4.0
    """
    doses = _checked(disposition, doses)
    given = dose_response(namespace(disposition, doses), disposition, doses, AGENT)
    return given.amount.sum() * (given.amplitudes / given.rates).sum()


def _checked(disposition: Any, doses: Any) -> tuple[Dose, ...]:
    if not isinstance(disposition, Disposition):
        name = type(disposition).__name__
        raise ScheduleError(f"a {name} has no concentration; give a disposition, such as network.inputs['drug'].")
    doses = (doses,) if isinstance(doses, Dose) else tuple(doses)
    for dose in doses:
        if not isinstance(dose, Dose):
            raise ScheduleError(
                f"a concentration follows from doses, not from {dose!r}; give a Dose or a list of them."
            )
        check_entry(AGENT, dose)
    return doses

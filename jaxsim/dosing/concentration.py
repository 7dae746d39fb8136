"""Concentration curves and the areas under them, of a disposition on its own."""

from typing import Any

from jaxtyping import Float

from ..errors import ScheduleError
from .disposition import Disposition
from .dose import Dose
from .namespace import floats, namespace
from .schedule import check
from .superposition import course, passed, superpose

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
    given, now = course(xp, disposition, doses, AGENT), xp.atleast_1d(floats(xp, times))
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
    given = course(namespace(disposition, doses), disposition, doses, AGENT)
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
        check(AGENT, dose)
    return doses

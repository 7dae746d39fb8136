"""One compartment with first-order elimination, entered at once or by first-order absorption."""

from dataclasses import dataclass
from typing import Any

from jaxtyping import Float

from jaxsim.dosing import units
from jaxsim.dosing.arrays import floats, namespace, register
from jaxsim.dosing.disposition import absorbed, phrase, refuse_confluent, settle, unit_factor


@dataclass(frozen=True, eq=False, repr=False)
class OneCompartment:
    """Describe a drug that distributes at once into one volume and leaves it at a constant rate.

    A unit dose gives ``F/V exp(-k s)``, or with absorption ``F/V ka/(ka-k) (exp(-k s) - exp(-ka s))``
    (Bateman 1910), ``s`` hours after the dose.

    Parameters
    ----------
    elimination_rate : float
        ``k``, per `time_unit`; clearance divided by volume.
    volume : float
        ``V`` in L, or in L per what the dose is per: L/kg where `dose_unit` is mg/kg.
    absorption_rate : float, optional
        ``ka``, per `time_unit`; None where the dose enters the compartment directly.
    bioavailability : float
        ``F``, the fraction of the dose that arrives, in (0, 1].
    dose_unit : str
        What `volume` divides, such as ``mg/kg``, ``mg`` or ``umol``; empty where the numbers are nominal.
    concentration_unit : str
        What the input is expressed in, such as ``uM`` or ``ng/mL``; empty for dose unit per litre.
    molar_mass : float, optional
        g/mol; needed where a mass becomes moles.
    body_weight, body_surface : float, optional
        kg and m2; needed where a dose per kg or per m2 meets a whole volume, or the reverse.
    time_unit : str
        Unit of time of the rates: ``s``, ``min``, ``h`` or ``d``.

    Raises
    ------
    ScheduleError
        If a value is not positive, a unit is unknown, or absorption and elimination rates coincide to 0.1 %.

    Examples
    --------
    >>> from jaxsim.dosing import Dose, area_under_curve
    >>> mouse = OneCompartment(2.0, 1.4, dose_unit="mg/kg", concentration_unit="uM", molar_mass=263.2)
    >>> round(float(area_under_curve(mouse, Dose(20, "mg/kg"))), 1)
    27.1
    """

    elimination_rate: Any
    volume: Any
    absorption_rate: Any = None
    bioavailability: Any = 1.0
    dose_unit: str = ""
    concentration_unit: str = ""
    molar_mass: Any = None
    body_weight: Any = None
    body_surface: Any = None
    time_unit: str = "h"

    def __post_init__(self) -> None:
        settle(self, _LEAVES)
        units.hours(self.time_unit)
        unit_factor(self)
        if self.absorption_rate is not None:
            refuse_confluent("OneCompartment", self.absorption_rate, self.elimination_rate)

    def __repr__(self) -> str:
        return phrase(self)

    def modes(self) -> tuple[Float[Any, " m"], Float[Any, " m"]]:
        """Return amplitudes (concentration unit per dose unit) and rates (1/h) of the response to a unit dose.

        Examples
        --------
        >>> [part.tolist() for part in OneCompartment(1.0, 2.0, absorption_rate=3.0).modes()]
        [[0.75, -0.75], [1.0, 3.0]]
        """
        xp = namespace(self)
        hour = units.hours(self.time_unit)
        volume = floats(xp, self.volume)
        amplitudes = (floats(xp, self.bioavailability) * floats(xp, unit_factor(self)) / volume)[None]
        rates = floats(xp, self.elimination_rate)[None] / hour
        if self.absorption_rate is None:
            return amplitudes, rates
        return absorbed(amplitudes, rates, floats(xp, self.absorption_rate) / hour)


_LEAVES = (
    "elimination_rate",
    "volume",
    "absorption_rate",
    "bioavailability",
    "molar_mass",
    "body_weight",
    "body_surface",
)
register(OneCompartment, _LEAVES, ("dose_unit", "concentration_unit", "time_unit"))

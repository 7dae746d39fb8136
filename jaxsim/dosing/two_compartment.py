"""Two compartments, a central one that is dosed and cleared and a peripheral one that exchanges with it."""

from dataclasses import dataclass
from typing import Any

from jaxtyping import Float

from jaxsim.dosing import units
from jaxsim.dosing.arrays import floats, namespace, register
from jaxsim.dosing.disposition import absorbed, phrase, refuse_confluent, settle, unit_factor


@dataclass(frozen=True, eq=False, repr=False)
class TwoCompartment:
    """Describe a drug whose plasma concentration falls in two phases.

    The micro-constants are ``k10 = CL/V1``, ``k12 = Q/V1``, ``k21 = Q/V2``; the rates ``alpha > beta`` are the roots
    of ``x^2 - (k10+k12+k21) x + k10 k21`` and a unit dose gives
    ``F/V1 [(alpha-k21) exp(-alpha s) + (k21-beta) exp(-beta s)]/(alpha-beta)`` (Gibaldi & Perrier 1982, ch. 2).

    Parameters
    ----------
    clearance, intercompartmental_clearance : float
        ``CL`` and ``Q`` in L per `time_unit` (and per kg or m2 where `dose_unit` is).
    volume, peripheral_volume : float
        ``V1`` and ``V2`` in L (and per kg or m2 where `dose_unit` is).
    absorption_rate : float, optional
        Per `time_unit`; None where the dose enters the central compartment directly.
    bioavailability : float
        ``F``, the fraction of the dose that arrives, in (0, 1].
    dose_unit : str
        What `volume` divides, such as ``mg``; empty where the numbers are nominal.
    concentration_unit : str
        What the input is expressed in, such as ``uM``; empty for dose unit per litre.
    molar_mass : float, optional
        g/mol; needed where a mass becomes moles.
    body_weight, body_surface : float, optional
        kg and m2; needed where a dose per kg or per m2 meets a whole volume, or the reverse.
    time_unit : str
        Unit of time of clearances and rates: ``s``, ``min``, ``h`` or ``d``.

    Raises
    ------
    ScheduleError
        If a value is not positive, a unit is unknown, or the absorption rate coincides with a rate to 0.1 %.

    Examples
    --------
    >>> from jaxsim.dosing import Dose, area_under_curve
    >>> human = TwoCompartment(162.0, 15.0, 42.0, 15.0, dose_unit="mg", concentration_unit="uM",
    ...                        molar_mass=263.2, body_surface=1.8)
    >>> round(float(area_under_curve(human, Dose(1000, "mg/m2", duration=0.5))), 2)
    42.22
    """

    clearance: Any
    volume: Any
    intercompartmental_clearance: Any
    peripheral_volume: Any
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
            refuse_confluent("TwoCompartment", self.absorption_rate, self._intravenous()[1])

    def __repr__(self) -> str:
        return phrase(self)

    def modes(self) -> tuple[Float[Any, " m"], Float[Any, " m"]]:
        """Return amplitudes (concentration unit per dose unit) and rates (1/h) of the response to a unit dose.

        Examples
        --------
        >>> amplitudes, rates = TwoCompartment(1.0, 1.0, 1.0, 1.0).modes()
        >>> rates.round(3).tolist()
        [2.618, 0.382]
        """
        amplitudes, rates = self._intravenous()
        hour = units.hours(self.time_unit)
        if self.absorption_rate is not None:
            amplitudes, rates = absorbed(amplitudes, rates, self.absorption_rate)
        return amplitudes, rates / hour

    def _intravenous(self) -> tuple[Any, Any]:
        xp = namespace(self)
        central, peripheral = floats(xp, self.volume), floats(xp, self.peripheral_volume)
        exchange = floats(xp, self.intercompartmental_clearance)
        k10, k12, k21 = floats(xp, self.clearance) / central, exchange / central, exchange / peripheral
        total = k10 + k12 + k21
        # written without a difference so that slow exchange does not cancel
        root = xp.sqrt((k10 - k21) ** 2 + k12 * (k12 + 2.0 * (k10 + k21)))
        alpha = 0.5 * (total + root)
        beta = k10 * k21 / alpha
        scale = floats(xp, self.bioavailability) * floats(xp, unit_factor(self)) / (central * root)
        return scale * xp.stack([alpha - k21, k21 - beta]), xp.stack([alpha, beta])


_LEAVES = (
    "clearance",
    "volume",
    "intercompartmental_clearance",
    "peripheral_volume",
    "absorption_rate",
    "bioavailability",
    "molar_mass",
    "body_weight",
    "body_surface",
)
register(TwoCompartment, _LEAVES, ("dose_unit", "concentration_unit", "time_unit"))

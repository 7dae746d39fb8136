"""Units of doses, concentrations and times, and the factors between them."""

from typing import Any, NamedTuple

from jaxsim.errors import ScheduleError, closest

MASSES = {"pg": 1e-12, "ng": 1e-9, "ug": 1e-6, "µg": 1e-6, "mg": 1e-3, "g": 1.0, "kg": 1e3}  # in g
MOLES = {"fmol": 1e-15, "pmol": 1e-12, "nmol": 1e-9, "umol": 1e-6, "µmol": 1e-6, "mmol": 1e-3, "mol": 1.0}
MOLARITIES = {"pM": 1e-12, "nM": 1e-9, "uM": 1e-6, "µM": 1e-6, "mM": 1e-3, "M": 1.0}  # in mol/L
VOLUMES = {"uL": 1e-6, "µL": 1e-6, "mL": 1e-3, "dL": 0.1, "L": 1.0}  # in L
SIZES = {"kg": "body_weight", "m2": "body_surface"}  # what a dose may be given per
HOURS = {"s": 1 / 3600, "min": 1 / 60, "h": 1.0, "d": 24.0}


class Unit(NamedTuple):
    """A dose or concentration unit: `scale` in g, mol (or g/L, mol/L), its `kind` and what it is given `per`."""

    scale: float
    kind: str
    per: str


def hours(unit: str) -> float:
    """Return the number of hours in a time unit.

    Examples
    --------
    >>> hours("d")
    24.0
    """
    if unit not in HOURS:
        raise ScheduleError(f"unknown time unit '{unit}'; use one of {', '.join(HOURS)}{closest(unit, HOURS)}.")
    return HOURS[unit]


def quantity(unit: str) -> tuple[float, str]:
    """Return scale and kind of a mass (g) or an amount of substance (mol).

    Raises
    ------
    ScheduleError
        If the unit is in neither table.

    Examples
    --------
    >>> quantity("mg"), quantity("mmol")
    ((0.001, 'mass'), (0.001, 'moles'))
    """
    for table, kind in ((MASSES, "mass"), (MOLES, "moles")):
        if unit in table:
            return table[unit], kind
    known = (*MASSES, *MOLES)
    raise ScheduleError(f"unknown unit '{unit}'; use a mass or an amount such as mg or umol{closest(unit, known)}.")


def dose_unit(unit: str) -> Unit:
    """Read a dose unit such as ``mg``, ``mg/kg``, ``umol/kg`` or ``mg/m2``.

    Raises
    ------
    ScheduleError
        If a part of the unit is unknown.

    Examples
    --------
    >>> dose_unit("mg/kg")
    Unit(scale=0.001, kind='mass', per='kg')
    """
    if not unit:
        return Unit(1.0, "", "")
    top, *below = unit.replace("m^2", "m2").split("/")
    per = "/".join(below)
    if per and per not in SIZES:
        raise ScheduleError(f"unknown dose unit '{unit}'; a dose is given per kg, per m2 or whole, such as mg/kg.")
    return Unit(*quantity(top), per)


def concentration_unit(unit: str) -> Unit:
    """Read a concentration unit such as ``uM`` or ``ng/mL``.

    Raises
    ------
    ScheduleError
        If a part of the unit is unknown.

    Examples
    --------
    >>> concentration_unit("uM")
    Unit(scale=1e-06, kind='moles', per='L')
    """
    if unit in MOLARITIES:
        return Unit(MOLARITIES[unit], "moles", "L")
    top, _, volume = unit.partition("/")
    if volume not in VOLUMES:
        known = closest(unit, MOLARITIES)
        raise ScheduleError(f"unknown concentration unit '{unit}'; use one such as uM or ng/mL{known}.")
    scale, kind = quantity(top)
    return Unit(scale / VOLUMES[volume], kind, "L")


def between(given: Unit, wanted: Unit, molar_mass: float | None, label: str) -> Any:
    """Return the factor from `given` to `wanted`, through the molar mass (g/mol) where one is a mass.

    Raises
    ------
    ScheduleError
        If the molar mass is needed and missing; `label` says for what.

    Examples
    --------
    >>> round(between(dose_unit("mg"), dose_unit("umol"), 263.2, "gemcitabine"), 4)
    3.7994
    """
    factor = given.scale / wanted.scale
    if given.kind == wanted.kind:
        return factor
    if molar_mass is None:
        raise ScheduleError(f"{label} turns {given.kind} into {wanted.kind}; give its molar_mass in g/mol.")
    return factor / molar_mass if given.kind == "mass" else factor * molar_mass

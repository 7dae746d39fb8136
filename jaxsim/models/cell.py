"""cell: the single-cell fate model as a network of the general engine."""

from functools import lru_cache
from pathlib import Path
from typing import Any

from jaxsim.dosing import OneCompartment
from jaxsim.errors import NetworkError, closest
from jaxsim.models.cell_reactions import OBSERVABLES, REACTIONS
from jaxsim.models.parameters import ModelParameter, read_parameters
from jaxsim.network import Network, Parameter

DATA = Path(__file__).parent / "cell_parameters.toml"


@lru_cache(maxsize=1)
def cell_parameters() -> dict[str, dict[str, ModelParameter]]:
    """Return every number of the single-cell model with unit, range, tag and source.

    Returns
    -------
    dict
        Groups ``species`` (initial counts), ``parameters``, ``inputs.gemcitabine`` and ``inputs.caspase1_inhibitor``.

    Examples
    --------
    >>> entry = cell_parameters()["parameters"]["uptake_constant"]
    >>> entry.value, entry.unit, entry.tag
    (15.0, 'uM', 'from memory')
    """
    return read_parameters(DATA)


def cell(**overrides: Any) -> Network:
    """Build the fate model of one tumour cell under gemcitabine and a caspase-1 inhibitor.

    Gemcitabine in plasma (uM) becomes triphosphate T, which damages DNA (D) in S phase. Damage is repaired, stops
    the cycle, or leads to quiescence (Q), to an inflammasome speck (Z) and by caspase-1 and gasdermin pores to lysis
    (PY), or by caspase-3 to apoptosis (AP). IL-1alpha (IL) leaves through pores and at lysis (IR). Cells differ in
    uptake, pro-caspase-1, gasdermin D and IL-1alpha.

    Parameters
    ----------
    **overrides
        A parameter, an initial count or an input by name, in the unit of the parameter file: a number or a
        distribution. An input may be a disposition, which a schedule doses, or a constant concentration:
        ``cell(gemcitabine=0.5)`` is a culture in 0.5 uM, ``cell(caspase1_inhibitor=1e3)`` an inhibitor that saturates.

    Returns
    -------
    Network
        With the inputs ``gemcitabine`` and ``caspase1_inhibitor``, both without doses.

    Raises
    ------
    NetworkError
        If a name is none of the model's, or a value is not one a network takes.

    Notes
    -----
    Nearly all rate constants are assumptions: see :func:`cell_parameters`. The reactions are those of
    ``cell_reactions.py``; nothing of the model is built into the simulator.

    Examples
    --------
    >>> net = cell(gsdme_rate=0.0)
    >>> net.parameters["gsdme_rate"], net.initial["C3i"], len(net.structure.reactions)
    (0.0, 100, 24)
    """
    groups = cell_parameters()
    known = (*groups["parameters"], *groups["species"], "gemcitabine", "caspase1_inhibitor")
    for name in overrides:
        if name not in known:
            raise NetworkError(f"the cell model has no '{name}'{closest(name, known)}")
    inputs = {"gemcitabine": gemcitabine(), "caspase1_inhibitor": caspase1_inhibitor()}
    return Network(
        species={name: overrides.get(name, entry.given()) for name, entry in groups["species"].items()},
        parameters={
            name: Parameter(overrides.get(name, entry.given()), entry.unit, entry.description)
            for name, entry in groups["parameters"].items()
        },
        reactions=REACTIONS,
        observables=OBSERVABLES,
        inputs={name: overrides.get(name, disposition) for name, disposition in inputs.items()},
        name="single-cell fates",
    )


def gemcitabine() -> OneCompartment:
    """Describe gemcitabine in the plasma of a mouse after intraperitoneal injection, in uM per mg/kg.

    Examples
    --------
    >>> from jaxsim.dosing import Dose, area_under_curve
    >>> round(float(area_under_curve(gemcitabine(), Dose(20, "mg/kg"))), 1)  # uM h; measured: 27
    27.1
    """
    entry = cell_parameters()["inputs.gemcitabine"]
    return OneCompartment(
        elimination_rate=entry["clearance"].value / entry["volume"].value,
        volume=entry["volume"].value,
        absorption_rate=entry["absorption_rate"].value,
        bioavailability=entry["bioavailability"].value,
        dose_unit="mg/kg",
        concentration_unit="uM",
        molar_mass=entry["molar_mass"].value,
    )


def caspase1_inhibitor() -> OneCompartment:
    """Describe the caspase-1 inhibitor in a mouse, in nominal units per mg/kg.

    Examples
    --------
    >>> from jaxsim.dosing import Dose, concentration
    >>> round(float(concentration(caspase1_inhibitor(), Dose(50, "mg/kg"), [8.0])[0]), 2)
    0.17
    """
    entry = cell_parameters()["inputs.caspase1_inhibitor"]
    return OneCompartment(
        elimination_rate=entry["elimination_rate"].value,
        volume=entry["volume"].value,
        absorption_rate=entry["absorption_rate"].value,
        dose_unit="mg/kg",
    )

"""The agents an organism can be given, as dispositions with published or assumed numbers."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from jaxsim.dosing import Disposition, OneCompartment, TwoCompartment
from jaxsim.models.parameters import ModelParameter


class Agent(NamedTuple):
    """In what an agent is given, and in what the network reads it."""

    mass: str
    """Of a dose, whole or per kg or m2 as its volume is."""
    unit: str
    """Of the input; empty where it is nominal."""
    says: str


AGENTS = {
    "gemcitabine": Agent("mg", "uM", "gemcitabine"),
    "cisplatin": Agent("mg", "", "cisplatin; a standard dose makes 1"),
    "cyclophosphamide": Agent("mg", "", "cyclophosphamide; 200 mg/kg make 1 in the mouse"),
    "fluorouracil": Agent("mg", "", "5-fluorouracil; 150 mg/kg make 1 in the mouse"),
    "anti_il1a": Agent("mg", "nM", "anti-IL-1alpha antibody, free and bound, in plasma"),
    "caspase1_inhibitor": Agent("mg", "", "caspase-1 inhibitor, nominal"),
    "il1_receptor_antagonist": Agent("mg", "nM", "IL-1 receptor antagonist"),
    "il1a": Agent("ng", "", "injected IL-1alpha: flow from the peritoneal cavity into plasma, pg/h"),
    "gcsf": Agent("ug", "", "injected G-CSF: flow into plasma, baselines per hour"),
    "anti_cd8": Agent("mg", "nM", "CD8-depleting antibody in plasma"),
}
OPTIONAL = ("absorption_rate", "molar_mass", "bioavailability")


def agents(groups: Mapping[str, Mapping[str, ModelParameter]]) -> dict[str, Disposition]:
    """Return the disposition of every agent, from the groups ``inputs.<agent>`` and ``body`` of a parameter file.

    Clearance and volume are whole (L/h, L) or per kg or m2; doses may be given either way, as the body is known.

    Parameters
    ----------
    groups
        From :func:`jaxsim.models.organism_parameters`.

    Examples
    --------
    >>> from jaxsim.dosing import Dose, area_under_curve
    >>> from jaxsim.models import organism_parameters
    >>> human = agents(organism_parameters("human"))["gemcitabine"]
    >>> round(float(area_under_curve(human, Dose(1000, "mg/m2", duration=0.5))), 1)  # uM h
    42.2
    """
    body = {name: entry.value for name, entry in groups["body"].items()}
    return {name: _disposition(groups[f"inputs.{name}"], body, agent) for name, agent in AGENTS.items()}


def _disposition(entry: Mapping[str, ModelParameter], body: Mapping[str, Any], agent: Agent) -> Disposition:
    value: dict[str, Any] = {name: one.value for name, one in entry.items()}
    per = entry["volume"].unit.removeprefix("L")
    shared: dict[str, Any] = {
        "volume": value["volume"],
        "dose_unit": f"{agent.mass}{per}",
        "concentration_unit": agent.unit,
        **{name: value[name] for name in OPTIONAL if name in value},
        **body,
    }
    if "peripheral_volume" in value:
        exchange = {name: value[name] for name in ("clearance", "intercompartmental_clearance", "peripheral_volume")}
        return TwoCompartment(**shared, **exchange)
    rate = value["elimination_rate"] if "elimination_rate" in value else value["clearance"] / value["volume"]
    return OneCompartment(elimination_rate=rate, **shared)

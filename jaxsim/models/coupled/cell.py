"""The tumour cell inside an organism: the cell model, with an end for dead cells and a ledger of IL-1alpha.

The reactions are those of :func:`jaxsim.models.cell` but for five. Division (a6) only marks the cell, as two daughters
need two lanes. IL-1alpha is counted where it is made (a19), degraded (a20), leaks (a21), is set free by lysis (a22) and
by secondary necrosis (a24), and where its cell becomes apoptotic (a23). Two reactions are new: effectors kill (k1),
which makes an apoptotic cell, and apoptotic cells are cleared (k2) with what they still hold. What depends on the
organism is a parameter, constant over a coupling step.
"""

from typing import Any, NamedTuple

from jaxsim.errors import NetworkError
from jaxsim.models.cell.network import CELL_REACTIONS, cell
from jaxsim.models.cell.study import starting_pool
from jaxsim.network import Network, Reaction, is_distribution, parse_reaction

EXCHANGED = ("gemcitabine", "caspase1_inhibitor", "kill_hazard", "clearance_hazard")
SPLIT = ("T", "D")  # each unit goes to one daughter or the other; a cell has doubled everything else by then
DIVIDING = "DV"  # flag: waits for a second lane
DEAD = "(AP + KD)"  # apoptotic by itself or killed, not yet cleared

FLOWS = {  # counted since the coupling step began
    "N": "divisions",
    "BO": "second daughters that live",
    "DU": "IL-1alpha of second daughters at birth",
    "MA": "IL-1alpha made",
    "LO": "IL-1alpha degraded inside cells",
    "LK": "IL-1alpha leaked through pores",
    "LY": "IL-1alpha set free by lysis",
    "SN": "IL-1alpha set free by secondary necrosis",
    "NA": "cells that became apoptotic",
    "IA": "IL-1alpha in cells when they became apoptotic",
    "NK": "cells killed by effectors",
}
ENDS = {"PY": "lysed", "CL": "cleared"}  # flags: the lane is free at the end of the step

_OBSERVABLES = {
    "alive": "(1 - AP)*(1 - PY)*(1 - KD)",
    "living": "alive",
    "pored": "alive*if(PO >= 1, 1, 0)",
    "tolerant": "alive*Q",
    "dead": f"{DEAD}*(1 - CL)",
}


class CellLaw(NamedTuple):
    """What the lanes of a tumour run."""

    network: Network
    birth_rates: tuple[float, float]
    """Of entering S phase and of dividing, without damage, per hour."""
    pool: float
    """Mean IL-1alpha of a cell at the start, in units of IL."""


def cell_in_tumour(**overrides: Any) -> CellLaw:
    """Build the network that every lane of a tumour runs.

    Parameters
    ----------
    **overrides
        Parameters and initial counts of :func:`jaxsim.models.cell`.

    Raises
    ------
    NetworkError
        If a rate of the cycle differs between cells, or something is not of the cell model.

    Examples
    --------
    >>> law = cell_in_tumour()
    >>> len(law.network.structure.reactions), round(law.pool), "kill_hazard" in law.network.parameters
    (26, 583, True)
    """
    base = cell(**overrides)
    rates = tuple(base.parameters[name] for name in ("s_entry_rate", "division_rate"))
    if any(is_distribution(rate) for rate in rates):
        raise NetworkError("the rates of the cycle differ between cells; give s_entry_rate and division_rate a number")
    species: dict[str, Any] = {name: value for name, value in base.initial.items() if name != "IR"}
    species |= dict.fromkeys((*FLOWS, "KD", "CL", DIVIDING), 0)
    network = Network(
        species=species,
        parameters={**base.parameters, **dict.fromkeys(EXCHANGED, 0.0)},
        reactions=(*(_in_tumour(given) for given in CELL_REACTIONS), *_NEW),
        observables=_OBSERVABLES,
        name="a cell in a tumour",
    )
    return CellLaw(network, (float(rates[0]), float(rates[1])), starting_pool(base))


_NEW = (
    Reaction({}, {"KD": 1, "NK": 1}, "alive*kill_hazard", name="k1"),
    Reaction({}, {"CL": 1}, f"{DEAD}*(1 - CL)*clearance_hazard", name="k2"),
)


def _in_tumour(given: Reaction | str) -> Reaction:
    """Return a reaction of the cell model as it is in a tumour."""
    reaction = given if isinstance(given, Reaction) else parse_reaction(given)[0]
    parts = {part: getattr(reaction, part) for part in ("reactants", "products", "rate", "effects", "name")}
    return Reaction(**{**parts, **_CHANGED.get(reaction.name, {})})


_NECROSIS = f"{DEAD}*(1 - CL)*secondary_necrosis_rate*secondary_necrosis_fraction"
_CHANGED: dict[str, dict[str, Any]] = {
    "a6": {"products": {"N": 1, DIVIDING: 1}, "effects": {}},
    "a19": {"products": {"IL": 1, "MA": 1}},
    "a20": {"products": {"LO": 1}, "rate": "(1 - CL)*il1a_loss*IL"},
    "a21": {"products": {"LK": 1}},
    "a22": {"effects": {"IL": "0", "LY": "LY + IL"}},
    "a23": {"products": {"AP": 1, "NA": 1}, "effects": {"IA": "IA + IL"}},
    "a24": {"rate": _NECROSIS, "effects": {"IL": "IL - floor(IL/2)", "SN": "SN + floor(IL/2)"}},
}

"""organism: tumour, IL-1alpha, marrow, neutrophils and CD8 cells of a mouse or a patient, as a network."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from jaxsim.dosing import Disposition, OneCompartment, TwoCompartment
from jaxsim.errors import NetworkError, closest
from jaxsim.models.organism.reactions import OBSERVABLES, PRODUCED, REACTIONS
from jaxsim.models.parameters import ModelParameter, read_parameters
from jaxsim.network import Network, Parameter, is_distribution, names, parse, substitute
from jaxsim.random.distributions import Lognormal

# The agents an organism can be given, as dispositions with published or assumed numbers.


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
_OPTIONAL = ("absorption_rate", "molar_mass", "bioavailability")


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
        **{name: value[name] for name in _OPTIONAL if name in value},
        **body,
    }
    if "peripheral_volume" in value:
        exchange = {name: value[name] for name in ("clearance", "intercompartmental_clearance", "peripheral_volume")}
        return TwoCompartment(**shared, **exchange)
    rate = value["elimination_rate"] if "elimination_rate" in value else value["clearance"] / value["volume"]
    return OneCompartment(elimination_rate=rate, **shared)


# The state of an organism without drugs, in closed form: without tumour, and as a tumour is added to it.

_EMPTY = ("S", "T", "D1", "D2", "Y", "A", "IT", "IP", "B", "W", "Z", "TN", "X")
_MARROW = ("HQ", "HA", "P", "O", "M1", "M2", "M3", "Q", "R")
SPECIES = (
    *("S", "T", "D1", "D2", "Y", "A", "IT", "IP", "B", "W", "Z", "G"),
    *_MARROW,
    *("N", "L", "TN", "E", "X"),
)


def steady_state(values: Mapping[str, float]) -> dict[str, float]:
    """Return the tumour-free steady state, at which the rate equations stand still.

    What leaves the blood came through every stage before. With the flux F of neutrophils, R = F/release_rate, Q =
    F/maturation_rate, M3 = F/(2 mitotic_rate), half as many in each stage before, P = F/(16 gmp_exit). HSPC are given,
    and the rate at which they become GMP is the one that makes up for what GMP lose.

    Parameters
    ----------
    values
        The parameters of :func:`jaxsim.models.organism`, including ``scale``.

    Returns
    -------
    dict
        Counts of all species, not rounded.

    Raises
    ------
    NetworkError
        If GMP or HSPC would divide faster than they leave, or leave faster than they can divide.

    Examples
    --------
    >>> from jaxsim.models import organism
    >>> state = steady_state(organism().parameters)
    >>> round(state["HA"]), round(state["P"]), round(state["R"])
    (100000, 739708, 8521440)
    """
    v = dict(values)
    if not v["gmp_exit"] > v["gmp_division"]:
        raise NetworkError(
            f"GMP would leave at {v['gmp_exit']:g} /h and divide at {v['gmp_division']:g} /h; "
            "give gmp_exit more than gmp_division"
        )
    flux = v["neutrophil_loss"] * v["neutrophils"]
    gmp = flux / (16 * v["gmp_exit"])
    myeloid = (v["gmp_exit"] - v["gmp_division"]) * gmp / (8 * v["active_hspc"])
    if not v["hspc_division"] > myeloid + v["lymphoid_rate"]:
        raise NetworkError(
            f"HSPC would leave at {myeloid + v['lymphoid_rate']:.3g} /h, faster than they can divide; "
            "give hspc_division more, or more active_hspc"
        )
    cells = {
        "G": v["gcsf_counts"],
        "HQ": v["quiescent_hspc"],
        "HA": v["active_hspc"],
        "P": gmp,
        "O": v["other_progenitors"],
        **{f"M{i}": 2 ** (i - 4) * flux / v["mitotic_rate"] for i in (1, 2, 3)},
        "Q": flux / v["maturation_rate"],
        "R": flux / v["release_rate"],
        "N": v["neutrophils"],
        "L": v["lymphocytes"],
        "E": v["effector_source"] / v["effector_loss"],
    }
    found = dict.fromkeys(_EMPTY, 0.0) | cells
    return {name: v["scale"] * found[name] for name in SPECIES}


def tumour_state(values: Mapping[str, float], tumour: float, tolerant: float, effectors: float) -> dict[str, float]:
    """Return the steady state with a tumour added that is in balance with its IL-1alpha and its neutrophils.

    Parameters
    ----------
    values
        As for :func:`steady_state`.
    tumour
        Living cells, at scale 1.
    tolerant
        Share of them.
    effectors
        CD8 cells in the tumour.

    Examples
    --------
    >>> from jaxsim.models import organism
    >>> state = tumour_state(organism().parameters, 1e8, 0.02, 1e6)
    >>> round(state["T"]), round(state["TN"])
    (2000000, 959799)
    """
    v, state = dict(values), steady_state(values)
    scale = v["scale"]
    held = v["il1a_basal"] * tumour / (v["il1a_tumour_loss"] + v["il1a_escape_rate"])  # pg
    occupied = held / (v["stroma_constant"] + held)
    entry = v["recruitment_rate"] * (v["recruitment_basal"] + v["recruitment_gain"] * occupied)
    entry *= tumour / (v["recruitment_size"] + tumour)
    return state | {
        "T": scale * tumour * tolerant,
        "S": scale * tumour * (1.0 - tolerant),
        "E": scale * effectors,
        "IT": scale * held / v["il1a_per_cell"],
        "IP": scale * v["il1a_escape_rate"] * held / v["il1a_elimination"] / v["il1a_per_cell"],
        "TN": scale * entry * v["neutrophils"] / v["tumour_neutrophil_loss"],
    }


# Links of the organism: the ways by which IL-1alpha and neutrophils act, each of which can be turned off by name.


class Link(NamedTuple):
    """A way by which one thing acts on another; off when its numbers are 0."""

    says: str
    parameters: tuple[str, ...]


PROGRAMME = ("myeloid_gain", "gmp_gain", "hspc_gain", "activation_gain", "mitotic_gain", "lymphoid_brake")
LINKS = {
    "marrow_programme": Link("blood-borne IL-1alpha acts on HSPC, GMP and mitotic precursors", PROGRAMME),
    "body_gcsf": Link("blood-borne IL-1alpha raises G-CSF in the body", ("body_gcsf_gain",)),
    "tumour_gcsf": Link("IL-1alpha in the tumour raises G-CSF in its stroma", ("tumour_gcsf_gain",)),
    "local_recruitment": Link("IL-1alpha in the tumour draws neutrophils into it", ("recruitment_gain",)),
    "recovery": Link("neutrophils help damaged tumour cells to recover", ("neutrophil_recovery",)),
    "shelter": Link("neutrophils hold back CD8 effectors", ("kill_protection", "effector_suppression")),
    "pyroptosis": Link("dying tumour cells lyse and release IL-1alpha", ("pyroptotic_fraction", "gsdme_fraction")),
    "tolerance": Link("tumour cells that recover may be tolerant", ("tolerant_fraction",)),
}
LINK_GROUPS = {  # several links by one name
    "blood_borne_il1": ("marrow_programme", "body_gcsf"),
    "marrow_routes": ("marrow_programme", "body_gcsf", "tumour_gcsf"),
    "harm": ("recovery", "shelter"),
}


def switched_off(without: Iterable[str]) -> dict[str, float]:
    """Return the parameters of links that are turned off, all 0.

    Parameters
    ----------
    without
        Names of links or of groups of links.

    Raises
    ------
    NetworkError
        If there is no link of a name.

    Examples
    --------
    >>> switched_off(["tumour_gcsf"]), len(switched_off(["blood_borne_il1"]))
    ({'tumour_gcsf_gain': 0.0}, 7)
    """
    names = [without] if isinstance(without, str) else list(without)
    known = (*LINKS, *LINK_GROUPS)
    for name in names:
        if name not in known:
            raise NetworkError(
                f"the organism has no link '{name}'{closest(name, known)}; choose from {', '.join(known)}"
            )
    links = [link for name in names for link in LINK_GROUPS.get(name, (name,))]
    return {parameter: 0.0 for link in links for parameter in LINKS[link].parameters}


_Real = float | int

FILES = {  # later files replace entries of earlier ones
    "mouse": ("parameters.toml",),
    "human": ("parameters.toml", "human_parameters.toml"),
}
_MOST = 2**31 - 1
HEADROOM = 8.0  # a count may grow this much above its start: marrow under G-CSF, a tumour that is not treated


@lru_cache(maxsize=4)
def organism_parameters(animal: str = "mouse") -> dict[str, dict[str, ModelParameter]]:
    """Return every number of the organism with unit, range, tag and source.

    Parameters
    ----------
    animal
        ``mouse`` (20 g) or ``human`` (70 kg).

    Returns
    -------
    dict
        Groups ``start``, ``parameters``, ``body`` and ``inputs.<agent>``.

    Raises
    ------
    NetworkError
        If there is no such animal.

    Examples
    --------
    >>> entry = organism_parameters("human")["parameters"]["gmp_feedback"]
    >>> entry.value, entry.tag
    (0.444, 'verified')
    """
    if animal not in FILES:
        raise NetworkError(f"there is no animal '{animal}'{closest(animal, FILES)}; choose from {', '.join(FILES)}")
    groups: dict[str, dict[str, ModelParameter]] = {}
    for file in FILES[animal]:
        for name, entries in read_parameters(Path(__file__).parent / file).items():
            whole = name.startswith("inputs.") or name == "body"  # a disposition is one thing: replaced, not mixed
            groups[name] = entries if whole else {**groups.get(name, {}), **entries}
    return groups


def organism(
    animal: str = "mouse",
    *,
    without: Iterable[str] = (),
    scale: _Real | None = None,
    tumour: _Real | None = None,
    virtual: bool = False,
    **overrides: Any,
) -> Network:
    """Build the organism: tumour, IL-1alpha, marrow, blood and immune cells under ten agents.

    Drugs damage tumour cells (S sensitive, T tolerant; D1, D2 damaged). These recover, the more the more neutrophils
    are around them, or die by apoptosis (A) or with pores (Y), lyse, and release IL-1alpha in the tumour (IT), from
    where it drains to plasma (IP). In the marrow it makes cells enter the cycle (B, W) and turns on the PU.1 programme
    (Z); in body and tumour stroma it raises G-CSF (G). Quiescent and active HSPC (HQ, HA) and GMP (P) then make more
    neutrophils (mitotic M1 to M3, post-mitotic Q, reserve R, blood N) and fewer cells of other lineages (O, L).
    Neutrophils in the tumour (TN) shelter it from CD8 effectors (E). X is gemcitabine triphosphate.

    Parameters
    ----------
    animal
        ``mouse`` or ``human``.
    without
        Links that are turned off, by name: see :data:`jaxsim.models.organism.network.LINKS`.
    scale
        Counts per cell; 1 in the mouse, 1/1000 in the patient. The rate equations divided by it do not depend on it.
    tumour
        Living tumour cells at the start, at scale 1; 0 for none.
    virtual
        Let trajectories be animals that differ: parameters with a law in the parameter file follow it.
    **overrides
        A parameter or an input by name, as :func:`organism_parameters` has them: a number, a distribution or a
        disposition.

    Returns
    -------
    Network
        With the inputs of :data:`jaxsim.models.organism.network.AGENTS`, all without doses.

    Raises
    ------
    NetworkError
        If a name is none of the model's, a value makes no sense, or counts would not fit into 32 bits.

    Notes
    -----
    One count is one cell at scale 1; of IL-1alpha (IT, IP, free and bound) it is what one tumour cell holds. Of G
    (G-CSF) `gcsf_counts` make the baseline, and of B, W, Z and X `signal_counts` make 1. Most rate constants are
    assumptions: see :func:`organism_parameters`.

    Examples
    --------
    >>> net = organism(scale=1e-4, without=["tumour_gcsf"])
    >>> len(net.structure.species), len(net.structure.reactions), net.initial["S"], net.initial["N"]
    (26, 67, 9800, 410)
    """
    groups = organism_parameters(animal)
    entries = groups["parameters"]
    inputs = {name: overrides.pop(name, given) for name, given in agents(groups).items()}
    for name in overrides:
        if name not in entries:
            raise NetworkError(f"the organism has no '{name}'{closest(name, (*entries, *inputs))}")
    chosen = switched_off(without) | ({} if scale is None else {"scale": scale}) | overrides
    values = {name: entry.given() if virtual else entry.value for name, entry in entries.items()} | chosen
    start = {name: entry.value for name, entry in groups["start"].items()}
    return Network(
        species=initial_counts(values, start | ({} if tumour is None else {"tumour": tumour})),
        parameters={name: Parameter(values[name], entry.unit, entry.description) for name, entry in entries.items()},
        reactions=REACTIONS,
        observables=OBSERVABLES,
        inputs=inputs,
        name=f"organism, {animal}",
    )


def initial_counts(values: dict[str, Any], start: dict[str, Any]) -> dict[str, int]:
    """Return the steady state with a tumour added, in whole counts.

    Raises
    ------
    NetworkError
        If the scale or the tumour makes no sense, or a count may not fit into 32 bits.
    """
    scale, tumour = values["scale"], start["tumour"]
    if is_distribution(scale) or not 0 < scale < float("inf"):
        raise NetworkError(f"the scale is {scale!r}; give a positive number")
    if not 0 <= tumour < float("inf"):
        raise NetworkError(f"the tumour has {tumour!r} cells; give a number from 0 on")
    middle = typical(values)
    given = (float(start[name]) for name in ("tumour", "tolerant", "effectors"))
    state = tumour_state(middle, *given) if tumour else steady_state(middle)
    largest = max(state, key=lambda name: state[name])
    if state[largest] * HEADROOM > _MOST:
        most = _MOST / HEADROOM / state[largest] * scale
        raise NetworkError(f"at scale {scale:g}, '{largest}' may outgrow a 32-bit count; give a scale below {most:.2g}")
    counts = {name: round(count) for name, count in state.items()}
    if tumour:  # rounded as a whole, so that small tumours have the size that was asked for
        counts["S"] = round(scale * tumour) - counts["T"]
    return counts


def typical(values: dict[str, Any]) -> dict[str, float]:
    """Return parameter values with the median of those that differ between animals.

    Examples
    --------
    >>> from jaxsim.random import Lognormal
    >>> typical({"a": 2.0, "b": Lognormal(3.0, 0.5)})
    {'a': 2.0, 'b': 3.0}
    """
    return {name: float(_median(value)) if is_distribution(value) else value for name, value in values.items()}


def _median(law: Lognormal) -> Any:
    return law.median if hasattr(law, "median") else law.sample(0.5)


# The organism with G-CSF at its quasi-steady state, so that explicit steps need not follow its turnover of minutes.
#
# G-CSF is cleared by the kidney and by neutrophils, whose uptake saturates: with production p, renal clearance k and
# the clearance by neutrophils a at low levels, (k + a K/(K + G)) G = p: a quadratic equation, whose positive root is
# taken. Its own noise, of 1e-3 at scale 1, is lost.

UPTAKE = "(gcsf_neutrophil*N/(neutrophils*scale)*(1 + gcsf_clearance_constant))"
_SLOPE = f"(gcsf_renal*gcsf_clearance_constant + {UPTAKE} - {PRODUCED})"
ROOT = f"sqrt({_SLOPE}^2 + 4*gcsf_renal*gcsf_clearance_constant*{PRODUCED})"
MADE = f"gcsf_clearance_constant*{PRODUCED}"
STEADY = f"({MADE}/(max({_SLOPE}, 0) + 2*gcsf_renal*{MADE}/({ROOT} + abs({_SLOPE}))))"  # relative to baseline


def quick_organism(network: Network) -> Network:
    """Return the organism without the species G, whose level is that of its quasi-steady state everywhere.

    Parameters
    ----------
    network
        From :func:`jaxsim.models.organism`.

    Examples
    --------
    >>> from jaxsim.models import organism
    >>> quick = quick_organism(organism())
    >>> "G" in quick.structure.species, len(quick.structure.reactions)
    (False, 65)
    """
    structure = network.structure
    state = {"G": parse(f"{STEADY}*gcsf_counts*scale")}
    shown = {name: substitute(value, state) for name, value in structure.observables}
    hidden = set(network.inputs)  # observables read the state alone
    return Network(
        {name: count for name, count in network.initial.items() if name != "G"},
        [
            replace(reaction, rate=substitute(reaction.rate, state))
            for reaction in structure.reactions
            if not reaction.changes.get("G", 0)
        ],
        {
            name: Parameter(value, network.units.get(name, ""), network.descriptions.get(name, ""))
            for name, value in network.parameters.items()
        },
        {name: value for name, value in shown.items() if not names(value) & hidden},
        dict(network.inputs),
        name=network.name,
    )

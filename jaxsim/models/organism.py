"""organism: tumour, IL-1alpha, marrow, neutrophils and CD8 cells of a mouse or a patient, as a network."""

from functools import lru_cache
from pathlib import Path
from typing import Any

from jaxsim.errors import NetworkError, closest
from jaxsim.models.organism_agents import agents
from jaxsim.models.organism_reactions import OBSERVABLES, reactions
from jaxsim.models.organism_steady_state import steady_state
from jaxsim.models.parameters import ModelParameter, read_parameters
from jaxsim.network import Network, Parameter, is_distribution

Real = float | int

FITTED = "organism_fitted_parameters.toml"  # replaces hand-set values of lumped unknowns
FILES = {  # later files replace entries of earlier ones
    "mouse": ("organism_parameters.toml", FITTED),
    "human": ("organism_parameters.toml", FITTED, "organism_human_parameters.toml"),
}
WEIGHTS = {
    "direct": (1.0, 0.0),
    "relay": (0.0, 1.0),
    "both": (1.0, 1.0),
}  # of the hypotheses on how IL-1alpha reaches the marrow
MOST = 2**31 - 1
HEADROOM = 8.0  # a count may grow this much above its start: G-CSF and GMP under a full IL-1 signal


@lru_cache(maxsize=4)
def organism_parameters(animal: str = "mouse", *, fitted: bool = True) -> dict[str, dict[str, ModelParameter]]:
    """Return every number of the organism with unit, range, tag and source.

    Parameters
    ----------
    animal
        ``mouse`` (20 g) or ``human`` (70 kg).
    fitted
        Whether the lumped unknowns have the values of the calibration; else those set by hand before it, which are the
        centres of its priors.

    Returns
    -------
    dict
        Groups ``start``, ``parameters``, ``fibroblasts``, ``body`` and ``inputs.<agent>``.

    Raises
    ------
    NetworkError
        If there is no such animal.

    Examples
    --------
    >>> entry = organism_parameters("human")["parameters"]["release_rate"]
    >>> entry.value, entry.tag
    (0.01517, 'derived')
    """
    if animal not in FILES:
        raise NetworkError(f"there is no animal '{animal}'{closest(animal, FILES)}; choose from {', '.join(FILES)}")
    groups: dict[str, dict[str, ModelParameter]] = {}
    for file in (file for file in FILES[animal] if fitted or file != FITTED):
        for name, entries in read_parameters(Path(__file__).parent / file).items():
            whole = name.startswith("inputs.") or name == "body"  # a disposition is one thing: replaced, not mixed
            groups[name] = entries if whole else {**groups.get(name, {}), **entries}
    return groups


def organism(
    animal: str = "mouse",
    *,
    hypothesis: str = "both",
    scale: Real | None = None,
    tumour: Real | None = None,
    local_arm: bool = False,
    virtual: bool = False,
    **overrides: Any,
) -> Network:
    """Build the organism: tumour, IL-1alpha, marrow, blood and immune cells under five agents.

    Gemcitabine and cisplatin damage tumour cells (CS sensitive, CR tolerant; D1, D2 damaged), which die by
    apoptosis (A) or with pores (Y), lyse, and release IL-1alpha in the tumour (IT) and plasma (IP). It draws
    neutrophils into the tumour (TN) and signals to the marrow (B), where HSPC (H) and GMP (P) turn to making
    neutrophils (M1 to M5, reserve R, blood N) with G-CSF (G). Tumour neutrophils promote growth and suppress CD8
    effectors (E). The state without tumour is the steady state; the tumour is added to it.

    Parameters
    ----------
    animal
        ``mouse`` or ``human``.
    hypothesis
        ``direct``: IL-1alpha in plasma acts on the marrow. ``relay``: IL-1alpha in the tumour does, through what the
        tumour sends on, so that an antibody has to reach the tumour; injected IL-1alpha then does nothing. ``both``:
        the two add up, for which the lumped unknowns are fitted.
    scale
        Counts per cell; 1 in the mouse, 1/1000 in the patient. The rate equations divided by it do not depend on it.
    tumour
        Living tumour cells at the start, at scale 1; 0 for none.
    local_arm
        Include fibroblasts that become inflammatory as tumour cells lyse and shelter those that recover; the antibody
        does not block them.
    virtual
        Let trajectories be animals that differ: parameters with a law in the parameter file follow it.
    **overrides
        A parameter or an input by name, as :func:`organism_parameters` has them: a number, a distribution or a
        disposition.

    Returns
    -------
    Network
        With the inputs ``gemcitabine``, ``cisplatin``, ``anti_il1a``, ``caspase1_inhibitor`` and
        ``il1_receptor_antagonist``, all without doses.

    Raises
    ------
    NetworkError
        If a name is none of the model's, a value makes no sense, or counts would not fit into 32 bits.

    Notes
    -----
    One count is one cell at scale 1. IL-1alpha (IT, IP) is counted in quarters of what a tumour cell holds, 0.75 fg. Of
    G (G-CSF) `gcsf_counts` make 1, and of B, ET, EM and PT (marrow signal, drugs in cells) `signal_counts`. Most rate
    constants are assumptions: see :func:`organism_parameters`.

    Examples
    --------
    >>> net = organism(scale=1e-4, hypothesis="relay")
    >>> len(net.structure.species), len(net.structure.reactions), net.initial["CS"], net.initial["N"]
    (26, 67, 5880, 600)
    """
    if hypothesis not in WEIGHTS:
        raise NetworkError(
            f"there is no hypothesis '{hypothesis}'{closest(hypothesis, WEIGHTS)}; choose from {', '.join(WEIGHTS)}"
        )
    groups = organism_parameters(animal)
    entries = {**groups["parameters"], **(groups["fibroblasts"] if local_arm else {})}
    inputs = {name: overrides.pop(name, given) for name, given in agents(groups).items()}
    direct, relay = WEIGHTS[hypothesis]
    chosen = {"direct_weight": direct, "relay_weight": relay} | ({} if scale is None else {"scale": scale})
    for name in overrides:
        if name not in entries:
            raise NetworkError(f"the organism has no '{name}'{closest(name, (*entries, *inputs))}")
    values = {name: entry.given() if virtual else entry.value for name, entry in entries.items()} | chosen | overrides
    start = {name: entry.value for name, entry in groups["start"].items()}
    return Network(
        species=initial_counts(values, start | ({} if tumour is None else {"tumour": tumour}), local_arm),
        parameters={name: Parameter(values[name], entry.unit, entry.description) for name, entry in entries.items()},
        reactions=reactions(local_arm),
        observables=OBSERVABLES,
        inputs=inputs,
        name=f"organism, {animal}",
    )


def initial_counts(values: dict[str, Any], start: dict[str, Any], local_arm: bool) -> dict[str, int]:
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
    state = steady_state(typical(values))
    if tumour:
        state["CR"] = scale * tumour * start["tolerant"]
        state["CS"] = scale * tumour - round(state["CR"])
        state["E"] = scale * start["effectors"]
    if local_arm:
        state["FI"] = 0.0
    largest = max(state, key=lambda name: state[name])
    if state[largest] * HEADROOM > MOST:
        most = MOST / HEADROOM / state[largest] * scale
        raise NetworkError(f"at scale {scale:g}, '{largest}' may outgrow a 32-bit count; give a scale below {most:.2g}")
    return {name: round(count) for name, count in state.items()}


def typical(values: dict[str, Any]) -> dict[str, float]:
    """Return parameter values with the median of those that differ between animals.

    Examples
    --------
    >>> from jaxsim.random import Lognormal
    >>> typical({"a": 2.0, "b": Lognormal(3.0, 0.5)})
    {'a': 2.0, 'b': 3.0}
    """
    return {name: float(_median(value)) if is_distribution(value) else value for name, value in values.items()}


def _median(law: Any) -> Any:
    return law.median if hasattr(law, "median") else law.sample(0.5)

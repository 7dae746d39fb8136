"""organism: tumour, IL-1alpha, marrow, neutrophils and CD8 cells of a mouse or a patient, as a network."""

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

from jaxsim.errors import NetworkError, closest
from jaxsim.models.organism_agents import agents
from jaxsim.models.organism_links import switched_off
from jaxsim.models.organism_reactions import OBSERVABLES, REACTIONS
from jaxsim.models.organism_steady_state import steady_state, tumour_state
from jaxsim.models.parameters import ModelParameter, read_parameters
from jaxsim.network import Network, Parameter, is_distribution

Real = float | int

FILES = {  # later files replace entries of earlier ones
    "mouse": ("organism_parameters.toml",),
    "human": ("organism_parameters.toml", "organism_human_parameters.toml"),
}
MOST = 2**31 - 1
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
    scale: Real | None = None,
    tumour: Real | None = None,
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
        Links that are turned off, by name: see :data:`jaxsim.models.organism_links.LINKS`.
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
        With the inputs of :data:`jaxsim.models.organism_agents.AGENTS`, all without doses.

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
    if state[largest] * HEADROOM > MOST:
        most = MOST / HEADROOM / state[largest] * scale
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


def _median(law: Any) -> Any:
    return law.median if hasattr(law, "median") else law.sample(0.5)

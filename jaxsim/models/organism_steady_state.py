"""The state of an organism without drugs, in closed form: without tumour, and as a tumour is added to it."""

from collections.abc import Mapping

from jaxsim.errors import NetworkError

EMPTY = ("S", "T", "D1", "D2", "Y", "A", "IT", "IP", "B", "W", "Z", "TN", "X")
MARROW = ("HQ", "HA", "P", "O", "M1", "M2", "M3", "Q", "R")
SPECIES = (
    *("S", "T", "D1", "D2", "Y", "A", "IT", "IP", "B", "W", "Z", "G"),
    *MARROW,
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
    found = dict.fromkeys(EMPTY, 0.0) | cells
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

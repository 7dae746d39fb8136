"""The state of an organism without tumour and drugs, in closed form."""

import math
from collections.abc import Mapping

from jaxsim.errors import NetworkError

EMPTY = ("CS", "CR", "D1", "D2", "Y", "A", "IT", "IP", "B", "ET", "EM", "PT", "TN")
SPECIES = (*EMPTY, "G", "H", "P", "O", "M1", "M2", "M3", "M4", "M5", "R", "N", "L", "E")


def steady_state(values: Mapping[str, float]) -> dict[str, float]:
    """Return the tumour-free steady state, at which the rate equations stand still.

    What leaves the blood came through every stage before: with the flux F of neutrophils, R = F/release_rate,
    M5 = F/maturation_rate, M4 = F/mitotic_rate, half as many in each stage before, P = F/(16 gmp_exit), and HSPC
    such that they make up for what GMP lose.

    Parameters
    ----------
    values
        The parameters of :func:`jaxsim.models.organism`, including ``scale``.

    Returns
    -------
    dict
        Counts of all species but those of the local arm, not rounded.

    Raises
    ------
    NetworkError
        If GMP or HSPC would divide faster than they leave, so that there is no steady state.

    Examples
    --------
    >>> from jaxsim.models import organism
    >>> state = steady_state(organism().parameters)
    >>> round(state["H"]), round(state["P"]), round(state["R"])
    (108250, 1082500, 49961538)
    """
    v = dict(values)
    if not v["gmp_exit"] > v["gmp_division"]:
        raise NetworkError(
            f"GMP would leave at {v['gmp_exit']:g} /h and divide at {v['gmp_division']:g} /h; "
            "give gmp_exit more than gmp_division"
        )
    if not v["hspc_division"] > v["myeloid_rate"] + v["lymphoid_rate"]:
        raise NetworkError("HSPC would leave faster than they can divide; give hspc_division more")
    flux = v["neutrophil_loss"] * v["neutrophils"]
    gmp = flux / (16 * v["gmp_exit"])
    cells = {
        "G": v["gcsf_counts"],
        "H": (v["gmp_exit"] - v["gmp_division"]) * gmp / (8 * v["myeloid_rate"]),
        "P": gmp,
        "O": v["other_progenitors"],
        **{f"M{i}": 2 ** (i - 4) * flux / v["mitotic_rate"] for i in (1, 2, 3, 4)},
        "M5": flux / v["maturation_rate"],
        "R": flux / v["release_rate"],
        "N": v["neutrophils"],
        "L": v["lymphocytes"],
        "E": _effectors(v["effector_source"], v["effector_loss"], v["effector_crowding"]),
    }
    return dict.fromkeys(EMPTY, 0.0) | {name: v["scale"] * count for name, count in cells.items()}


def _effectors(source: float, loss: float, crowding: float) -> float:
    """Solve source = loss (1 + E/crowding) E for E >= 0, without cancellation where the source is small."""
    ratio = source / loss
    return 2 * ratio / (1 + math.sqrt(1 + 4 * ratio / crowding))

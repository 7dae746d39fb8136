"""Links of the organism: the ways by which IL-1alpha and neutrophils act, each of which can be turned off by name."""

from collections.abc import Iterable
from typing import NamedTuple

from jaxsim.errors import NetworkError, closest


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
GROUPS = {  # several links by one name
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
    known = (*LINKS, *GROUPS)
    for name in names:
        if name not in known:
            raise NetworkError(
                f"the organism has no link '{name}'{closest(name, known)}; choose from {', '.join(known)}"
            )
    links = [link for name in names for link in GROUPS.get(name, (name,))]
    return {parameter: 0.0 for link in links for parameter in LINKS[link].parameters}

"""The table of targets: what is required, what virtual animals show, and which of them meet it."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from jaxsim.models.intervals import BAND, wilson
from jaxsim.models.organism_experiments import GROUPS, run_group
from jaxsim.models.organism_targets import TARGETS, Evidence, Target

if TYPE_CHECKING:
    import xarray

MOST = 0.5  # of the animals have to meet a target


def gather_evidence(
    *, animals: int = 1, seed: int = 1, groups: Sequence[str] = tuple(GROUPS),
    announce: Callable[[str], None] | None = None,
) -> Evidence:  # fmt: skip
    """Solve the rate equations of every experiment that the targets look at, in the same virtual mice.

    Parameters
    ----------
    animals
        Virtual mice; 1 for the typical one.
    seed
        Of the animals.
    groups
        Of experiments, by name.
    announce
        Called with the name of each group before it.
    """
    results, times, constants = {}, {}, {}
    for name in groups:
        if announce is not None:
            announce(name)
        group = GROUPS[name]()
        results[name], network = run_group(group, animals, seed)
        times[name] = group.times
        constants = {key: value for key, value in network.parameters.items() if isinstance(value, float | int)}
    return Evidence(results, times, constants)


def target_table(*, animals: int = 1, seed: int = 1, announce: Callable[[str], None] | None = None) -> "xarray.Dataset":
    """Return what every target requires and what virtual mice show.

    Parameters
    ----------
    animals
        Virtual mice; with 1, the typical one.
    seed
        From 0 to 2**64 - 1.
    announce
        Called with the name of each group of experiments before it.

    Returns
    -------
    xarray.Dataset
        Over ``row``: ``target``, ``says``, ``required``, ``least``, ``most``, ``source``, ``found`` over ``quantile``
        (5, 50, 95 % of the animals), ``share`` of animals within the limits with its 95 % limits, and ``met``, whether
        most are.
    """
    found = verdicts(gather_evidence(animals=animals, seed=seed, announce=announce))
    return found.assign_attrs(animals=animals, seed=str(seed))


def verdicts(evidence: Evidence, targets: Sequence[Target] = TARGETS) -> "xarray.Dataset":
    """Return the table of some targets, for evidence that has all of their experiments."""
    import xarray

    shown = [np.atleast_1d(np.asarray(row.measure(evidence), np.float64)) for row in targets]
    within = [(value >= row.least) & (value <= row.most) for value, row in zip(shown, targets, strict=True)]
    share = np.array([one.mean() for one in within])
    limits = [wilson(np.array(one.mean()), one.size) for one in within]
    texts = {"target": "name", "says": "says", "required": "required", "source": "source"}
    fields = {key: ("row", [getattr(row, attribute) for row in targets]) for key, attribute in texts.items()}
    return xarray.Dataset(
        {
            **fields,
            "least": ("row", [row.least for row in targets]),
            "most": ("row", [row.most for row in targets]),
            "found": (("row", "quantile"), [np.quantile(one, BAND) for one in shown]),
            "share": ("row", share),
            "share_low": ("row", [float(low) for low, _ in limits]),
            "share_high": ("row", [float(high) for _, high in limits]),
            "met": ("row", share > MOST),
        },
        {"quantile": list(BAND)},
    )

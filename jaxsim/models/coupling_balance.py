"""The balance of IL-1alpha inside the cells of a tumour, in whole units."""

from collections.abc import Mapping

import numpy as np

from jaxsim.models.coupling_lanes import Cells
from jaxsim.network import Structure


def imbalance(before: int, ledger: Mapping[str, int]) -> int:
    """Return what a step has made or lost without account: 0, whatever happened.

    What cells held, made and were born with is what they hold, and what was degraded, set free or left with its cell.

    Parameters
    ----------
    before
        IL-1alpha in all cells at the start of the step.
    ledger
        Of the step, from :func:`jaxsim.models.coupling_population.step_population`.

    Examples
    --------
    >>> imbalance(7, {"MA": 2, "DU": 1, "held": 4, "held_dead": 1, "LO": 1, "LK": 1, "LY": 2, "SN": 0, "removed": 1})
    0
    """
    came = before + ledger["MA"] + ledger["DU"]
    left = ledger["LO"] + released(ledger) + ledger["removed"]
    return came - left - ledger["held"] - ledger["held_dead"]


def released(ledger: Mapping[str, int]) -> int:
    """Return the units that left cells for the tumour, by leak, lysis and secondary necrosis."""
    return ledger["LK"] + ledger["LY"] + ledger["SN"]


def held(structure: Structure, blocks: tuple[Cells, ...]) -> int:
    """Return the units inside the cells of some blocks."""
    position = structure.species.index("IL")
    total = 0
    for block in blocks:
        here = np.asarray(block.family) >= 0
        total += int(np.asarray(block.x[position]).astype(np.int64)[here].sum())
    return total

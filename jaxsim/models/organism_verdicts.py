"""The table of targets T1 to T21: what is required, what the model shows, and whether that meets it."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from jaxsim.models.intervals import BAND, wilson
from jaxsim.models.organism_evidence import Evidence, gather_evidence
from jaxsim.models.organism_requirements import REQUIREMENTS

if TYPE_CHECKING:
    import xarray

MOST = 0.5  # of the animals have to show it


def target_table(
    *,
    hypotheses: Sequence[str] = ("direct", "relay", "both"),
    animals: int = 1000,
    seed: int = 1,
    announce: Callable[[str], None] | None = None,
) -> "xarray.Dataset":
    """Return what every target requires and what virtual animals show, under each hypothesis.

    Parameters
    ----------
    hypotheses
        Of :func:`organism`.
    animals
        Virtual mice and patients.
    seed
        From 0 to 2**64 - 1.
    announce
        Called with the name of each group of experiments before it.

    Returns
    -------
    xarray.Dataset
        Over ``row``: ``target``, ``says``, ``required``, ``least``, ``most``, ``source``. Over ``row`` and
        ``hypothesis``: ``found`` over ``quantile`` (5, 50, 95 % of the animals), ``share`` of animals within the limits
        with its 95 % limits, and ``holds``, whether most are.
    """
    found = [verdicts(gather_evidence(name, animals=animals, seed=seed, announce=announce)) for name in hypotheses]
    import xarray

    joined = xarray.concat(found, dim="hypothesis", data_vars="minimal", coords="minimal", compat="override")
    return joined.assign_coords(hypothesis=list(hypotheses)).assign_attrs(animals=animals, seed=str(seed))


def verdicts(evidence: Evidence) -> "xarray.Dataset":
    """Return the table under one hypothesis."""
    import xarray

    shown = [np.atleast_1d(np.asarray(row.measure(evidence), np.float64)) for row in REQUIREMENTS]
    within = [(value > row.least) & (value < row.most) for value, row in zip(shown, REQUIREMENTS, strict=True)]
    share = np.array([one.mean() for one in within])
    limits = [wilson(np.array(one.mean()), one.size) for one in within]
    texts = {name: [getattr(row, name) for row in REQUIREMENTS] for name in ("target", "says", "required", "source")}
    numbers = {name: [getattr(row, name) for row in REQUIREMENTS] for name in ("least", "most")}
    over_rows = {name: ("row", np.array(values)) for name, values in {**texts, **numbers}.items()}
    return xarray.Dataset(
        {
            **over_rows,
            "found": (("hypothesis", "row", "quantile"), [[np.quantile(one, BAND) for one in shown]]),
            "share": (("hypothesis", "row"), share[None]),
            "share_low": (("hypothesis", "row"), [[float(low) for low, _ in limits]]),
            "share_high": (("hypothesis", "row"), [[float(high) for _, high in limits]]),
            "holds": (("hypothesis", "row"), (share > MOST)[None]),
        },
        {"quantile": list(BAND)},
    )

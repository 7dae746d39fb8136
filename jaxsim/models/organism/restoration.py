"""Restoration: how far chemotherapy takes marrow and blood from vehicle, and what blocking IL-1 leaves of it."""

from typing import TYPE_CHECKING

import numpy as np

from jaxsim.errors import SimulationError
from jaxsim.models.organism.targets import FROM, UNTIL

if TYPE_CHECKING:
    import xarray

_MEASURED = ("gmp_relative", "gmp_frequency", "gmp_frequency_marrow", "neutrophils_relative", "nlr")


def restoration(study: "xarray.Dataset") -> "xarray.Dataset":
    """Return how far every arm is from vehicle over days 4 to 9, and what is left of the distance of chemotherapy.

    Parameters
    ----------
    study
        From :func:`jaxsim.models.organism_study`, of nine days or more, with the arms ``vehicle`` and ``chemo``.

    Returns
    -------
    xarray.Dataset
        Over ``quantity``, ``arm`` and ``animal``: ``ratio``, the mean over vehicle's, and ``left``, the mean of
        \\|ln(x / vehicle)\\| over that of chemotherapy: 0 is full restoration, 1 none, above 1 is further away than
        chemotherapy.

    Raises
    ------
    SimulationError
        If an arm or a day is missing.

    Examples
    --------
    >>> import xarray
    >>> course = np.array([[[1.0, 1.0]], [[2.0, 2.0]], [[1.0, 2.0]]])
    >>> fields = {name: (("arm", "animal", "time"), course) for name in _MEASURED}
    >>> study = xarray.Dataset(fields, {"arm": ["vehicle", "chemo", "both"], "time": [96.0, 216.0]})
    >>> restoration(study)["left"].sel(arm="both", quantity="nlr").values.tolist()
    [0.5]
    """
    import xarray

    present = study["arm"].values.tolist()
    if not {"vehicle", "chemo"} <= set(present) or float(study["time"][-1]) < 24 * UNTIL:
        raise SimulationError(
            f"restoration is measured against vehicle and chemo over days {FROM:g} to {UNTIL:g}; "
            "run both arms for nine days or more"
        )
    week = study.sel(time=slice(24 * FROM, 24 * UNTIL))
    courses = np.stack([week[name].transpose("arm", "animal", "time").values for name in _MEASURED])
    vehicle, chemo = (present.index(name) for name in ("vehicle", "chemo"))
    ratio = courses.mean(axis=-1) / courses[:, vehicle, None].mean(axis=-1)
    distance = np.abs(np.log(courses / courses[:, vehicle, None])).mean(axis=-1)
    dims = ("quantity", "arm", "animal")
    return xarray.Dataset(
        {"ratio": (dims, ratio), "left": (dims, distance / distance[:, chemo, None])},
        {"quantity": list(_MEASURED), "arm": present},
        {"days": f"{FROM:g} to {UNTIL:g}"},
    )

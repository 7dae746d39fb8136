"""Tables against cell by cell: the difference in standard errors, at every time."""

from typing import TYPE_CHECKING, Any

import numpy as np

from jaxsim.errors import SimulationError

if TYPE_CHECKING:
    import xarray

QUANTITIES = ("tumour", "il1a_plasma")
LIMIT = 4.0  # standard errors


def compare_couplings(online: "xarray.Dataset", tables: "xarray.Dataset") -> "xarray.Dataset":
    """Compare the mean of tumours run cell by cell with the tumour from tables.

    The standard error joins that of the mean over animals and that of the table, by its batches.

    Parameters
    ----------
    online, tables
        From :func:`jaxsim.models.coupled_study`, of the same arms and times; online with two animals or more.

    Returns
    -------
    xarray.Dataset
        Over ``arm``, ``quantity`` (tumour, il1a_plasma) and ``time``: ``online``, ``tables``, their standard errors,
        ``deviation`` in joint standard errors and, over ``arm`` and ``quantity``, whether all are within 4: ``agree``.

    Raises
    ------
    SimulationError
        If the two cannot be compared.

    Examples
    --------
    >>> import xarray
    >>> def study(values, **more):
    ...     found = {name: (("arm", "animal", "time"), values) for name in QUANTITIES}
    ...     return xarray.Dataset(found | more, {"arm": ["chemo"], "time": [0.0, 6.0]})
    >>> several, one = np.array([[[9.0, 8.0], [9.0, 8.4]]]), np.array([[[9.0, 8.3]]])
    >>> errors = {f"{name}_standard_error": (("arm", "animal", "time"), 0.0 * one) for name in QUANTITIES}
    >>> found = compare_couplings(study(several), study(one, **errors))
    >>> found["deviation"].sel(quantity="tumour").values.round(2).tolist(), bool(found["agree"].all())
    ([[0.0, -0.5]], True)
    """
    import xarray

    if online.sizes["animal"] < 2:
        raise SimulationError("one animal has no standard error; run the cells with animals=2 or more")
    if not (online["arm"].equals(tables["arm"]) and np.allclose(online["time"], tables["time"])):
        raise SimulationError("the two studies are of different arms or times; run both with the same")
    dims = ("arm", "quantity", "time")
    number = online.sizes["animal"]
    fields: dict[str, Any] = {
        "online": _stacked(online, "", lambda a: a.mean("animal")),
        "online_standard_error": _stacked(online, "", lambda a: a.std("animal", ddof=1) / np.sqrt(number)),
        "tables": _stacked(tables, "", lambda a: a.isel(animal=0)),
        "tables_standard_error": _stacked(tables, "_standard_error", lambda a: a.isel(animal=0)),
    }
    error = np.hypot(fields["online_standard_error"], fields["tables_standard_error"])
    gap = fields["online"] - fields["tables"]
    rounding = 1e-9 * np.abs(fields["tables"])  # at the start all are the same
    deviation = np.where(np.abs(gap) <= rounding, 0.0, gap / np.where(error > 0, error, 1e-300))
    coordinates = {"arm": online["arm"].values, "quantity": list(QUANTITIES), "time": online["time"].values}
    data = xarray.Dataset({name: (dims, value) for name, value in fields.items()}, coordinates)
    agree = (("arm", "quantity"), np.max(np.abs(deviation), axis=2) <= LIMIT)
    found = data.assign(deviation=(dims, deviation), agree=agree)
    return found.assign_attrs(animals=number, limit=LIMIT)


def _stacked(study: "xarray.Dataset", suffix: str, function: Any) -> np.ndarray:
    return np.stack([function(study[name + suffix]).transpose("arm", "time").values for name in QUANTITIES], axis=1)

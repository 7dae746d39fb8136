"""Arrays of results that are read when they are used, each group of design points checked as it is read."""

from typing import TYPE_CHECKING, Any

import numpy as np
from xarray.backends import BackendArray
from xarray.core import indexing

from jaxsim.errors import StudyError
from jaxsim.study.arrays import unknown
from jaxsim.study.plan import named_points

if TYPE_CHECKING:
    from jaxsim.study.store import Store


class LazyResults(BackendArray):
    """One array of the results of a store, [point, ...].

    Design points that are not complete are NaN, or 0 where there is none. What the ledger says is complete and is not
    as it was written is refused, never read as a number.
    """

    def __init__(self, store: "Store", name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.store, self.name, self.shape, self.dtype = store, name, shape, dtype

    def __getitem__(self, key: Any) -> Any:
        return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.OUTER, self._read)

    def _read(self, key: tuple[Any, ...]) -> Any:
        """Return the values at an index for each dimension: a number, a slice or an array of numbers."""
        points = np.arange(self.shape[0])[key[0]]
        wanted = np.atleast_1d(points)
        groups = wanted // self.store.plan.group
        rows = np.empty((wanted.size, *self.shape[1:]), self.dtype)
        for group in np.unique(groups).tolist():
            here = groups == group
            rows[here] = self._group(group)[wanted[here] - group * self.store.plan.group]
        values: Any = rows if np.ndim(points) else rows[0]
        axis = np.ndim(points)
        for inner in key[1:]:
            values = values[(slice(None),) * axis + (inner,)]
            axis += not isinstance(inner, (int, np.integer))
        return values

    def _group(self, group: int) -> np.ndarray:
        store = self.store
        points, digests = store.plan.chunk(group).points, store.ledger.group_digests(group)
        if digests is None and not store.ledger.is_group_damaged(group):
            return np.full((len(points), *self.shape[1:]), unknown(self.dtype), self.dtype)
        values = None if digests is None else store.results.read(self.name, points, digests.get(self.name))
        if values is None:
            raise StudyError(
                f"the results of {named_points(points)} in '{store.results.path / self.name}' are damaged; "
                f"'jaxsim resume {store.path}' makes them again from the sums, and 'jaxsim verify {store.path}' names "
                f"all that is damaged"
            )
        return values

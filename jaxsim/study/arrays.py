"""The arrays of a store: sums of every chunk, and results of every design point, both written by region."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxsim.study.plan import Chunk, Plan

if TYPE_CHECKING:
    import xarray

Arrays = dict[str, np.ndarray]


class Sums:
    """Sums [point, block, ...] of all chunks, in zarr; one file for each chunk and array."""

    def __init__(self, path: Path, plan: Plan) -> None:
        self.path, self.plan = path, plan
        self._group: Any = None

    def create(self, leaves: Arrays) -> None:
        """Make the arrays, empty."""
        import zarr

        group, plan = zarr.open_group(self.path, mode="w-"), self.plan
        for name, leaf in leaves.items():
            group.create_array(
                name,
                shape=(plan.points, plan.blocks, *leaf.shape),
                chunks=(plan.group, 1, *leaf.shape),
                dtype=leaf.dtype,
                fill_value=0,
            )

    def write(self, chunk: Chunk, arrays: Arrays) -> str:
        """Write the region of a chunk; return the digest of what was written."""
        group = self._opened()
        for name, values in arrays.items():
            group[name][chunk.points.start : chunk.points.stop, chunk.block] = values
        return digest(arrays)

    def read(self, chunk: Chunk, names: Any) -> Arrays:
        """Return the arrays of a chunk."""
        group = self._opened()
        return {name: np.asarray(group[name][chunk.points.start : chunk.points.stop, chunk.block]) for name in names}

    def _opened(self) -> Any:
        if self._group is None:
            import zarr

            group = zarr.open_group(self.path, mode="r+")
            self._group = dict(group.arrays())
        return self._group


class Results:
    """Results [point, ...] of all design points, in zarr, which xarray opens lazily."""

    def __init__(self, path: Path, plan: Plan) -> None:
        self.path, self.plan = path, plan
        self._group: Any = None

    def create(self, template: "xarray.Dataset", columns: dict[str, np.ndarray]) -> None:
        """Make the arrays, empty, and write the coordinates; texts go to the attributes, which zarr can store."""
        import zarr

        given = {str(name): values for name, values in template.coords.items()}
        numbers = {name: values for name, values in given.items() if values.dtype.kind != "U"}
        texts: Any = {name: values.values.tolist() for name, values in given.items() if values.dtype.kind == "U"}
        group = zarr.open_group(self.path, mode="w-", attributes={"labels": texts, "columns": list(columns)})
        for name, values in [*numbers.items(), *((str(k), v) for k, v in template.data_vars.items())]:
            known, array = name in numbers, np.asarray(values.values)
            shape = array.shape if known else (self.plan.points, *array.shape)
            created = group.create_array(
                name,
                shape=shape,
                chunks=shape if known else (self.plan.group, *array.shape),
                dtype=array.dtype,
                fill_value=np.nan if array.dtype.kind == "f" else 0,
                dimension_names=(*(() if known else ("point",)), *map(str, values.dims)),
                attributes={key: str(value) for key, value in values.attrs.items()},
            )
            if known:
                created[...] = array
        for name, column in columns.items():
            created = group.create_array(
                name, shape=column.shape, chunks=column.shape, dtype=column.dtype, dimension_names=("point",)
            )
            created[...] = column

    def write(self, points: range, rows: list["xarray.Dataset"]) -> None:
        """Write the region of some design points."""
        if self._group is None:
            import zarr

            self._group = zarr.open_group(self.path, mode="r+")
        for name in rows[0].data_vars:
            values = np.stack([np.asarray(row[name].values) for row in rows])
            self._group[name][points.start : points.stop] = values


def digest(arrays: Arrays) -> str:
    """Return a digest of arrays, by which a chunk that a machine without power has lost is told from a whole one.

    Examples
    --------
    >>> digest({"a": np.arange(3)}) == digest({"a": np.arange(3)})
    True
    """
    found = hashlib.sha256()
    for name, values in arrays.items():
        found.update(name.encode())
        found.update(np.ascontiguousarray(values).tobytes())
    return found.hexdigest()[:32]

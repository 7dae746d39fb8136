"""The arrays of a store: sums of every chunk, and results of every design point, both written by region.

Every file of them ends in a checksum (CRC-32C), which any reader of zarr looks at. What counts here is the digest of
what was written, which the ledger keeps: by it a region that was changed, cut off or deleted is told from a whole one.
"""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxsim.study.plan import Chunk, StudyPlan

if TYPE_CHECKING:
    import xarray

_Arrays = dict[str, np.ndarray]
#: What zarr raises for a file that is not as it was written.
UNREADABLE = (ValueError, RuntimeError, TypeError, KeyError, IndexError, FileNotFoundError)


class Sums:
    """Sums [point, block, ...] of all chunks, in zarr; one file for each chunk and array."""

    def __init__(self, path: Path, plan: StudyPlan, names: tuple[str, ...]) -> None:
        self.path, self.plan, self.names = path, plan, names
        self._array = _Opened(path)

    def create(self, leaves: _Arrays) -> None:
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
                compressors=_compressed_and_checked(),
            )

    def write(self, chunk: Chunk, arrays: _Arrays) -> str:
        """Write the region of a chunk; return the digest of what was written."""
        for name, values in arrays.items():
            self._array(name, "r+")[chunk.points.start : chunk.points.stop, chunk.block] = values
        return digest(arrays)

    def read(self, chunk: Chunk, written: str) -> _Arrays | None:
        """Return the arrays of a chunk; None if they are not those whose digest was `written`."""
        try:
            arrays = {
                name: np.asarray(self._array(name, "r")[chunk.points.start : chunk.points.stop, chunk.block])
                for name in self.names
            }
        except UNREADABLE:
            return None
        return arrays if digest(arrays) == written else None

    def remove_partial(self, chunk: Chunk) -> None:
        """Remove what a process that died has left of files of a chunk."""
        for name in self.names:
            array = self._array(name, "r")
            parts = [str(chunk.group), str(chunk.block), *("0" for _ in array.shape[2:])]
            file = self.path / name / "c" / Path(*parts)
            for other in file.parent.glob(f"{file.name}.*.partial"):
                other.unlink(missing_ok=True)


class Results:
    """Results [point, ...] of all design points, in zarr."""

    def __init__(self, path: Path, plan: StudyPlan, names: tuple[str, ...]) -> None:
        self.path, self.plan, self.names = path, plan, names
        self._array = _Opened(path)

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
                fill_value=unknown(array.dtype),
                compressors=_compressed_and_checked(),
                dimension_names=(*(() if known else ("point",)), *map(str, values.dims)),
                attributes={key: str(value) for key, value in values.attrs.items()},
            )
            if known:
                created[...] = array
        for name, column in columns.items():
            created = group.create_array(
                name,
                shape=column.shape,
                chunks=column.shape,
                dtype=column.dtype,
                compressors=_compressed_and_checked(),
                dimension_names=("point",),
            )
            created[...] = column

    def write(self, points: range, rows: list["xarray.Dataset"]) -> dict[str, str]:
        """Write the region of some design points; return the digest of what was written, for each array."""
        digests = {}
        for name in self.names:
            values = np.stack([np.asarray(row[name].values) for row in rows])
            self._array(name, "r+")[points.start : points.stop] = values
            digests[name] = digest({name: values})
        return digests

    def read(self, name: str, points: range, written: str | None) -> np.ndarray | None:
        """Return an array of a group of design points; None if it is not the one whose digest was `written`."""
        try:
            values = np.asarray(self._array(name, "r")[points.start : points.stop])
        except UNREADABLE:
            return None
        return values if digest({name: values}) == written else None

    def opened(self) -> Any:
        """Return the group of all arrays, to be read."""
        import zarr

        return zarr.open_group(self.path, mode="r")


class _Opened:
    """The arrays of a folder, each opened once to be read and once to be written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known: dict[tuple[str, str], Any] = {}

    def __call__(self, name: str, mode: str) -> Any:
        if (name, mode) not in self._known:
            import zarr

            self._known[name, mode] = zarr.open_array(self.path / name, mode=mode)
        return self._known[name, mode]


def digest(arrays: _Arrays) -> str:
    """Return a digest of arrays: their names, types, shapes and values, bit for bit.

    Examples
    --------
    >>> digest({"a": np.arange(3)}) == digest({"a": np.arange(3)}) != digest({"a": np.arange(4)})
    True
    """
    found = hashlib.sha256()
    for name, values in arrays.items():
        found.update(f"{name} {values.dtype.str} {values.shape} ".encode())
        found.update(np.ascontiguousarray(values).tobytes())
    return found.hexdigest()[:32]


def unknown(dtype: np.dtype[Any]) -> Any:
    """Return what stands for a value that is not computed yet: NaN, or 0 where there is none.

    Examples
    --------
    >>> unknown(np.dtype(np.float64)), unknown(np.dtype(np.int64))
    (nan, 0)
    """
    return np.nan if dtype.kind == "f" else 0


def _compressed_and_checked() -> Any:
    from zarr.codecs import Crc32cCodec, ZstdCodec

    return [ZstdCodec(level=0), Crc32cCodec()]

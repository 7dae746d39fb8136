"""Text of LLVM: vectors of W lanes, and the operations that XLA has on them.

Operations keep the meaning that XLA gives them: minima and maxima pass on what is not a number, conversions to
integers saturate. Nothing is contracted or reordered, and no library is called, so that the bits are the same on every
processor whose arithmetic is that of IEEE 754.
"""

import struct
from typing import Any

import numpy as np

from jaxsim.kernels.native.equations import NotCovered

TYPES = {
    "float32": "float", "float64": "double", "int32": "i32", "uint32": "i32", "int64": "i64", "uint64": "i64",
    "int8": "i8", "uint8": "i8", "int16": "i16", "uint16": "i16", "bool": "i1",
}  # fmt: skip


def size_of(dtype: np.dtype[Any]) -> int:
    """Return the bits of a dtype; those of a truth value are 1."""
    return 1 if np.dtype(dtype) == np.bool_ else 8 * np.dtype(dtype).itemsize


def is_float(dtype: np.dtype[Any]) -> bool:
    """Whether a dtype is a float."""
    return np.dtype(dtype).kind == "f"


class Builder:
    """Writes the body of a function, block by block; values are names."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.body: list[Any] = []
        """Lines, and lists of lines that are still being written."""
        self.entry: list[str] = []
        """What is done before the loop."""
        self.declarations: set[str] = set()
        self.block = "loop"
        """The block that is being written."""
        self.number = 0

    def fresh(self) -> int:
        """Return a number that no name has yet."""
        self.number += 1
        return self.number

    def new(self, text: str) -> str:
        """Write an instruction and return the name of its value."""
        name = f"%v{self.fresh()}"
        self.body.append(f"  {name} = {text}")
        return name

    def write(self, text: str) -> None:
        """Write an instruction without a value."""
        self.body.append(f"  {text}")

    def start(self, label: str) -> None:
        """Begin a block."""
        self.body.append(f"{label}:")
        self.block = label

    def scalar(self, dtype: np.dtype[Any]) -> str:
        """Return the type of one value."""
        name = str(np.dtype(dtype))
        if name not in TYPES:
            raise NotCovered(f"the dtype {name}")
        return TYPES[name]

    def vector(self, dtype: np.dtype[Any]) -> str:
        """Return the type of a value of every lane."""
        return f"<{self.width} x {self.scalar(dtype)}>"

    def memory(self, dtype: np.dtype[Any]) -> str:
        """Return the type of one value in memory."""
        return "i8" if np.dtype(dtype) == np.bool_ else self.scalar(dtype)

    def constant(self, dtype: Any, value: Any) -> str:
        """Return a number in every lane."""
        kind = np.dtype(dtype)
        if kind == np.bool_:
            text = "true" if value else "false"
        elif is_float(kind):
            text = "0x" + struct.pack(">d", float(kind.type(value))).hex().upper()
        else:
            bits, number = size_of(kind), int(value)
            text = str(number - (1 << bits) if number >= 1 << (bits - 1) else number)
        return f"splat ({self.scalar(kind)} {text})"

    def operate(self, operation: str, dtype: Any, *operands: str) -> str:
        """Write an operation on vectors of one type."""
        return self.new(f"{operation} {self.vector(dtype)} {', '.join(operands)}")

    def select(self, dtype: np.dtype[Any], condition: str, chosen: str, other: str) -> str:
        """Choose lane by lane."""
        kind = self.vector(dtype)
        return self.new(f"select <{self.width} x i1> {condition}, {kind} {chosen}, {kind} {other}")

    def compare(self, relation: str, dtype: np.dtype[Any], a: str, b: str) -> str:
        """Compare lane by lane: eq, ne, lt, le, gt, ge; what is not a number is only unequal."""
        if is_float(dtype):
            operation = "fcmp " + ("une" if relation == "ne" else "o" + relation)
        else:
            sign = "" if relation in ("eq", "ne") else "s" if np.dtype(dtype).kind == "i" else "u"
            operation = f"icmp {sign}{relation}"
        return self.operate(operation, dtype, a, b)

    def intrinsic(self, name: str, dtype: np.dtype[Any], *operands: str) -> str:
        """Write an operation that LLVM has by name."""
        kind = self.vector(dtype)
        letter = "f" if is_float(dtype) else "i"
        function = f"@llvm.{name}.v{self.width}{letter}{size_of(dtype)}"
        self.declarations.add(f"declare {kind} {function}({', '.join([kind] * len(operands))})")
        return self.new(f"call {kind} {function}({', '.join(f'{kind} {x}' for x in operands)})")

    def minimum(self, dtype: np.dtype[Any], a: str, b: str) -> str:
        """Return the smaller; not a number if either is."""
        return self._extreme("lt", dtype, a, b)

    def maximum(self, dtype: np.dtype[Any], a: str, b: str) -> str:
        """Return the larger; not a number if either is."""
        return self._extreme("gt", dtype, a, b)

    def _extreme(self, relation: str, dtype: np.dtype[Any], a: str, b: str) -> str:
        if a.startswith("splat"):
            a, b = b, a
        chosen = self.select(dtype, self.compare(relation, dtype, a, b), a, b)
        if not is_float(dtype):
            return chosen
        return self.select(dtype, self.operate("fcmp uno", dtype, a, a), a, chosen)

    def any(self, condition: str) -> str:
        """Return whether a condition holds in any lane, as a scalar."""
        bits = self.new(f"bitcast <{self.width} x i1> {condition} to i{self.width}")
        return self.new(f"icmp ne i{self.width} {bits}, 0")

    def all(self, condition: str) -> str:
        """Return whether a condition holds in all lanes, as a scalar."""
        bits = self.new(f"bitcast <{self.width} x i1> {condition} to i{self.width}")
        return self.new(f"icmp eq i{self.width} {bits}, -1")

    def convert(self, value: str, old: np.dtype[Any], new: np.dtype[Any]) -> str:
        """Convert from one dtype to another."""
        old, new = np.dtype(old), np.dtype(new)
        if old == new or (self.scalar(old) == self.scalar(new) and is_float(old) == is_float(new)):
            return value
        if new == np.bool_:
            return self.compare("ne", old, value, self.constant(old, 0))
        if old == np.bool_:
            if is_float(new):
                return self.select(new, value, self.constant(new, 1), self.constant(new, 0))
            return self._cast("zext", value, old, new)
        if is_float(old) and not is_float(new):
            return self._saturate(value, old, new)
        if is_float(new) and not is_float(old):
            return self._cast("sitofp" if old.kind == "i" else "uitofp", value, old, new)
        if is_float(old):
            return self._cast("fpext" if new.itemsize > old.itemsize else "fptrunc", value, old, new)
        if new.itemsize < old.itemsize:
            return self._cast("trunc", value, old, new)
        return self._cast("sext" if old.kind == "i" else "zext", value, old, new)

    def _cast(self, operation: str, value: str, old: np.dtype[Any], new: np.dtype[Any]) -> str:
        return self.new(f"{operation} {self.vector(old)} {value} to {self.vector(new)}")

    def _saturate(self, value: str, old: np.dtype, new: np.dtype) -> str:
        """Convert to integers towards zero: to the nearest that there is, and 0 where it is not a number."""
        if str(new) == "int32":  # in vectors, which LLVM's own is not
            value = self.select(old, self.operate("fcmp uno", old, value, value), self.constant(old, 0), value)
            low, beyond = self.constant(old, -(2.0**31)), self.compare("ge", old, value, self.constant(old, 2.0**31))
            value = self.select(old, self.compare("lt", old, value, low), low, value)
            inside = self._cast("fptosi", self.select(old, beyond, low, value), old, new)
            return self.select(new, beyond, self.constant(new, 2**31 - 1), inside)
        sign = "s" if new.kind == "i" else "u"
        name = f"@llvm.fpto{sign}i.sat.v{self.width}i{size_of(new)}.v{self.width}f{size_of(old)}"
        self.declarations.add(f"declare {self.vector(new)} {name}({self.vector(old)})")
        return self.new(f"call {self.vector(new)} {name}({self.vector(old)} {value})")

    def reinterpret(self, value: str, old: np.dtype[Any], new: np.dtype[Any]) -> str:
        """Take the bits of a value for another type."""
        return value if self.scalar(old) == self.scalar(new) else self._cast("bitcast", value, old, new)

    def phi(self, dtype: np.dtype[Any], *pairs: tuple[str, str]) -> str:
        """Join values at the start of a block: pairs of value and the block it comes from."""
        joined = ", ".join(f"[ {value}, %{block} ]" for value, block in pairs)
        return self.new(f"phi {self.vector(dtype)} {joined}")

"""Elementary functions in vectors, without any library: every processor gives the same bits.

In float32 they are those of Moshier's Cephes (logf, expf), in float64 those of FDLIBM (e_log.c, e_exp.c); both within
about one unit in the last place. The operations and their order are written out, and nothing is contracted.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from jaxsim.kernels.native.builder import Builder

FLOAT, _DOUBLE = np.dtype(np.float32), np.dtype(np.float64)
_WORD, _LONG = np.dtype(np.int32), np.dtype(np.int64)

LOG32 = (
    *(7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1),
    *(-1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1),
)
EXP32 = (1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1)
LN2_32 = (0.693359375, -2.12194440e-4)
LOG64 = (
    *(1.479819860511658591e-01, 1.531383769920937332e-01, 1.818357216161805012e-01, 2.222219843214978396e-01),
    *(2.857142874366239149e-01, 3.999999999940941908e-01, 6.666666666666735130e-01),
)
EXP64 = (
    *(4.13813679705723846039e-08, -1.65339022054652515390e-06, 6.61375632143793436117e-05),
    *(-2.77777777770155933842e-03, 1.66666666666666019037e-01),
)
HALF_PI = (1.570796012878418, 3.139164164167596e-07, 6.223371969669989e-14, 2.0222662487959506e-21)
"""pi/2 in parts; the first three have 22 bits, so that their multiples up to 2**31 are exact."""
SINE = (
    *(1.58969099521155010221e-10, -2.50507602534068634195e-08, 2.75573137070700676789e-06),
    *(-1.98412698298579493134e-04, 8.33333333332248946124e-03, -1.66666666666666324348e-01),
)
COSINE = (
    *(-1.13596475577881948265e-11, 2.08757232129817482790e-09, -2.75573143513906633035e-07),
    *(2.48015872894767294178e-05, -1.38888888888741095749e-03, 4.16666666666666019037e-02),
)
LN2_64 = (6.93147180369123816490e-01, 1.90821492927058770002e-10)


class Arithmetic:
    """Plain arithmetic of one float type, as text."""

    def __init__(self, builder: Builder, dtype: np.dtype[Any]) -> None:
        self.builder, self.dtype = builder, np.dtype(dtype)
        self.integer = _WORD if self.dtype == FLOAT else _LONG

    def number(self, value: float) -> str:
        """Return a constant of the float type."""
        return self.builder.constant(self.dtype, value)

    def word(self, value: int) -> str:
        """Return a constant of the integer type of the same size."""
        return self.builder.constant(self.integer, value)

    def add(self, a: str, b: str) -> str:
        """Add."""
        return self.builder.operate("fadd", self.dtype, a, b)

    def subtract(self, a: str, b: str) -> str:
        """Subtract."""
        return self.builder.operate("fsub", self.dtype, a, b)

    def multiply(self, a: str, b: str) -> str:
        """Multiply."""
        return self.builder.operate("fmul", self.dtype, a, b)

    def divide(self, a: str, b: str) -> str:
        """Divide."""
        return self.builder.operate("fdiv", self.dtype, a, b)

    def polynomial(self, x: str, coefficients: Sequence[float]) -> str:
        """Evaluate by Horner's rule, the highest power first."""
        value = self.number(coefficients[0])
        for coefficient in coefficients[1:]:
            value = self.add(self.multiply(value, x), self.number(coefficient))
        return value

    def choose(self, relation: str, a: str, b: str, chosen: str, other: str) -> str:
        """Choose by a comparison of floats."""
        return self.builder.select(self.dtype, self.builder.compare(relation, self.dtype, a, b), chosen, other)

    def bits(self, value: str) -> str:
        """Return the bits of a float."""
        return self.builder.reinterpret(value, self.dtype, self.integer)

    def from_bits(self, value: str) -> str:
        """Return the float of these bits."""
        return self.builder.reinterpret(value, self.integer, self.dtype)

    def whole(self, operation: str, a: str, b: str) -> str:
        """Apply an operation of integers."""
        return self.builder.operate(operation, self.integer, a, b)

    def to_float(self, value: str) -> str:
        """Convert an integer."""
        return self.builder.convert(value, self.integer, self.dtype)


def log(builder: Builder, dtype: np.dtype[Any], x: str) -> str:
    """Return the natural logarithm."""
    a = Arithmetic(builder, dtype)
    tiny, scale = (2.0**-126, 25) if a.dtype == FLOAT else (2.0**-1022, 54)
    small = builder.compare("lt", dtype, x, a.number(tiny))
    scaled = builder.select(dtype, small, a.multiply(x, a.number(2.0**scale)), x)
    shift = builder.select(a.integer, small, a.word(scale), a.word(0))
    result = (_log32 if a.dtype == FLOAT else _log64)(a, scaled, shift)
    result = a.choose("eq", x, a.number(0.0), a.number(-math.inf), result)
    result = a.choose("eq", x, a.number(math.inf), x, result)
    bad = builder.operate("fcmp ult", dtype, x, a.number(0.0))
    return builder.select(dtype, bad, a.number(math.nan), result)


def _split(a: Arithmetic, x: str, shift: str, root: int, mantissa: int) -> tuple[str, str]:
    """Return the exponent, and the mantissa from sqrt(1/2) to sqrt(2)."""
    bits = a.bits(x)
    exponent = a.whole("ashr", a.whole("sub", bits, a.word(root)), a.word(mantissa))
    rest = a.from_bits(a.whole("sub", bits, a.whole("shl", exponent, a.word(mantissa))))
    return a.to_float(a.whole("sub", exponent, shift)), rest


def _log32(a: Arithmetic, x: str, shift: str) -> str:
    exponent, m = _split(a, x, shift, 0x3F3504F3, 23)
    f = a.subtract(m, a.number(1.0))
    square = a.multiply(f, f)
    y = a.multiply(a.multiply(a.polynomial(f, LOG32), f), square)
    y = a.add(y, a.multiply(exponent, a.number(LN2_32[1])))
    y = a.subtract(y, a.multiply(a.number(0.5), square))
    return a.add(a.add(f, y), a.multiply(exponent, a.number(LN2_32[0])))


def _log64(a: Arithmetic, x: str, shift: str) -> str:
    exponent, m = _split(a, x, shift, 0x3FE6A09E667F3BCD, 52)
    f = a.subtract(m, a.number(1.0))
    s = a.divide(f, a.add(a.number(2.0), f))
    z = a.multiply(s, s)
    r = a.multiply(z, a.polynomial(z, LOG64))
    half = a.multiply(a.number(0.5), a.multiply(f, f))
    low = a.add(a.multiply(s, a.add(half, r)), a.multiply(exponent, a.number(LN2_64[1])))
    return a.subtract(a.multiply(exponent, a.number(LN2_64[0])), a.subtract(a.subtract(half, low), f))


def exp(builder: Builder, dtype: np.dtype[Any], x: str) -> str:
    """Return the exponential."""
    a = Arithmetic(builder, dtype)
    high, low = (89.0, -104.0) if a.dtype == FLOAT else (710.0, -746.0)
    y = a.choose("lt", x, a.number(low), a.number(low), x)
    y = a.choose("gt", y, a.number(high), a.number(high), y)
    y = builder.select(dtype, builder.operate("fcmp uno", dtype, x, x), a.number(0.0), y)
    power_of = a.add(a.multiply(y, a.number(math.log2(math.e))), a.number(0.5))
    power_of = builder.intrinsic("floor", dtype, power_of)
    value = (_exp32 if a.dtype == FLOAT else _exp64)(a, y, power_of)
    # In two steps, since a half of the power of two is in range where the whole may not be.
    whole = builder.new(f"fptosi {builder.vector(dtype)} {power_of} to {builder.vector(a.integer)}")
    first = a.whole("ashr", whole, a.word(1))
    value = a.multiply(a.multiply(value, _power_of_two(a, first)), _power_of_two(a, a.whole("sub", whole, first)))
    return builder.select(dtype, builder.operate("fcmp uno", dtype, x, x), x, value)


def _power_of_two(a: Arithmetic, exponent: str) -> str:
    bias, mantissa = (127, 23) if a.dtype == FLOAT else (1023, 52)
    return a.from_bits(a.whole("shl", a.whole("add", exponent, a.word(bias)), a.word(mantissa)))


def _exp32(a: Arithmetic, x: str, power: str) -> str:
    r = a.subtract(x, a.multiply(power, a.number(LN2_32[0])))
    r = a.subtract(r, a.multiply(power, a.number(LN2_32[1])))
    y = a.multiply(a.multiply(a.polynomial(r, EXP32), r), r)
    return a.add(a.add(y, r), a.number(1.0))


def _exp64(a: Arithmetic, x: str, power: str) -> str:
    high = a.subtract(x, a.multiply(power, a.number(LN2_64[0])))
    low = a.multiply(power, a.number(LN2_64[1]))
    r = a.subtract(high, low)
    z = a.multiply(r, r)
    c = a.subtract(r, a.multiply(z, a.polynomial(z, EXP64)))
    part = a.divide(a.multiply(r, c), a.subtract(a.number(2.0), c))
    return a.subtract(a.number(1.0), a.subtract(a.subtract(low, part), high))


def log1p(builder: Builder, dtype: np.dtype[Any], x: str) -> str:
    """Return log(1 + x), by the logarithm of the rounded sum and what rounding lost."""
    a = Arithmetic(builder, dtype)
    total = a.add(a.number(1.0), x)
    lost = a.divide(a.subtract(a.subtract(total, a.number(1.0)), x), total)
    result = log(builder, dtype, total)
    corrected = a.choose("gt", total, a.number(0.0), a.subtract(result, lost), result)
    return a.choose("lt", total, a.number(math.inf), corrected, result)


def sine(builder: Builder, dtype: np.dtype[Any], x: str) -> str:
    """Return the sine, to within a unit in the last place up to 3e9; not a number beyond."""
    return _wave(builder, dtype, x, 0)


def cosine(builder: Builder, dtype: np.dtype[Any], x: str) -> str:
    """Return the cosine, as the sine."""
    return _wave(builder, dtype, x, 1)


def _wave(builder: Builder, dtype: np.dtype[Any], x: str, quarter: int) -> str:
    """Reduce by multiples of pi/2, and evaluate in float64 by FDLIBM's k_sin.c and k_cos.c."""
    b, a = builder, Arithmetic(builder, _DOUBLE)
    x64 = b.convert(x, dtype, _DOUBLE)
    far = b.operate("fcmp uge", _DOUBLE, b.intrinsic("fabs", _DOUBLE, x64), a.number(3e9))
    x64 = b.select(_DOUBLE, far, a.number(0.0), x64)
    turns = b.intrinsic("floor", _DOUBLE, a.add(a.multiply(x64, a.number(2.0 / math.pi)), a.number(0.5)))
    rest, tail = x64, a.number(0.0)
    for part in HALF_PI:
        minus = a.multiply(turns, a.number(-part))
        rest, lost = _exact_sum(a, rest, minus)
        tail = a.add(tail, lost)
    r = a.add(rest, tail)
    z = a.multiply(r, r)
    odd = a.add(r, a.multiply(a.multiply(r, z), a.polynomial(z, SINE)))
    half = a.multiply(a.number(0.5), z)
    even = a.add(a.subtract(a.number(1.0), half), a.multiply(a.multiply(z, z), a.polynomial(z, COSINE)))
    place = a.add(turns, a.number(float(quarter)))
    four = a.multiply(b.intrinsic("floor", _DOUBLE, a.multiply(place, a.number(0.25))), a.number(4.0))
    place = a.subtract(place, four)  # 0: sin, 1: cos, 2: -sin, 3: -cos
    value = a.choose("eq", place, a.number(1.0), even, a.choose("eq", place, a.number(3.0), even, odd))
    value = a.choose("ge", place, a.number(2.0), b.operate("fneg", _DOUBLE, value), value)
    return b.convert(b.select(_DOUBLE, far, a.number(math.nan), value), _DOUBLE, dtype)


def power_of(builder: Builder, dtype: np.dtype[Any], x: str, y: str) -> str:
    """Return x to the power y, by exp(y log x) in float64 with a compensated logarithm.

    In float32 it is rounded correctly but for ties; in float64 it errs by a few units in the last place where the
    logarithm of the result is large.
    """
    x64, y64 = builder.convert(x, dtype, _DOUBLE), builder.convert(y, dtype, _DOUBLE)
    return builder.convert(_power64(builder, x64, y64), _DOUBLE, dtype)


def _power64(builder: Builder, x: str, y: str) -> str:
    a = Arithmetic(builder, _DOUBLE)
    size = builder.intrinsic("fabs", _DOUBLE, x)
    small = builder.compare("lt", _DOUBLE, size, a.number(2.0**-1022))
    scaled = builder.select(_DOUBLE, small, a.multiply(size, a.number(2.0**54)), size)
    shift = builder.select(_LONG, small, a.word(54), a.word(0))
    high, low = _log_parts(a, scaled, shift)
    product, rest = _exact_product(a, y, high)
    rest = a.add(rest, a.multiply(y, low))
    edge = a.choose("lt", builder.intrinsic("fabs", _DOUBLE, product), a.number(800.0), rest, a.number(0.0))
    value = exp(builder, _DOUBLE, product)
    value = a.choose("lt", value, a.number(math.inf), a.add(value, a.multiply(value, edge)), value)
    return _power_corners(a, x, y, size, value)


def _log_parts(a: Arithmetic, x: str, shift: str) -> tuple[str, str]:
    """Return the logarithm of a positive number as a sum of two."""
    exponent, m = _split(a, x, shift, 0x3FE6A09E667F3BCD, 52)
    f = a.subtract(m, a.number(1.0))
    below = a.add(a.number(2.0), f)
    s = a.divide(f, below)
    product, rest = _exact_product(a, s, below)
    lost = a.subtract(f, a.subtract(below, a.number(2.0)))  # what 2 + f did not keep
    error = a.subtract(a.subtract(a.subtract(f, product), rest), a.multiply(s, lost))
    z = a.multiply(s, s)
    series = a.multiply(a.multiply(s, z), a.polynomial(z, LOG64))
    tail = a.add(a.multiply(a.number(2.0), a.divide(error, below)), series)
    high, low = _exact_sum(a, a.multiply(exponent, a.number(LN2_64[0])), a.multiply(a.number(2.0), s))
    low = a.add(low, a.add(tail, a.multiply(exponent, a.number(LN2_64[1]))))
    return _exact_sum(a, high, low)


def _exact_sum(a: Arithmetic, x: str, y: str) -> tuple[str, str]:
    """Return the rounded sum and what rounding lost (Knuth)."""
    total = a.add(x, y)
    part = a.subtract(total, x)
    return total, a.add(a.subtract(x, a.subtract(total, part)), a.subtract(y, part))


def _exact_product(a: Arithmetic, x: str, y: str) -> tuple[str, str]:
    """Return the rounded product and what rounding lost (Dekker; the mask keeps the upper half of a mantissa)."""
    mask = a.word(-(1 << 27))
    upper = [a.from_bits(a.whole("and", a.bits(v), mask)) for v in (x, y)]
    lower = [a.subtract(v, u) for v, u in zip((x, y), upper, strict=True)]
    product = a.multiply(x, y)
    rest = a.subtract(a.multiply(upper[0], upper[1]), product)
    rest = a.add(rest, a.multiply(upper[0], lower[1]))
    rest = a.add(rest, a.multiply(lower[0], upper[1]))
    return product, a.add(rest, a.multiply(lower[0], lower[1]))


def _power_corners(a: Arithmetic, x: str, y: str, size: str, value: str) -> str:
    """Return what IEEE 754 says of zeros, infinities, ones and negative bases."""
    b, zero, one, most = a.builder, a.number(0.0), a.number(1.0), a.number(math.inf)
    far = b.intrinsic("fabs", _DOUBLE, y)
    grows = b.operate("xor", np.bool_, b.compare("lt", _DOUBLE, size, one), b.compare("gt", _DOUBLE, y, zero))
    limit = b.select(_DOUBLE, grows, most, zero)
    value = a.choose("eq", size, zero, limit, value)
    value = a.choose("eq", size, most, limit, value)
    value = a.choose("eq", far, most, limit, value)
    whole = b.compare("eq", _DOUBLE, b.intrinsic("floor", _DOUBLE, y), y)
    half = a.multiply(y, a.number(0.5))
    odd = b.operate("and", np.bool_, whole, b.compare("ne", _DOUBLE, b.intrinsic("floor", _DOUBLE, half), half))
    minus = b.operate("icmp slt", _LONG, a.bits(x), a.word(0))
    turned = b.operate("and", np.bool_, minus, odd)
    value = b.select(_DOUBLE, turned, b.new(f"fneg {b.vector(_DOUBLE)} {value}"), value)
    inside = b.operate("and", np.bool_, b.compare("lt", _DOUBLE, x, zero), b.compare("ne", _DOUBLE, far, most))
    inside = b.operate("and", np.bool_, inside, b.compare("ne", _DOUBLE, size, most))
    roots = b.operate("and", np.bool_, inside, b.operate("xor", np.bool_, whole, b.constant(np.bool_, True)))
    value = b.select(_DOUBLE, roots, a.number(math.nan), value)
    unit = b.select(_DOUBLE, turned, a.number(-1.0), b.select(_DOUBLE, roots, a.number(math.nan), one))
    value = a.choose("eq", size, one, unit, value)
    value = b.select(_DOUBLE, b.operate("fcmp uno", _DOUBLE, x, y), a.number(math.nan), value)
    value = a.choose("eq", x, one, one, value)
    return a.choose("eq", y, zero, one, value)

"""Laws by which cells, or patients, differ from each other: for parameters and initial counts of a network."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike
from jaxtyping import Float, Float32

from jaxsim.errors import JaxsimError
from jaxsim.random.draws import bernoulli, lognormal
from jaxsim.random.normal import normal
from jaxsim.random.poisson import LARGEST_MEAN, poisson

# What a law of variability is: a frozen dataclass, checked when it is made, whose parameters are leaves.

_Law = TypeVar("_Law", bound=type)
_NARROWEST = 1e-5  # spread of a law over the size of its values; draws are told apart by 6e-8 of it


def _law(cls: _Law) -> _Law:
    """Make a frozen dataclass a pytree whose fields are leaves.

    JAX rebuilds pytrees with tracers and placeholders for leaves, so rebuilding does not validate.

    Examples
    --------
    >>> from jaxsim.random import Uniform
    >>> jax.tree.leaves(Uniform(1.0, 2.0))
    [1.0, 2.0]
    """
    names = tuple(field.name for field in fields(cls))

    def flatten_with_keys(made: Any) -> tuple[tuple[tuple[Any, Any], ...], None]:
        return tuple((jax.tree_util.GetAttrKey(name), getattr(made, name)) for name in names), None

    def flatten(made: Any) -> tuple[tuple[Any, ...], None]:
        return tuple(getattr(made, name) for name in names), None

    def unflatten(_: None, leaves: Iterable[Any]) -> Any:
        made: Any = object.__new__(cls)
        for name, leaf in zip(names, leaves, strict=True):
            object.__setattr__(made, name, leaf)
        return made

    jax.tree_util.register_pytree_with_keys(cls, flatten_with_keys, unflatten, flatten)
    return cls


def known(*values: Any) -> bool:
    """Tell whether all values are numbers now, rather than tracers.

    Examples
    --------
    >>> known(1.0, np.ones(3))
    True
    """
    return not any(isinstance(value, jax.core.Tracer) for value in values)


def _require(
    owner: str,
    name: str,
    value: Any,
    *,
    above: float = -np.inf,
    least: float = -np.inf,
    most: float = np.inf,
) -> None:
    """Refuse a parameter that is known and is not a finite number between its limits.

    Raises
    ------
    JaxsimError
        If `value` is not numeric, not finite, not above `above`, below `least` or over `most`.

    Examples
    --------
    >>> _require("Normal", "sd", 1.0, least=0.0)
    >>> _require("Normal", "sd", -1.0, least=0.0)
    Traceback (most recent call last):
    jaxsim.errors.JaxsimError: sd -1.0 of Normal is not a finite number at least 0; correct it
    """
    if not known(value):
        return
    numbers = np.asarray(value)
    numeric = np.issubdtype(numbers.dtype, np.number)
    if numeric and np.all(np.isfinite(numbers) & (numbers > above) & (numbers >= least) & (numbers <= most)):
        return
    limits = {"above": above, "at least": least, "at most": most}
    said = " and ".join(f"{words} {limit:g}" for words, limit in limits.items() if np.isfinite(limit))
    raise JaxsimError(f"{name} {value!r} of {owner} is not a finite number{' ' + said if said else ''}; correct it")


def require_spread(owner: str, spread: ArrayLike, size: ArrayLike) -> None:
    """Refuse a law that is narrow beside its values: it is drawn in single precision, which tells 6e-8 of them apart.

    Raises
    ------
    JaxsimError
        If the spread is known, not zero, and less than 1e-5 of the size.

    Examples
    --------
    >>> require_spread("Normal", 1.0, 100.0)
    >>> require_spread("Normal", 1.0, 1e8)
    Traceback (most recent call last):
    jaxsim.errors.JaxsimError: a Normal that varies by 1e-08 of its values is narrower than the single precision ...
    """
    if not known(spread, size):
        return
    spreads, sizes = np.broadcast_arrays(np.abs(np.asarray(spread, float)), np.abs(np.asarray(size, float)))
    narrow = (spreads > 0.0) & (spreads < _NARROWEST * sizes)
    if np.any(narrow):
        share = float(spreads[narrow].flat[0] / sizes[narrow].flat[0])
        raise JaxsimError(
            f"a {owner} that varies by {share:.2g} of its values is narrower than the single precision in which laws "
            f"are drawn; write the quantity as a constant plus a law of the difference"
        )


Draws = Float[ArrayLike, "..."]


@_law
@dataclass(frozen=True)
class Lognormal:
    """Describe a positive quantity by its median and its coefficient of variation.

    Parameters
    ----------
    median : float
        Median of the quantity itself, positive, in its own unit.
    cv : float
        Standard deviation over mean of the quantity itself, at least 0.

    Raises
    ------
    JaxsimError
        If a parameter known at construction is outside its range, or the law is narrower than 1e-5 of its values.

    Examples
    --------
    >>> rate = Lognormal(median=2.0, cv=0.3)
    >>> float(rate.sample(0.5)), round(float(rate.mean), 4)
    (2.0, 2.0881)
    """

    median: Any
    cv: Any

    def __post_init__(self) -> None:
        _require("Lognormal", "median", self.median, above=0.0)
        _require("Lognormal", "cv", self.cv, least=0.0)
        require_spread("Lognormal", self.cv, 1.0)

    def sample(self, u: Draws, complement: Draws | None = None) -> Float32[Array, "..."]:
        """Return the values whose distribution function is `u`."""
        return lognormal(u, self.median, self.cv, complement)

    def in_units_of(self, unit: float) -> "Lognormal":
        """Return the law of the quantity divided by a unit."""
        return Lognormal(self.median / unit, self.cv)

    @property
    def mean(self) -> Float32[Array, "..."]:
        """Expectation, median * sqrt(1 + cv**2)."""
        cv = jnp.asarray(self.cv).astype(jnp.float32)
        return jnp.asarray(self.median).astype(jnp.float32) * jnp.sqrt(np.float32(1) + cv * cv)


@_law
@dataclass(frozen=True)
class Normal:
    """Describe a quantity by its mean and its standard deviation; it may come out negative.

    Parameters
    ----------
    mean : float
        Expectation, in the unit of the quantity.
    sd : float
        Standard deviation, at least 0, in the same unit.

    Raises
    ------
    JaxsimError
        If a parameter known at construction is outside its range, or the law is narrower than 1e-5 of its values.

    Examples
    --------
    >>> round(float(Normal(mean=10.0, sd=2.0).sample(0.975)), 3)
    13.92
    """

    mean: Any
    sd: Any

    def __post_init__(self) -> None:
        _require("Normal", "mean", self.mean)
        _require("Normal", "sd", self.sd, least=0.0)
        require_spread("Normal", self.sd, self.mean)

    def sample(self, u: Draws, complement: Draws | None = None) -> Float32[Array, "..."]:
        """Return the values whose distribution function is `u`."""
        mean, sd = (jnp.asarray(value).astype(jnp.float32) for value in (self.mean, self.sd))
        return mean + sd * normal(u, complement)

    def in_units_of(self, unit: float) -> "Normal":
        """Return the law of the quantity divided by a unit."""
        return Normal(self.mean / unit, self.sd / unit)


@_law
@dataclass(frozen=True)
class Uniform:
    """Describe a quantity that is equally likely anywhere between two limits.

    Parameters
    ----------
    low, high : float
        Limits, low at most high, in the unit of the quantity.

    Raises
    ------
    JaxsimError
        If a limit known at construction is not finite, `low` exceeds `high`, or the law is narrower than 1e-5 of its
        values.

    Examples
    --------
    >>> float(Uniform(low=1.0, high=3.0).sample(0.25))
    1.5
    """

    low: Any
    high: Any

    def __post_init__(self) -> None:
        _require("Uniform", "low", self.low)
        _require("Uniform", "high", self.high)
        if known(self.low, self.high) and np.any(np.asarray(self.low) > np.asarray(self.high)):
            raise JaxsimError(f"low {self.low!r} of Uniform exceeds high {self.high!r}; exchange them")
        if known(self.low, self.high):
            low, high = np.asarray(self.low, float), np.asarray(self.high, float)
            require_spread("Uniform", high - low, np.maximum(np.abs(low), np.abs(high)))

    def sample(self, u: Draws, complement: Draws | None = None) -> Float32[Array, "..."]:
        """Return the values whose distribution function is `u`; `complement` adds nothing here."""
        low, high, u = (jnp.asarray(value).astype(jnp.float32) for value in (self.low, self.high, u))
        return jnp.minimum(low + (high - low) * u, high)

    def in_units_of(self, unit: float) -> "Uniform":
        """Return the law of the quantity divided by a unit."""
        return Uniform(self.low / unit, self.high / unit)

    @property
    def mean(self) -> Float32[Array, "..."]:
        """Expectation, the middle."""
        return (jnp.asarray(self.low) + jnp.asarray(self.high)).astype(jnp.float32) / np.float32(2)


@_law
@dataclass(frozen=True)
class Bernoulli:
    """Describe a property that a cell has, 1, with some probability, and else has not, 0.

    Parameters
    ----------
    probability : float
        Probability of 1, from 0 to 1.

    Raises
    ------
    JaxsimError
        If a probability known at construction is outside its range.

    Examples
    --------
    >>> float(Bernoulli(0.25).sample(0.9)), float(Bernoulli(0.25).mean)
    (1.0, 0.25)
    """

    probability: Any

    def __post_init__(self) -> None:
        _require("Bernoulli", "probability", self.probability, least=0.0, most=1.0)

    def sample(self, u: Draws, complement: Draws | None = None) -> Float32[Array, "..."]:
        """Return 1 where 1 - u is at most the probability, else 0."""
        return bernoulli(u, self.probability, complement).astype(jnp.float32)

    @property
    def mean(self) -> Float32[Array, "..."]:
        """Expectation, the probability."""
        return jnp.asarray(self.probability).astype(jnp.float32)


@_law
@dataclass(frozen=True)
class Poisson:
    """Describe a count of independent rare things, such as resistant cells at the start.

    Parameters
    ----------
    mean : float
        Expectation, from 0 to 2**30.

    Raises
    ------
    JaxsimError
        If a mean known at construction is outside its range.

    Examples
    --------
    >>> float(Poisson(mean=3.0).sample(0.5))
    3.0
    """

    mean: Any

    def __post_init__(self) -> None:
        _require("Poisson", "mean", self.mean, least=0.0, most=LARGEST_MEAN)

    def sample(self, u: Draws, complement: Draws | None = None) -> Float32[Array, "..."]:
        """Return the counts whose distribution function first exceeds `u`, whole up to 2**24."""
        return poisson(u, self.mean, complement).astype(jnp.float32)


@_law
@dataclass(frozen=True)
class Scaled:
    """Describe a quantity too large or too small for single precision, in which laws are drawn.

    Parameters
    ----------
    law
        The law of the quantity divided by `unit`.
    unit : float
        In double precision; the values are, too, where 64-bit types are enabled.

    Examples
    --------
    >>> import jax
    >>> with jax.enable_x64(True):
    ...     float(Scaled(Lognormal(2.0, 0.3), np.float64(1e-50)).sample(0.5))
    2e-50
    """

    law: Any
    unit: Any

    def sample(self, u: Draws, complement: Draws | None = None) -> Float[Array, "..."]:
        """Return the values whose distribution function is `u`."""
        return self.law.sample(u, complement).astype(jnp.float64) * jnp.asarray(self.unit)

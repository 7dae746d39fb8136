"""The organism with a tumour from tables: living cells, apoptotic cells and their IL-1alpha, as rate equations."""

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float64

from jaxsim.models.coupling_feedback import second_daughter_lives
from jaxsim.models.coupling_interpolation import Rates
from jaxsim.models.coupling_organism import Surroundings, Tumour, feedback, place, runge_kutta, slopes
from jaxsim.network import Structure


class Constants(NamedTuple):
    """What a tumour from tables takes beside its rates."""

    birth_rates: tuple[Any, Any]
    il1a_loss: Any
    """Of IL-1alpha inside cells, per hour."""
    necrosis: Any
    """Secondary necrosis of apoptotic cells, per hour; each sets half of their IL-1alpha free."""
    counts_per_unit: Any


class Lumped(NamedTuple):
    """The state."""

    organism: Surroundings
    living: Float64[Array, ""]
    dead: Float64[Array, ""]
    content: Float64[Array, ""]
    """IL-1alpha in apoptotic cells, units."""


@partial(jax.jit, static_argnums=(0, 1))
def run_lumped(
    structure: Structure,
    substeps: int,
    parameters: Mapping[str, Any],
    constants: Constants,
    rates: Rates,
    inputs: Mapping[str, Any],
    length: Any,
    initial: Any,
    tumour: Any,
) -> tuple[Lumped, Any]:
    """Integrate over all intervals of a table, for several estimates of the rates at once.

    Returns the states at the ends of intervals, [estimate, time], and the IL-1alpha set free in them, counts.

    Parameters
    ----------
    rates
        [estimate, time] each; constant over an interval.
    inputs
        Drugs at the ends and middles of substeps, [time, 2 substeps + 1] each.
    length
        Hours of an interval.
    initial
        State of the organism [species], without tumour.
    tumour
        Living cells at the start.
    """
    step = length / substeps

    def interval(y: Lumped, given: tuple[Rates, Any]) -> tuple[Lumped, tuple[Lumped, Any]]:
        rate, drugs = given

        def substep(y: Lumped, index: Any) -> tuple[Lumped, Any]:
            def slope(z: Lumped, half: int) -> Lumped:
                timed = {name: value[2 * index + half] for name, value in drugs.items()}
                return _slopes(structure, parameters, constants, rate, timed, z)

            return runge_kutta(slope, step, y), constants.counts_per_unit * _release(constants, rate, y) * step

        y, released = lax.scan(substep, y, jnp.arange(substeps))
        y = y._replace(organism=y.organism._replace(x=place(structure, y.organism.x, _tumour(rate, y))))
        return y, (y, jnp.sum(released))

    zero = jnp.zeros((), jnp.float64)
    seen = Tumour(tumour, zero, zero)
    start = Lumped(Surroundings(place(structure, initial, seen), zero, zero), tumour, zero, zero)
    return jax.vmap(lambda estimate: lax.scan(interval, start, (estimate, inputs))[1])(rates)


def _slopes(
    structure: Structure, parameters: Mapping[str, Any], constants: Constants, rate: Rates, timed: Any, y: Lumped
) -> Lumped:
    tumour, release = _tumour(rate, y), _release(constants, rate, y) * constants.counts_per_unit
    around = slopes(structure, parameters, timed, y.organism, tumour, release)
    found = feedback(structure, parameters, place(structure, y.organism.x, tumour))
    lives = second_daughter_lives(constants.birth_rates, found.growth)
    growth = lives * rate.division - rate.apoptosis - rate.lysis - found.kill_hazard
    cleared = parameters["clearance_rate"]
    return Lumped(
        around,
        living=growth * y.living,
        dead=(rate.apoptosis + found.kill_hazard) * y.living - cleared * y.dead,
        content=(rate.content + found.kill_hazard * rate.held) * y.living
        - (cleared + constants.il1a_loss + 0.5 * constants.necrosis) * y.content,
    )


def _tumour(rate: Rates, y: Lumped) -> Tumour:
    return Tumour(y.living, rate.pored * y.living, y.dead)


def _release(constants: Constants, rate: Rates, y: Lumped) -> Any:
    """Return the units per hour that leave cells."""
    return (rate.leak + rate.burst) * y.living + 0.5 * constants.necrosis * y.content


def constants_of(attributes: Mapping[str, Any], counts_per_unit: float) -> Constants:
    """Return the constants of a table's cells."""
    first, second = (np.float64(rate) for rate in attributes["birth_rates"])
    numbers = (attributes["il1a_loss"], attributes["necrosis"], counts_per_unit)
    return Constants((first, second), *(np.float64(number) for number in numbers))

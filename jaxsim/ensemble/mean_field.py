"""mean_field: the rate equations as a differentiable function."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from jaxsim.dosing import Schedule, Timeline, build_timeline
from jaxsim.ensemble.rate_equations import controls
from jaxsim.ensemble.request import checked_times, refuse_for_flow
from jaxsim.errors import SimulationError, naming_closest_keyword
from jaxsim.kernels.continuous import FlowInputs, FlowProgram, run_flow
from jaxsim.kernels.continuous.real_rates import real_drift
from jaxsim.kernels.moments import ROOM, TRACED, all_moments, need_room
from jaxsim.network import Network
from jaxsim.runtime.double import double_precision


@naming_closest_keyword
def mean_field(
    network: Network,
    *,
    times: Any,
    schedule: Schedule | None = None,
    start: Any = 0.0,
    rtol: Any = None,
    atol: Any = None,
) -> Float[Array, "time species"]:
    """Solve the rate equations of a network, as a function that JAX differentiates.

    Gradients with respect to parameters, initial counts, inputs, doses (amounts, times, durations), start and save
    times are those of the solution, by reverse-mode differentiation (``jax.grad``, ``jax.vjp``,
    ``jax.jacrev``) of the solver's steps. All is computed in float64, whatever the global setting; inside
    ``jax.jit`` or ``jax.vmap`` call the whole within ``jax.enable_x64(True)``.

    Parameters
    ----------
    network : Network
        Numbers, traced or not. Propensities are taken as they are written, for real counts: mass action of two
        equal molecules is ``k*x*(x - 1)``, not ``k*x**2``, and 0 for x below 1. An effect enters with its mean
        where that is linear in the counts.
    times : float array [time]
        Save times, ascending; traced or not.
    schedule : Schedule, optional
        Doses. The solution jumps at a bolus; inputs are followed in closed form.
    start : float
        Where the solution begins.
    rtol, atol : float
        Tolerances of a step of the solver, relative and in molecules; 1e-8 and 1e-6 if not given.

    Returns
    -------
    float array [time, species]
        Mean counts, in the default floating dtype; NaN from the time on at which the solver failed or a rate
        was negative or not finite. Where a rate jumps or bends with the time (``if(t >= a, ...)``, ``floor(t/24)``)
        the solution stops, and its gradient has the part that comes from moving these moments. Inside ``jax.jit`` and
        ``jax.vmap`` all is NaN if a condition that is not linear in ``t`` has more than 256 of them.

    Raises
    ------
    JaxsimError
        For what rate equations do not take: distributions, events, effects that are not linear.

    References
    ----------
    Kurtz, J. Appl. Probab. 7 (1970) 49; Kvaerno, BIT 44 (2004) 489; Kidger, On Neural Differential Equations (2021).

    Examples
    --------
    >>> import jax
    >>> import jaxsim as js
    >>> net = js.Network({"X": 100}, ["X -> , d"], {"d": 1.0})
    >>> def left(d):
    ...     return js.mean_field(net.with_parameters(d=d), times=[1.0])[0, 0]
    >>> round(float(left(1.0)), 3), round(float(jax.grad(left)(1.0)), 3)
    (36.788, -36.788)
    """
    refuse_for_flow(network, "mean_field")
    if not any(isinstance(value, jax.core.Tracer) for value in (times, start)):
        times = checked_times(times, float(start))
    controls(rtol, atol)
    given = (network, Schedule() if schedule is None else schedule, times, start)
    if not any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(given)):
        build_timeline(network, schedule, start, times[-1])  # numbers that are known are checked
    enabled = bool(jax.config.read("jax_enable_x64"))
    with double_precision():
        leaves, shape = jax.tree.flatten(given)
        solved = _solution((network.structure, rtol, atol, shape), enabled, [_as_array(leaf) for leaf in leaves])
    return solved.astype(jnp.result_type(float))


@partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def _solution(static: tuple[Any, ...], enabled: bool, leaves: list[Any]) -> Any:
    """Solve in double precision; a derivative rule of its own keeps the way back in double precision too."""
    if not enabled and any(isinstance(leaf, jax.core.Tracer) for leaf in leaves):
        raise SimulationError(
            "mean_field inside jax.jit or jax.vmap needs 64-bit types; call the whole within jax.enable_x64(True)"
        )
    with double_precision():
        double = _as_double(leaves)
        return _compiled_solution(static, _room(static, double), double)


def _room(static: tuple[Any, ...], leaves: list[Any]) -> int:
    """Return the room for moments at which rates jump or bend, as much as there is use for where numbers are known."""
    if not need_room(real_drift(static[0]).switches):
        return ROOM
    if any(isinstance(leaf, jax.core.Tracer) for leaf in leaves):
        return TRACED
    structure, inputs = static[0], _inputs(static, leaves)
    return all_moments(real_drift(structure).switches, structure.inputs, inputs.parameters, inputs.timeline)[1]


def _forward(static: tuple[Any, ...], enabled: bool, leaves: list[Any]) -> tuple[Any, list[Any]]:
    return _solution(static, enabled, leaves), leaves


def _backward(static: tuple[Any, ...], _: bool, leaves: list[Any], cotangent: Array) -> tuple[list[Any]]:
    with double_precision():
        double = _as_double(leaves)
        found = _compiled_gradient(static, _room(static, double), double, jnp.asarray(cotangent).astype(jnp.float64))
        return ([_like(gradient, leaf) for gradient, leaf in zip(found, leaves, strict=True)],)


_solution.defvjp(_forward, _backward)


def _as_array(leaf: ArrayLike) -> Any:
    return leaf if isinstance(leaf, jax.core.Tracer) else jnp.asarray(leaf)


def _as_double(leaves: list[Any]) -> list[Any]:
    return [jnp.asarray(leaf).astype(jnp.float64) for leaf in leaves]


def _like(gradient: Array, leaf: Any) -> Any:
    """Return the gradient in the dtype of its leaf; integers have none."""
    if not jnp.issubdtype(leaf.dtype, jnp.floating):
        return np.zeros(jnp.shape(leaf), jax.dtypes.float0)
    return gradient.astype(leaf.dtype)


def _inputs(static: tuple[Any, ...], leaves: list[Any]) -> FlowInputs:
    _, relative, absolute, shape = static
    network, schedule, times, start = jax.tree.unflatten(shape, leaves)
    timeline = build_timeline(network, schedule, start, times[-1])
    return FlowInputs(
        parameters=dict(network.parameters),
        initial=jnp.stack(list(network.initial.values())),
        timeline=Timeline(*(jnp.asarray(part).astype(jnp.float64) for part in timeline)),
        times=times,
        controls=controls(relative, absolute),
    )


def _solve(static: tuple[Any, ...], room: int, leaves: list[Any]) -> Any:
    result = run_flow(FlowProgram(static[0], room=room), _inputs(static, leaves))
    return jnp.where((result.status[:, None] == 0) & result.fits, result.mean, jnp.nan)


_compiled_solution = jax.jit(_solve, static_argnums=(0, 1))


@partial(jax.jit, static_argnums=(0, 1))
def _compiled_gradient(static: tuple[Any, ...], room: int, leaves: list[Any], cotangent: Array) -> Any:
    return jax.vjp(partial(_solve, static, room), leaves)[1](cotangent)[0]

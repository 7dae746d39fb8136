"""The methods of `simulate`, by name: what each one does and which optional arguments it takes."""

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from jaxsim.errors import SimulationError, closest

if TYPE_CHECKING:
    from jaxsim.ensemble.request import Request

_COUNTED = frozenset({"keep", "histograms", "quantiles", "passages", "reductions", "max_events", "covariance"})
CONTROLS = frozenset({"rtol", "atol", "tolerance", "step"})
_LEAPS = _COUNTED | {"tolerance", "step"}
#: What methods are called elsewhere.
_SYNONYMS = {
    **dict.fromkeys(("ssa", "gillespie", "exact", "stochastic", "next_reaction"), "direct"),
    **dict.fromkeys(("tau", "tauleap", "tau_leaping", "tauleaping", "leap"), "tau_leap"),
    **dict.fromkeys(("ode", "odes", "deterministic", "rre", "rate_equations"), "mean_field"),
    **dict.fromkeys(("lna", "linear_noise_approximation"), "linear_noise"),
    **dict.fromkeys(("cle", "sde", "chemical_langevin"), "langevin"),
}
#: Arguments that some method does not take; all others concern every method.
OPTIONAL = _COUNTED | CONTROLS


@dataclass(frozen=True)
class Method:
    """One way to simulate a network."""

    description: str
    """One line."""
    takes: frozenset[str]
    """Those of the optional arguments that mean something to it."""
    continuous: bool = False
    """Whether the state is real, and the lanes of the event loop are not used."""


METHODS = {
    "direct": Method("exact: every event of every trajectory, with thinning where rates vary in time", _COUNTED),
    "tau_leap": Method("adaptive leaps over many events, exact events where leaping does not pay", _LEAPS),
    "midpoint_tau_leap": Method("leaps at the rates expected halfway: second order in the mean", _LEAPS),
    "trapezoidal_tau_leap": Method("leaps in two stages: of high order in mean and variance", _LEAPS),
    "implicit_tau_leap": Method("leaps longer than what balances takes to relax, for stiff networks", _LEAPS),
    "hybrid": Method(
        "exact jumps of small populations and rare reactions, leaps over all others, divided anew at every step",
        _COUNTED | {"tolerance"},
    ),
    "auto": Method(
        "direct, trapezoidal_tau_leap or hybrid, by what each would cost along the rate equations; says why",
        _COUNTED | {"tolerance"},
    ),
    "mean_field": Method(
        "rate equations: the limit of large populations, without noise", frozenset({"rtol", "atol"}), True
    ),
    "linear_noise": Method(
        "rate equations with the covariance of small fluctuations around them",
        frozenset({"rtol", "atol", "covariance"}),
        True,
    ),
    "langevin": Method(
        "trajectories of real counts with Gaussian noise in every reaction: large populations",
        frozenset({"step", "keep", "covariance"}),
        True,
    ),
}


def method_named(name: str) -> Method:
    """Return a method; refuse an unknown name.

    Examples
    --------
    >>> method_named("langevn")
    Traceback (most recent call last):
    jaxsim.errors.SimulationError: there is no method 'langevn'; did you mean 'langevin'?; choose from direct, ...
    """
    if name not in METHODS:
        known = _SYNONYMS.get(str(name).lower().replace("-", "_").replace(" ", "_"))
        guess = f"; it is called '{known}' here" if known else closest(str(name), METHODS)
        raise SimulationError(f"there is no method '{name}'{guess}; choose from {', '.join(METHODS)}")
    return METHODS[name]


def refuse_foreign_arguments(request: "Request") -> None:
    """Refuse the optional arguments that the method of a request would ignore."""
    method = method_named(request.method)
    for field in fields(request):
        if field.name not in OPTIONAL - method.takes:
            continue
        value = getattr(request, field.name)
        if value is not None and value is not False and value not in ((), {}):
            takers = [name for name, other in METHODS.items() if field.name in other.takes]
            raise SimulationError(
                f"method '{request.method}' does not take {field.name}=, which means nothing to it; "
                f"leave it out or choose from {takers}"
            )

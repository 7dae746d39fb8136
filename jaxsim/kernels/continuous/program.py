"""What a flow (mean field, linear noise) is compiled for, what it is fed, and what it returns."""

from dataclasses import dataclass
from typing import Any, NamedTuple

from jaxtyping import Array, Float64, Int32

from jaxsim.dosing import Timeline
from jaxsim.kernels.moments import ROOM
from jaxsim.network import Structure


@dataclass(frozen=True)
class FlowProgram:
    """Everything that shapes the compiled code; no numbers of the model."""

    structure: Structure
    noise: bool = False
    """Whether the covariance is carried along with the mean."""
    jacobians: bool = False
    """Whether the Jacobian of the drift is returned at every point."""
    max_steps: int = 1 << 16
    """Steps of the solver between two points, after which it gives up."""

    room: int = ROOM
    """Moments of each switch in time whose guard is not linear."""

    def __hash__(self) -> int:
        return hash((self.structure, self.noise, self.jacobians, self.max_steps, self.room))


class Controls(NamedTuple):
    """The tolerances of the solver: the error of a step is kept below ``absolute + relative * size``."""

    relative: Float64[Any, ""]
    absolute: Float64[Any, ""]
    """Molecules (molecules squared for covariances)."""


class FlowInputs(NamedTuple):
    """The numbers of one solution: they change without recompiling."""

    parameters: dict[str, Any]
    initial: Float64[Any, " S"]
    timeline: Timeline
    times: Float64[Any, " K"]
    controls: Controls


class FlowResult(NamedTuple):
    """The solution at the save times."""

    mean: Float64[Array, "K S"]
    covariance: Float64[Array, "K S S"] | None
    status: Int32[Array, " K"]
    """How the solution had fared by then, as a Status."""
    observed: Float64[Array, "K O"]
    """Observables at the mean."""
    observed_variance: Float64[Array, "K O"] | None
    jacobians: Float64[Array, "P S S"] | None
    steps: Any
    """int64: accepted and rejected steps of the solver."""
    fits: Any
    """bool: whether there was room for all moments at which rates jump or bend."""

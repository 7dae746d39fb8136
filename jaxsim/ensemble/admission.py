"""What the continuous methods refuse of a network, by name."""

from jaxsim.errors import SimulationError
from jaxsim.kernels.continuous.effects import nonlinear_effect
from jaxsim.network import Network, Structure, is_distribution

EXACT = "use method 'direct'"


def refuse_for_flow(network: Network, method: str) -> None:
    """Refuse what rate equations, with or without linear noise, do not take."""
    structure = network.structure
    refuse_empty_and_events(structure, method)
    if method != "mean_field":
        refuse_effects(structure, method)
    found = nonlinear_effect(structure)
    if found is not None:
        r, species = found
        raise SimulationError(
            f"reaction '{structure.reactions[r]}' sets '{species}' by an effect that is not linear in the counts, "
            f"so that its mean is not known to method '{method}'; {EXACT}"
        )
    for kind, values in (("parameter", network.parameters), ("species", network.initial)):
        for name, value in values.items():
            if is_distribution(value):
                raise SimulationError(
                    f"{kind} '{name}' is a distribution, and method '{method}' has no trajectories to draw it for; "
                    f"give a number, or a batch of drawn values in parameters="
                )


def refuse_for_langevin(network: Network) -> None:
    """Refuse what the Langevin equation does not take."""
    refuse_empty_and_events(network.structure, "langevin")
    refuse_effects(network.structure, "langevin")


def refuse_empty_and_events(structure: Structure, method: str) -> None:
    """Refuse a network without reactions, and state-triggered events."""
    if not structure.reactions:
        raise SimulationError(f"the network has no reactions, and method '{method}' would have nothing to do")
    if structure.events:
        raise SimulationError(
            f"method '{method}' does not follow the event '{structure.events[0]}', which whole counts trigger; {EXACT}"
        )
    _refuse_variables(structure, method)


def refuse_for_leaps(structure: Structure, method: str) -> None:
    """Refuse what tau-leaping does not follow: moments at which triggers switch, and variables."""
    for event in structure.events:
        if event.timed.switches:
            raise SimulationError(f"method '{method}' does not meet the moment of the event '{event}'; {EXACT}")
    _refuse_variables(structure, method)


def _refuse_variables(structure: Structure, method: str) -> None:
    if structure.variables:
        raise SimulationError(f"method '{method}' does not keep the variable '{structure.variables[0]}'; {EXACT}")


def refuse_effects(structure: Structure, method: str) -> None:
    """Refuse effects: jumps of the size of a population have no small-noise limit."""
    for reaction in structure.reactions:
        if reaction.effects:
            raise SimulationError(
                f"reaction '{reaction}' sets species by an effect, and method '{method}' takes only changes by "
                f"a fixed number of molecules; use method 'direct' or 'mean_field'"
            )

"""simulate: many trajectories through lanes, chunks, cores and devices; replay: one of them, event by event."""

from jaxsim.ensemble.replay import replay
from jaxsim.ensemble.simulate import simulate

__all__ = ["replay", "simulate"]

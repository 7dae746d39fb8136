"""simulate: many trajectories through lanes, cores and devices; mean_field: their limit; replay: one by its events."""

from jaxsim.ensemble.mean_field import mean_field
from jaxsim.ensemble.replay import replay
from jaxsim.ensemble.simulate import simulate

__all__ = ["mean_field", "replay", "simulate"]

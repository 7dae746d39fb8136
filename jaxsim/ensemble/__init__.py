"""simulate: many trajectories through lanes, cores and devices; mean_field: their limit; replay: one by its events."""

from jaxsim.ensemble.continuous import warn_of_flows
from jaxsim.ensemble.mean_field import mean_field
from jaxsim.ensemble.rate_equations import FlowCase, Flows, solve_flows
from jaxsim.ensemble.replay import replay
from jaxsim.ensemble.simulate import simulate

__all__ = ["FlowCase", "Flows", "mean_field", "replay", "simulate", "solve_flows", "warn_of_flows"]

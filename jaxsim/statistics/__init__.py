"""Mergeable accumulators: what is kept of trajectories that are not kept."""

from jaxsim.statistics.batch import Batch
from jaxsim.statistics.histogram import Histogram
from jaxsim.statistics.moments import Covariance, Moments
from jaxsim.statistics.observables import Observables
from jaxsim.statistics.passage import Passage
from jaxsim.statistics.quantiles import Quantiles
from jaxsim.statistics.reduction import Reduction

__all__ = ["Batch", "Covariance", "Histogram", "Moments", "Observables", "Passage", "Quantiles", "Reduction"]

"""Run cases of the stochastic part of the SBML Test Suite and judge the results as the suite does."""

from jaxsim.formats.conformance.case import Case, cases_in, load_case
from jaxsim.formats.conformance.judgement import Judgement, judge
from jaxsim.formats.conformance.runner import Outcome, run_case

__all__ = ["Case", "Judgement", "Outcome", "cases_in", "judge", "load_case", "run_case"]

"""Run cases of the SBML Test Suite, stochastic and semantic, and judge the results as the suite does."""

from jaxsim.formats.conformance.case import Case, cases_in, load_case
from jaxsim.formats.conformance.runner import CaseOutcome, Judgement, judge_case, run_case
from jaxsim.formats.conformance.semantic import ReferenceCourse, is_semantic, load_course, wrong_points
from jaxsim.formats.conformance.semantic_runner import Verdict, run_course

__all__ = [
    "Case",
    "CaseOutcome",
    "Judgement",
    "ReferenceCourse",
    "Verdict",
    "cases_in",
    "is_semantic",
    "judge_case",
    "load_case",
    "load_course",
    "run_case",
    "run_course",
    "wrong_points",
]

"""Studies: sweeps over design points that survive signals, crashes and full disks, on any number of machines."""

from jaxsim.study.results import open_study, sobol_indices_of
from jaxsim.study.run import Outcome, resume_study, run_study
from jaxsim.study.schema import decode

__all__ = ["Outcome", "decode", "open_study", "resume_study", "run_study", "sobol_indices_of"]

"""GillesPy2's compiled direct method (SSACSolver) and tau-leaping, with the results they hand to Python."""

import os
from pathlib import Path

import numpy as np

from benchmarks.peers import Outcome, Unsupported, outcome

OWN_THREADS = False


def available():
    # it builds with the interpreter behind the environment, which must find SCons
    os.environ["PYTHONPATH"] = os.pathsep.join([str(Path(np.__file__).parent.parent), os.environ.get("PYTHONPATH", "")])
    try:
        import gillespy2  # noqa: F401
    except ImportError as missing:
        raise Unsupported("GillesPy2 is not installed: pip install gillespy2") from missing


def prepare(case):
    import gillespy2

    return runner(case, gillespy2.SSACSolver(model=model(case), variable=False))


def prepare_leap(case, tolerance: float):
    """Its tau-leaping in C++."""
    import gillespy2

    return runner(case, gillespy2.TauLeapingCSolver(model=model(case), variable=False), tau_tol=tolerance)


def runner(case, solver, **options):
    def run(n: int, seed: int) -> Outcome:
        results = solver.run(number_of_trajectories=n, seed=seed + 1, **options)
        return outcome(np.array([trajectory[case.observable][-1] for trajectory in results]))

    run.batch = 1
    run(1, 1)
    return run


def model(case):
    import gillespy2

    built = gillespy2.Model(name=case.name)
    built.volume = 1
    built.add_species([gillespy2.Species(name=s, initial_value=n, mode="discrete") for s, n in case.initial.items()])
    for j, step in enumerate(case.steps):
        law = {"propensity_function": step.propensity}
        # its mass action squares repeated reactants, so the built-in law is used where no reactant repeats
        if isinstance(step.rate, float) and step.symmetry == 1:
            built.add_parameter(gillespy2.Parameter(name=f"k{j}", expression=repr(step.rate)))
            law = {"rate": f"k{j}"}
        sides = {"reactants": dict(step.reactants), "products": dict(step.products)}
        built.add_reaction(gillespy2.Reaction(name=f"R{j}", **sides, **law))
    built.timespan(gillespy2.TimeSpan(np.linspace(0, case.time, case.save_points + 1)))
    return built

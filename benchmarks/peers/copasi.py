"""COPASI's direct method, its tau-leaping and its adaptive mixture, run again and again in one process."""

import numpy as np

from benchmarks.peers import Outcome, Unsupported, outcome

OWN_THREADS = False
METHODS = {"tauleap": "Method_tauLeap", "adaptive": "Method_adaptiveSA"}
MOST_STEPS = 2_000_000_000


def available():
    try:
        import basico  # noqa: F401
    except ImportError as missing:
        raise Unsupported("COPASI is not installed: pip install copasi-basico") from missing


def prepare(case):
    """Its direct method, from the SBML that jaxsim writes: adding reactions one by one takes minutes for hundreds."""
    import basico

    from jaxsim.formats.sbml.writer import sbml_text

    model = basico.load_model_from_string(sbml_text(case.network()))
    return runner(case, model, time_course(case, model, "Method_directMethod"))


def prepare_leap(case, tolerance: float, method: str = "tauleap"):
    """One of `METHODS`, with its ``Epsilon`` set to the tolerance."""
    model = build(case)
    task = time_course(case, model, METHODS[method])
    set_parameter(task, "Epsilon", tolerance)
    return runner(case, model, task)


def time_course(case, model, method: str):
    """The task that runs one trajectory by a method and keeps its end alone."""
    import COPASI

    task = model.getTask("Time-Course")
    task.setMethodType(getattr(COPASI.CTaskEnum, method))
    problem = task.getProblem()
    problem.setDuration(case.time)
    problem.setStepNumber(1)
    problem.setTimeSeriesRequested(False)
    problem.setOutputStartTime(case.time)
    set_parameter(task, "Max Internal Steps", MOST_STEPS)
    return task


def runner(case, model, task):
    """The function that runs `n` trajectories, and returns the observable at their ends."""
    import COPASI

    species = next(one for one in model.getModel().getMetabolites() if one.getObjectName() == case.observable)

    def run(n: int, seed: int) -> Outcome:
        set_parameter(task, "Use Random Seed", True)
        set_parameter(task, "Random Seed", seed + 1)
        if not task.initialize(COPASI.CCopasiTask.NO_OUTPUT):
            raise RuntimeError(f"COPASI cannot start: {COPASI.CCopasiMessage.getAllMessageText()}")
        set_parameter(task, "Use Random Seed", False)  # seeded once, by initialize
        ends = np.empty(n)
        for i in range(n):
            if not task.process(True):
                raise RuntimeError(f"COPASI failed: {COPASI.CCopasiMessage.getAllMessageText()}")
            ends[i] = species.getValue()
        task.restore()
        return outcome(ends)

    run.batch = 1
    run(1, 1)
    return run


def build(case):
    """Return the case in counts: unit volume and quantity "#", where its mass action is ours (falling factorials)."""
    import basico

    model = basico.new_model(name=case.name, quantity_unit="#", volume_unit="1", time_unit="1")
    for name, count in case.initial.items():
        basico.add_species(name, initial_concentration=count, model=model)
    for j, step in enumerate(case.steps):
        if not isinstance(step.rate, float):
            raise Unsupported("only mass action is given to COPASI here")
        name = f"R{j}"
        basico.add_reaction(name, step.equation, model=model)
        law = "Mass action (irreversible)" if step.reactants else "Constant flux (irreversible)"
        constant = "k1" if step.reactants else "v"
        basico.set_reaction(name, function=law, model=model)
        basico.set_reaction_parameters(f"({name}).{constant}", value=step.rate, model=model)
    return model


def set_parameter(task, name: str, value) -> None:
    """Set a parameter of the method by its kind; methods that lack it have no use for it."""
    method = task.getMethod()
    for i in range(method.size()):
        parameter = method.getParameter(i)
        if parameter.getObjectName() == name:
            setter = {bool: "setBoolValue", int: "setUIntValue", float: "setDblValue"}[type(value)]
            if getattr(parameter, setter)(value):
                return
            parameter.setIntValue(value)

"""The sizes of a study's chunks: as asked for, or chosen so that one takes seconds."""

from typing import Any

import numpy as np

from jaxsim.ensemble.compiled import compiled
from jaxsim.ensemble.double import double_precision
from jaxsim.ensemble.workers import with_part
from jaxsim.errors import StudyError
from jaxsim.kernels import Inputs, Program, step_cost
from jaxsim.study.plan import MOST_CHUNKS, Plan
from jaxsim.study.setup import Setup

CHUNK_WORK = 8e9  # ns on one core, by the estimate of the event loop
GROUP_BYTES = 64 << 20  # sums of the points of a chunk
MOST_GROUP = 256
CONTINUOUS_GROUP = 16  # design points of a chunk of rate equations
PART_LANES = 16  # trajectories of a part per lane, so that few lanes idle at its end
PARTS = 8  # of a chunk, shared by cores and devices


def plan_for(setup: Setup, total: int, lanes: int, bytes_of_sums: int) -> Plan:
    """Return the plan whose chunks hold about `total` trajectories, over all their design points."""
    points, trajectories = len(setup.points.values), int(setup.request.trajectories)
    every = setup.file.stop.every if setup.file.stop else None
    block = min(trajectories, every or total)
    room = max(1, min(MOST_GROUP, GROUP_BYTES // max(1, bytes_of_sums)))
    group = max(1, min(points, room, total // block))
    if setup.continuous:
        block, group = trajectories, max(1, min(points, setup.file.simulation.chunk or CONTINUOUS_GROUP))
    pieces = max(1, min(PARTS, block // (PART_LANES * lanes)))
    plan = Plan(points, trajectories, group, block, -(-block // pieces))
    if plan.chunks > MOST_CHUNKS:
        raise StudyError(
            f"the study has {plan.chunks} chunks of {block} trajectories of {group} design points; "
            f"raise 'simulation.chunk'"
        )
    return plan


def chunk_trajectories(setup: Setup, program: Program, inputs: Inputs, devices: tuple[Any, ...]) -> int:
    """Return how many trajectories make a chunk of some seconds, from as many of point 0 as there are lanes.

    Iterations of the event loop are counted, not seconds, so that the answer is the same on every run.
    """
    if setup.file.simulation.chunk is not None:
        return int(setup.file.simulation.chunk)
    one, number = devices[:1], min(program.lanes, int(setup.request.trajectories))
    inputs = with_part(inputs, (0, number))
    executable, _ = compiled(program, inputs, one)
    run, begin, ended, spent = executable.empty, True, False, 0.0
    while not ended and spent < CHUNK_WORK:
        with double_precision():
            run, over = executable.call(inputs, np.bool_(begin), run)
        ended, begin, spent = bool(over), False, executable.work(run) * step_cost(program)
    times = CHUNK_WORK / max(1.0, spent)
    return program.lanes * max(1, min(1 << 12, 1 << int(np.log2(max(1.0, times)))))

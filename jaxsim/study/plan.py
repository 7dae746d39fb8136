"""Plan a study in chunks: what is claimed, computed and committed at once.

Chunk ``c`` holds the trajectories of block ``c // groups`` of the design points of group ``c % groups``, so that
every design point has its first trajectories before any has its second block. What a chunk holds depends on the
study alone, never on who computes it.
"""

from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np

from jaxsim.errors import StudyError
from jaxsim.kernels import Inputs, Program, step_cost
from jaxsim.runtime.double import double_precision
from jaxsim.runtime.programs import compiled
from jaxsim.runtime.workers import with_part
from jaxsim.study.setup import Setup

MOST_CHUNKS = 1 << 24


class Chunk(NamedTuple):
    """Some trajectories of some design points."""

    number: int
    group: int
    block: int
    points: range
    """Design points."""
    first: int
    """Number of the first trajectory."""
    trajectories: int
    """Of each design point."""


@dataclass(frozen=True)
class StudyPlan:
    """The sizes from which every chunk follows."""

    points: int
    trajectories: int
    """The most of each design point."""
    group: int
    """Design points of a chunk."""
    block: int
    """Trajectories of each in a chunk."""
    part: int
    """Trajectories that one core or device runs; sums of floats are taken part by part."""

    @property
    def groups(self) -> int:
        """How many groups of design points there are."""
        return -(-self.points // self.group)

    @property
    def blocks(self) -> int:
        """How many blocks of trajectories there are."""
        return -(-self.trajectories // self.block)

    @property
    def chunks(self) -> int:
        """How many chunks there are.

        Examples
        --------
        >>> plan = StudyPlan(points=10, trajectories=250, group=4, block=100, part=50)
        >>> plan.chunks, plan.chunk(8)
        (9, Chunk(number=8, group=2, block=2, points=range(8, 10), first=200, trajectories=50))
        """
        return self.groups * self.blocks

    def chunk(self, number: int) -> Chunk:
        """Return a chunk by its number."""
        block, group = divmod(number, self.groups)
        points = range(group * self.group, min(self.points, (group + 1) * self.group))
        first = block * self.block
        return Chunk(number, group, block, points, first, min(self.block, self.trajectories - first))

    def number(self, group: int, block: int) -> int:
        """Return the number of a chunk."""
        return block * self.groups + group

    def parts(self, chunk: Chunk) -> list[tuple[int, int]]:
        """Return the (first trajectory, count) of the parts of a chunk.

        Examples
        --------
        >>> plan = StudyPlan(points=1, trajectories=100, group=1, block=100, part=40)
        >>> plan.parts(plan.chunk(0))
        [(0, 40), (40, 40), (80, 20)]
        """
        end = chunk.first + chunk.trajectories
        return [(first, min(self.part, end - first)) for first in range(chunk.first, end, self.part)]

    def record(self) -> dict[str, Any]:
        """Return the sizes for the manifest."""
        return asdict(self)


def named_points(points: range) -> str:
    """Return design points in words.

    Examples
    --------
    >>> named_points(range(3, 4)), named_points(range(0, 256))
    ('design point 3', 'design points 0 to 255')
    """
    if len(points) == 1:
        return f"design point {points.start}"
    return f"design points {points.start} to {points.stop - 1}"


# The sizes of a study's chunks: as asked for, or chosen so that one takes seconds.

CHUNK_WORK = 8e9  # ns on one core, by the estimate of the event loop
GROUP_BYTES = 64 << 20  # sums of the points of a chunk
MOST_GROUP = 256
CONTINUOUS_GROUP = 16  # design points of a chunk of rate equations
PART_LANES = 16  # trajectories of a part per lane, so that few lanes idle at its end
_PARTS = 8  # of a chunk, shared by cores and devices


def plan_for(setup: Setup, total: int, lanes: int, bytes_of_sums: int) -> StudyPlan:
    """Return the plan whose chunks hold about `total` trajectories, over all their design points."""
    points, trajectories = len(setup.points.values), int(setup.request.trajectories)
    every = setup.file.stop.every if setup.file.stop else None
    block = min(trajectories, every or total)
    room = max(1, min(MOST_GROUP, GROUP_BYTES // max(1, bytes_of_sums)))
    group = max(1, min(points, room, total // block))
    if setup.continuous:
        block, group = trajectories, max(1, min(points, setup.file.simulation.chunk or CONTINUOUS_GROUP))
    pieces = max(1, min(_PARTS, block // (PART_LANES * lanes)))
    plan = StudyPlan(points, trajectories, group, block, -(-block // pieces))
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

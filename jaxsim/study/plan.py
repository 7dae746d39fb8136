"""How a study is cut into chunks: what is claimed, computed and committed at once.

Chunk ``c`` holds the trajectories of block ``c // groups`` of the design points of group ``c % groups``, so that
every design point has its first trajectories before any has its second block. What a chunk holds depends on the
study alone, never on who computes it.
"""

from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

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
class Plan:
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
        >>> plan = Plan(points=10, trajectories=250, group=4, block=100, part=50)
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
        >>> plan = Plan(points=1, trajectories=100, group=1, block=100, part=40)
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

"""The levels of one question: meshes from coarse to fine, with what the programs of each level read."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from jaxsim.ensemble.pilot import typical_network
from jaxsim.ensemble.prepare import shared_values
from jaxsim.estimation.chain import MeshChain, MeshTables, Numbers, PathInputs
from jaxsim.estimation.exact_pair import ExactInputs, PairCells
from jaxsim.estimation.leap_pair import PairInputs
from jaxsim.estimation.mean_path import MeanInputs, MeanPath, noiseless_path
from jaxsim.estimation.mesh import Relaxation, mesh
from jaxsim.estimation.question import Question
from jaxsim.estimation.sums import GROUP
from jaxsim.kernels.rates import leaf_bounds, plan_rates
from jaxsim.network.network import Network
from jaxsim.paths.exposure import exposures
from jaxsim.random import seed_words
from jaxsim.runtime.double import double_precision
from jaxsim.runtime.programs import timed_executable

REFINEMENT = 4  # steps of a level in one of the level below; Giles (2008) finds the cost flat from 3 to 7
_MOST_STEPS = 1 << 17
SHARED = 1  # levels up to here share their programs; those above are rarely needed, and would make all tables long
PAIR_WORDS = 1 << 10  # random words of one step of all pairs, and as many again, that keep a core busy
MOST_COORDINATES = 256  # beyond which a coordinate of a Sobol sequence is little better than a random number
STREAMS = 1 << 25  # number of the first stream: design points of other studies of this seed are below it
_KINDS = ("path", "pair", "exact", "points")


@dataclass
class Rung:
    """One mesh."""

    edges: np.ndarray
    tables: MeshTables
    mean: float
    """The quantity at the end of the leap chain without noise."""
    events: float
    """Firings along it."""


@dataclass
class Ladder:
    """All meshes of a question; built as they are asked for."""

    question: Question
    course: Relaxation
    chain: MeshChain
    device: Any
    rungs: dict[int, Rung] = field(default_factory=dict)
    compile_seconds: float = 0.0

    @property
    def highest(self) -> int:
        """The finest level that there may be."""
        coarsest = self.steps(0)
        return (
            int(np.floor(np.log(_MOST_STEPS / coarsest) / np.log(REFINEMENT) + 1e-9)) if coarsest <= _MOST_STEPS else -1
        )

    def steps(self, level: int) -> int:
        """Return how many steps the mesh of a level has."""
        return (mesh(self.course, 1).size - 1) * REFINEMENT**level

    def rung(self, level: int) -> Rung:
        """Return the mesh of a level with its tables."""
        if level not in self.rungs:
            self.rungs[level] = self._build(level, mesh(self.course, REFINEMENT**level))
        return self.rungs[level]

    def chain_for(self, kind: str) -> MeshChain:
        """Return what the program of a kind is compiled for.

        Exact pairs are few and dear, so they run side by side in the smallest number that counts; pairs of leaps in one
        whose pilot leaves few lanes idle.
        """
        if kind == "exact":
            return replace(self.chain, lanes=GROUP)
        if kind == "pair":
            enough = 1 << (-(-PAIR_WORDS // len(self.chain.structure.reactions)) - 1).bit_length()
            return replace(self.chain, lanes=min(self.chain.lanes, max(GROUP, enough)))
        return replace(self.chain, pointed=self._coordinates()) if kind == "points" else self.chain

    def _coordinates(self) -> int:
        """Return how many random words points give: those of what varies, and of whole leaps, the first ones."""
        before = len(self.chain.sampled_parameters) + len(self.chain.sampled_species)
        number = len(self.chain.structure.reactions)
        return before + number * min(self.steps(0), max(MOST_COORDINATES - before, 0) // number)

    def numbers(self, kind: str, level: int, seed: int, first: int) -> Numbers:
        """Return the numbers of a call."""
        return Numbers(
            seed=seed_words(seed),
            stream=np.uint32(STREAMS + 64 * _KINDS.index(kind) + level),
            first=np.array([first & 0xFFFFFFFF, first >> 32], np.uint32),
            parameters=self.question.inputs.parameters,
            initial=self.question.inputs.initial,
            points=np.zeros((self.chain_for(kind).pointed, self.chain_for(kind).lanes), np.uint32),
        )

    def path_inputs(self, level: int, numbers: Numbers) -> PathInputs:
        """Return what the program of single chains reads."""
        return PathInputs(numbers, self.rung(level).tables)

    def pair_inputs(self, level: int, numbers: Numbers) -> PairInputs:
        """Return what the program of pairs of a level and the one below reads."""
        return PairInputs(numbers, self.rung(level).tables, self.rung(level - 1).tables, np.int32(REFINEMENT))

    def exact_inputs(self, level: int, numbers: Numbers) -> ExactInputs:
        """Return what the program of pairs of a level and the exact process reads."""
        rung, timeline = self.rung(level), self.question.inputs.timeline
        return ExactInputs(numbers, rung.tables, self._cells(level, self._padded(level)), timeline)

    def _padded(self, level: int) -> int:
        """Return the length of the tables of a level."""
        return 1 << int(self.steps(max(level, SHARED)) - 1).bit_length()

    def _build(self, level: int, edges: np.ndarray) -> Rung:
        question, structure = self.question, self.chain.structure
        typical = typical_network(question.network)
        plan = plan_rates(structure, self.chain.sampled_parameters)
        width = np.diff(edges)
        exposure = np.zeros((width.size, 0))
        if plan.in_time:
            with double_precision():
                exposure = np.asarray(exposures(structure, plan, question.network, question.schedule, edges, 1))
            # A mean is a difference of integrals, whose rounding may leave a drug that is gone below zero.
            lower, upper = self._bounds()
            exposure = np.clip(exposure, lower.min(axis=0), upper.max(axis=0))
        multiply, add = self._doses(edges)
        length = self._padded(level)
        tables = MeshTables(
            steps=np.int32(width.size),
            width=_pad(width, length),
            exposure=_pad(exposure, length),
            slope=np.zeros((length, 0)),
            multiply=_pad(multiply, length + 1, 1.0) if self.chain.dosed else multiply[:0],
            add=_pad(add, length + 1) if self.chain.dosed else add[:0],
        )
        found = self._mean(tables, typical, multiply[0], add[0])
        slope = np.asarray(found.slope)
        slope = np.where(np.isfinite(slope), slope, 0.0)  # any slope keeps the control's mean at zero
        single = tables._replace(
            width=tables.width.astype(np.float32),
            exposure=tables.exposure.astype(np.float32),
            slope=slope.astype(np.float32),
        )
        return Rung(edges, single, float(found.value), float(found.events))

    def _mean(self, tables: MeshTables, typical: Network, multiply: np.ndarray, add: np.ndarray) -> MeanPath:
        parameters = {name: np.float64(value) for name, value in typical.parameters.items()}
        counts = np.array([float(typical.initial[name]) for name in self.chain.structure.species])
        given = MeanInputs(tables, parameters, multiply * counts + add)
        call, seconds = timed_executable(noiseless_path, self.chain, given, self.device)
        self.compile_seconds += seconds
        result: MeanPath = call(given)
        return result

    def _doses(self, edges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return what species are given at each edge, from the cells of the timeline at which they are."""
        timeline = self.question.inputs.timeline
        species = len(self.chain.structure.species)
        multiply, add = np.ones((edges.size, species)), np.zeros((edges.size, species))
        for cell, time in enumerate(timeline.edges[:-1]):
            scale, shift = timeline.multiply[cell], timeline.add[cell]
            if np.any(scale != 1) or np.any(shift != 0):
                edge = int(np.argmin(np.abs(edges - time)))
                multiply[edge], add[edge] = scale * multiply[edge], scale * add[edge] + shift
        return multiply, add

    def _bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the bounds of the leaves in time over the cells of the timeline, [C, D] each."""
        structure, timeline = self.chain.structure, self.question.inputs.timeline
        plan = plan_rates(structure, self.chain.sampled_parameters)
        if not plan.in_time:
            nothing = np.zeros((timeline.base.shape[0], 0))
            return nothing, nothing
        with double_precision():
            found = leaf_bounds(plan, structure, shared_values(self.question.network), timeline)
        lower, upper = (np.stack([np.asarray(pair[i]) for pair in found.values()], axis=1) for i in (0, 1))
        return lower, upper

    def _cells(self, level: int, length: int) -> PairCells:
        """Cut the steps of a mesh where the bounds of the rates change."""
        rung = self.rung(level)
        structure, timeline = self.chain.structure, self.question.inputs.timeline
        plan = plan_rates(structure, self.chain.sampled_parameters)
        marks = np.asarray(timeline.edges)
        edges = np.unique(np.concatenate([rung.edges, marks])) if plan.in_time else rung.edges
        middle = 0.5 * (edges[1:] + edges[:-1])
        step = np.searchsorted(rung.edges, middle, side="right") - 1
        cell = np.clip(np.searchsorted(marks, middle, side="right") - 1, 0, marks.size - 2)
        lower, upper = self._bounds()
        first, last = self._slopes(level)
        length = length + marks.size
        return PairCells(
            number=np.int32(middle.size),
            start=_pad(edges, length + 1, edges[-1]),
            step=_pad(step, length).astype(np.int32),
            opens=_pad(np.diff(step, prepend=-1) > 0, length),
            cell=_pad(cell, length).astype(np.int32),
            lower=_pad(lower[cell], length).astype(np.float32),
            upper=_pad(upper[cell], length).astype(np.float32),
            first=_pad(first[step], length).astype(np.float32),
            last=_pad(last[step], length).astype(np.float32),
        )

    def _slopes(self, level: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the slopes of the exact process where each step of a mesh begins and ends, [N, R] each.

        Slopes of leaps are off by an error of first order in the length of steps; those of the next mesh, where there
        is one, take it away: Richardson, Phil. Trans. R. Soc. A 226 (1927) 299.
        """
        rung = self.rung(level)
        steps = rung.edges.size - 1
        last = rung.tables.slope[:steps].astype(np.float64)
        if level < self.highest:
            finer = self.rung(level + 1).tables.slope[: steps * REFINEMENT].astype(np.float64)
            finer = finer[REFINEMENT - 1 :: REFINEMENT]
            last = finer + (finer - last) / (REFINEMENT - 1)
        first = np.concatenate([3.0 * (last[:1] - last[1:2]) + last[2:3], last[:-1]])
        if self.chain.dosed:  # the slopes before a dose and after it are not the same
            dosed = np.any(rung.tables.multiply[:steps] != 1, axis=1)
            dosed[0] |= dosed[1] or dosed[2]
            first = np.where(dosed[:, None], last, first)
        return first, last


def _pad(values: np.ndarray, length: int, value: float = 0.0) -> np.ndarray:
    shape = [(0, length - values.shape[0])] + [(0, 0)] * (values.ndim - 1)
    return np.pad(values, shape, constant_values=np.asarray(value).astype(values.dtype))

"""The networks every simulator is timed on, in one convention and with their sources.

The propensity of a mass-action step is ``k`` times the falling factorials of its reactants, with no ``1/m!``; peers
that count combinations instead are given ``k m!``. Times are in the unit of the rate constants.
"""

import math
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from benchmarks.speed.cell_fate import CellFate


@dataclass(frozen=True)
class Repression:
    """A Hill rate: ``basal + maximal * half^exponent / (half^exponent + repressor^exponent)``."""

    basal: float
    maximal: float
    repressor: str
    half: float
    exponent: int

    def expression(self) -> str:
        threshold = float(self.half) ** self.exponent
        power = "*".join([self.repressor] * self.exponent)
        return f"{self.basal!r} + {self.maximal * threshold!r}/({threshold!r} + {power})"


@dataclass(frozen=True)
class Step:
    """One reaction, written like ``"A + A -> B"``, with a mass-action constant or a Hill rate."""

    equation: str
    rate: float | Repression

    @cached_property
    def reactants(self) -> Counter:
        return self._side(0)

    @cached_property
    def products(self) -> Counter:
        return self._side(1)

    @cached_property
    def change(self) -> dict[str, int]:
        """Net change of each species, the unchanged ones left out."""
        difference = Counter(self.products)
        difference.subtract(self.reactants)
        return {species: n for species, n in difference.items() if n}

    @cached_property
    def reads(self) -> set[str]:
        """Species the propensity depends on."""
        return {self.rate.repressor} if isinstance(self.rate, Repression) else set(self.reactants)

    @cached_property
    def propensity(self) -> str:
        """The propensity as an infix expression of species names."""
        if isinstance(self.rate, Repression):
            return self.rate.expression()
        factors = [f"({s} - {j})" if j else s for s, n in self.reactants.items() for j in range(n)]
        return "*".join([repr(self.rate), *factors])

    @cached_property
    def symmetry(self) -> int:
        """The product of the factorials of the reactants' multiplicities."""
        return math.prod(math.factorial(n) for n in self.reactants.values())

    def _side(self, index: int) -> Counter:
        return Counter(self.equation.split("->")[index].replace("+", " ").split())


@dataclass(frozen=True)
class Case:
    """A network, the time to run it to, the species whose law is compared, and the number of equal save intervals."""

    name: str
    initial: dict[str, int]
    steps: tuple[Step, ...]
    time: float
    observable: str
    save_points: int = 1
    events: float = 0.0  # mean number per trajectory, roughly: it sizes the batches

    @property
    def species(self) -> tuple[str, ...]:
        return tuple(self.initial)

    @property
    def size(self) -> tuple[int, int]:
        """Species and reactions."""
        return len(self.initial), len(self.steps)

    def index(self, species: str) -> int:
        return self.species.index(species)

    def network(self):
        """The same network as a ``jaxsim.Network``, its rate constants as parameters."""
        import jaxsim as js

        constants = {f"k{i}": s.rate for i, s in enumerate(self.steps) if not isinstance(s.rate, Repression)}
        reactions = [
            f"{s.equation}, k{i}" if f"k{i}" in constants else f"{s.equation} @ {s.propensity}"
            for i, s in enumerate(self.steps)
        ]
        return js.Network(species=self.initial, parameters=constants, reactions=reactions, name=self.name)

    def schedule(self):
        """No doses."""
        return None


def birth_death() -> Case:
    return Case("birth_death", {"X": 0}, (Step("-> X", 1000.0), Step("X ->", 1.0)), 20.0, "X", events=3.9e4)


def dimerisation() -> Case:
    """DSMTS case 00031: the published constant 0.0002 counts pairs."""
    steps = (Step("P + P -> P2", 0.0002 / 2), Step("P2 -> P + P", 0.004))
    return Case("dimerisation", {"P": 1000, "P2": 0}, steps, 50.0, "P2", events=574.0)


def schlogl() -> Case:
    """Cao, Gillespie and Petzold 2006, section V: bistable."""
    steps = (
        Step("X + X -> X + X + X", 3e-7 * 1e5 / 2),
        Step("X + X + X -> X + X", 1e-4 / 6),
        Step("-> X", 1e-3 * 2e5),
        Step("X ->", 3.5),
    )
    return Case("schlogl", {"X": 250}, steps, 4.0, "X", events=1.34e4)


def lotka_volterra() -> Case:
    """Gillespie 1977, figure 8."""
    steps = (Step("Y1 -> Y1 + Y1", 10.0), Step("Y1 + Y2 -> Y2 + Y2", 0.01), Step("Y2 ->", 10.0))
    return Case("lotka_volterra", {"Y1": 1000, "Y2": 1000}, steps, 5.0, "Y2", events=1.5e5)


def gene3() -> Case:
    """A promoter of three states, its mRNA and its protein."""
    steps = (
        Step("G0 -> G1", 0.05),
        Step("G1 -> G0", 0.05),
        Step("G1 -> G2", 0.1),
        Step("G2 -> G1", 0.1),
        Step("G2 -> G2 + M", 2.0),
        Step("M ->", 0.1),
        Step("M -> M + P", 1.0),
        Step("P ->", 0.02),
    )
    return Case("gene3", {"G0": 1, "G1": 0, "G2": 0, "M": 0, "P": 0}, steps, 1000.0, "P", events=1.4e4)


def repressilator() -> Case:
    """Elowitz and Leibler 2000: half-lives of 2 and 10 minutes, 20 proteins per transcript; seconds."""
    decay, loss = math.log(2) / 120, math.log(2) / 600
    steps = []
    for i, repressor in ((1, "p3"), (2, "p1"), (3, "p2")):
        m, p = f"m{i}", f"p{i}"
        steps += [
            Step(f"-> {m}", Repression(0.0005, 0.4995, repressor, 40.0, 2)),
            Step(f"{m} ->", decay),
            Step(f"{m} -> {m} + {p}", 20 * decay),
            Step(f"{p} ->", loss),
        ]
    initial = {"m1": 0, "p1": 500, "m2": 0, "p2": 0, "m3": 0, "p3": 0}
    return Case("repressilator", initial, tuple(steps), 10_000.0, "p1", events=8.0e4)


def vilar() -> Case:
    """Vilar, Kueh, Barkai and Leibler 2002, the circadian oscillator; hours."""
    steps = (
        Step("Da + A -> Dpa", 1.0),
        Step("Dr + A -> Dpr", 1.0),
        Step("Dpa -> Da + A", 50.0),
        Step("Dpr -> Dr + A", 100.0),
        Step("Da -> Da + Ma", 50.0),
        Step("Dr -> Dr + Mr", 0.01),
        Step("Dpa -> Dpa + Ma", 500.0),
        Step("Dpr -> Dpr + Mr", 50.0),
        Step("Ma -> Ma + A", 50.0),
        Step("Mr -> Mr + R", 5.0),
        Step("A + R -> C", 2.0),
        Step("C -> R", 1.0),
        Step("Ma ->", 10.0),
        Step("Mr ->", 0.5),
        Step("A ->", 1.0),
        Step("R ->", 0.2),
    )
    initial = {"Da": 1, "Dr": 1} | dict.fromkeys(("Dpa", "Dpr", "Ma", "Mr", "A", "R", "C"), 0)
    return Case("vilar", initial, steps, 200.0, "R", events=5.5e5)


def chain(length: int) -> Case:
    """A thousand molecules walking down a chain of first-order steps: wide networks with one event in a place."""
    names = [f"S{i}" for i in range(1, length + 1)]
    steps = tuple(Step(f"{a} -> {b}", 1.0) for a, b in pairwise(names))
    events = 1000.0 * min(length - 1, 30)
    seen = names[min(length, 30) - 1]
    return Case(f"chain{length}", {names[0]: 1000} | dict.fromkeys(names[1:], 0), steps, 30.0, seen, events=events)


def birth_death_grid() -> Case:
    """The benchmark crn-jax publishes: 200 save points on [0, 20]."""
    steps = (Step("-> X", 3.0), Step("X ->", 0.1))
    return Case("birth_death_grid", {"X": 0}, steps, 20.0, "X", save_points=200, events=94.1)


CASES = {
    case.name: case
    for case in (
        CellFate("cell_fate_untreated", dose=0.0, events=620.0),
        CellFate(),
        birth_death(),
        dimerisation(),
        schlogl(),
        lotka_volterra(),
        gene3(),
        repressilator(),
        vilar(),
        chain(20),
        chain(100),
        birth_death_grid(),
    )
}


def names() -> list[str]:
    """All cases: those above, and the large networks that are at hand."""
    from benchmarks.speed import bionetgen

    return [*CASES, *bionetgen.names()]


def find(name: str) -> "Case | CellFate":
    """The case of this name."""
    from benchmarks.speed import bionetgen

    return CASES[name] if name in CASES else bionetgen.read(name)

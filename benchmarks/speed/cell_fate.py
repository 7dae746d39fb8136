"""The cell-fate model as a case: drug curves, drawn cells and counts that reactions set; jaxsim and numba run it."""

from dataclasses import dataclass
from functools import cached_property

from benchmarks.peers import Unsupported


@dataclass(frozen=True)
class CellFate:
    """Tumour cells for 96 h after a dose of gemcitabine; stands among the cases with the same attributes."""

    name: str = "cell_fate"
    dose: float = 120.0
    """mg/kg, which is none of the drug if it is 0."""
    time: float = 96.0
    observable: str = "PY"
    save_points: int = 48
    events: float = 900.0
    cells: int = 16
    """Cells of time for thinning, in jaxsim."""

    @cached_property
    def size(self) -> tuple[int, int]:
        structure = self.network().structure
        return len(structure.species), len(structure.reactions)

    @cached_property
    def species(self) -> tuple[str, ...]:
        return self.network().structure.species

    def network(self):
        import jaxsim as js

        return js.models.cell()

    def schedule(self):
        import jaxsim as js

        return js.Schedule(gemcitabine=js.Dose(self.dose, "mg/kg", at=[0.0])) if self.dose else js.Schedule()

    @property
    def steps(self):
        raise Unsupported("the model has dosed inputs, drawn cells and counts that reactions set")

    @property
    def initial(self):
        return self.steps

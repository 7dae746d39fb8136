"""The cell-fate model as a case: drug curves, drawn cells and counts that reactions set; only jaxsim can run it."""

from dataclasses import dataclass
from functools import cached_property

from peers import Unsupported


@dataclass(frozen=True)
class CellFate:
    """Tumour cells for 96 h after 20 mg/kg of gemcitabine; stands among the cases with the same attributes."""

    name: str = "cell_fate"
    time: float = 96.0
    observable: str = "PY"
    save_points: int = 1
    events: float = 730.0

    @cached_property
    def size(self) -> tuple[int, int]:
        structure = self.network().structure
        return len(structure.species), len(structure.reactions)

    def network(self):
        import jaxsim as js

        return js.models.cell()

    def schedule(self):
        import jaxsim as js

        return js.Schedule(gemcitabine=js.Dose(20, "mg/kg", at=[0.0]))

    @property
    def steps(self):
        raise Unsupported("the model has dosed inputs, drawn cells and counts that reactions set")

    @property
    def initial(self):
        return self.steps

"""What the organism lends to cells for a coupling step, and how its growth law becomes a fate at division.

The cycle of a cell in the cell model takes 18 h, and a tumour of such cells doubles in 15 h; tumours of the organism
double in days. The difference is cell loss (Steel, Growth Kinetics of Tumours, 1977, ch. 6): the second daughter of a
division lives with a probability at which the untreated tumour grows as the organism lets it, by its size. The law of
Gompertz has no upper limit where a tumour is small, and cells have: below some 600 cells every daughter lives, and the
tumour grows as its cells divide. All that a cell does by itself stays as it is in the cell model.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from jaxsim.errors import NetworkError
from jaxsim.models.coupling_cell import CellLaw
from jaxsim.network import Network

TYPICAL = 1e7  # cells: the size at which the growth of the organism's tumour is compared with the division of cells


def second_daughter_lives(birth_rates: tuple[Any, Any], growth: Any) -> Any:
    """Return the probability that the second daughter lives, for a growth rate per hour of the untreated tumour.

    With rates k1 of entering S phase and k2 of dividing, and second daughters that live with probability q, cells that
    cycle grow at g where (k1 + g)(k2 + g) = (1 + q) k1 k2; q is 1 where that would be more.

    Examples
    --------
    >>> round(float(second_daughter_lives((1 / 9, 1 / 9), 0.0105)), 3)
    0.198
    >>> [float(second_daughter_lives((1 / 9, 1 / 9), growth)) for growth in (0.0, 0.05)]
    [0.0, 1.0]
    """
    first, second = birth_rates
    wanted = growth * (first + second + growth) / (first * second)
    return wanted - (wanted > 1.0) * (wanted - 1.0)


def typical_growth(parameters: Mapping[str, Any]) -> float:
    """Return the growth per hour of the organism's untreated tumour at its typical size."""
    return float(parameters["growth_rate"]) * float(np.log(float(parameters["plateau"]) / TYPICAL))


def check_growth(law: CellLaw, organism: Network) -> None:
    """Refuse an organism whose tumour of typical size grows faster than its cells divide.

    Raises
    ------
    NetworkError
        Naming the largest growth rate that the cells allow.
    """
    first, second = law.birth_rates
    most = 0.5 * (np.sqrt((first + second) ** 2 + 4.0 * first * second) - first - second)
    growth = typical_growth(organism.parameters)
    if growth > most:
        largest = most / growth * float(organism.parameters["growth_rate"])
        raise NetworkError(
            f"a tumour of {TYPICAL:g} cells in the organism grows at {growth:.3g} /h, faster than its cells divide; "
            f"give growth_rate at most {largest:.3g}"
        )

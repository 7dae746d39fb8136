"""What the organism lends to cells for a coupling step, and how its growth law becomes a fate at division.

The cycle of a cell in the cell model takes 18 h, and a tumour of such cells doubles in 15 h; tumours of the organism
double in 66 h. The difference is cell loss (Steel, Growth Kinetics of Tumours, 1977, ch. 6): the second daughter of a
division lives with a probability at which the untreated tumour grows as the organism lets it, by its size and its
neutrophils. All that a cell does by itself stays as it is in the cell model.
"""

from typing import Any

import numpy as np

from jaxsim.errors import NetworkError
from jaxsim.models.coupling_cell import CellLaw
from jaxsim.network import Network


def second_daughter_lives(birth_rates: tuple[Any, Any], growth: Any) -> Any:
    """Return the probability that the second daughter lives, for a growth rate per hour of the untreated tumour.

    With rates k1 of entering S phase and k2 of dividing, and second daughters that live with probability q, cells that
    cycle grow at g where (k1 + g)(k2 + g) = (1 + q) k1 k2.

    Examples
    --------
    >>> round(second_daughter_lives((1 / 9, 1 / 9), 0.0105), 3), second_daughter_lives((1 / 9, 1 / 9), 0.0)
    (0.198, 0.0)
    """
    first, second = birth_rates
    return growth * (first + second + growth) / (first * second)


def check_growth(law: CellLaw, organism: Network) -> None:
    """Refuse an organism whose tumour may grow faster than its cells divide.

    Raises
    ------
    NetworkError
        Naming the largest growth rate that the cells allow.
    """
    fastest = float(organism.parameters["growth_rate"]) * (1.0 + float(organism.parameters["growth_gain"]))
    if second_daughter_lives(law.birth_rates, fastest) > 1.0:
        first, second = law.birth_rates
        most = 0.5 * (np.sqrt((first + second) ** 2 + 4.0 * first * second) - first - second)
        raise NetworkError(
            f"the tumour of the organism grows at up to {fastest:g} /h, faster than its cells divide; "
            f"give growth_rate*(1 + growth_gain) at most {most:.3g}"
        )

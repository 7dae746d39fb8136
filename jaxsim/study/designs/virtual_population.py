"""Design: individuals drawn from the distributions of the model, many trajectories of each."""

from pathlib import Path

import numpy as np

from jaxsim.errors import StudyError
from jaxsim.models import virtual_animals
from jaxsim.network import Network
from jaxsim.study.designs.points import DesignPoints, number_of, refuse_keys
from jaxsim.study.schema import Design


def virtual_population(design: Design, network: Network, folder: Path) -> DesignPoints:
    """Return one point per individual: what ``js.models.virtual_animals`` draws with ``design.seed``."""
    refuse_keys(design, "file", "parameters")
    drawn = virtual_animals(network, number_of(design), design.seed)
    if not drawn:
        raise StudyError(
            "no parameter of the model is a distribution, so all individuals would be the same; "
            "give one in [parameters], such as {law = 'lognormal', median = 1.0, cv = 0.3}"
        )
    return DesignPoints(tuple(drawn), np.stack(list(drawn.values()), axis=1))

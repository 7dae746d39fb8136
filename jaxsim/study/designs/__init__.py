"""Designs: which values the parameters take at each design point. One file each, and one line in this table."""

from collections.abc import Callable
from pathlib import Path

from jaxsim.errors import StudyError, closest
from jaxsim.network import Network
from jaxsim.study.designs.grid import grid
from jaxsim.study.designs.latin_hypercube import latin_hypercube
from jaxsim.study.designs.points import DesignPoints
from jaxsim.study.designs.sensitivity import sensitivity
from jaxsim.study.designs.single import single
from jaxsim.study.designs.sobol import sobol
from jaxsim.study.designs.table import table_design
from jaxsim.study.designs.virtual_population import virtual_population
from jaxsim.study.schema import Design

#: Each takes the section, the network and the folder of the study file.
DESIGNS: dict[str, Callable[[Design, Network, Path], DesignPoints]] = {
    "grid": grid,
    "latin hypercube": latin_hypercube,
    "sobol": sobol,
    "sensitivity": sensitivity,
    "table": table_design,
    "virtual population": virtual_population,
}

__all__ = ["DESIGNS", "DesignPoints", "design_points"]


def design_points(design: Design | None, network: Network, folder: Path) -> DesignPoints:
    """Return the parameter values of every design point.

    Examples
    --------
    >>> from jaxsim.study.schema import Axis
    >>> net = Network({"X": 0}, ["-> X, k"], {"k": 1.0})
    >>> design_points(Design("grid", parameters={"k": Axis(values=[1.0, 2.0])}), net, Path(".")).values.tolist()
    [[1.0], [2.0]]
    """
    if design is None:
        return single()
    if design.kind not in DESIGNS:
        raise StudyError(
            f"there is no design '{design.kind}'{closest(design.kind, DESIGNS)}; choose from {', '.join(DESIGNS)}"
        )
    _refuse_unknown_parameters(design, network)
    points = DESIGNS[design.kind](design, network, folder)
    _refuse_foreign(points, network)
    return points


def _refuse_unknown_parameters(design: Design, network: Network) -> None:
    for name in design.parameters:
        if name not in network.parameters:
            raise StudyError(f"the design varies '{name}', which is no parameter{closest(name, network.parameters)}")


def _refuse_foreign(points: DesignPoints, network: Network) -> None:
    for name in points.names:
        if name not in network.parameters:
            raise StudyError(f"the table varies '{name}', which is no parameter{closest(name, network.parameters)}")

"""``jaxsim organism --decompose``: through which links blocking IL-1 helps chemotherapy."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from jaxsim.cli.folder import write_dataset, write_figure
from jaxsim.cli.table import table

if TYPE_CHECKING:
    import xarray


def decompose_organism(
    animals: int, seed: int, folder: Path, figures: bool, announce: Callable[[str], None]
) -> list[Path]:
    """Run chemotherapy and each agent with links off, print the tables, and write a Dataset and a figure."""
    from jaxsim.models import organism_decomposition
    from jaxsim.plots import plot_organism_decomposition

    found = organism_decomposition(animals=animals, seed=seed, announce=announce)
    print(decomposition_text(found))
    written = [write_dataset(found, folder / "decomposition.nc")]
    if figures:
        written += write_figure(plot_organism_decomposition(found), folder / "decomposition.png")
    return written


def decomposition_text(found: "xarray.Dataset") -> str:
    """Return the benefit of each agent, what of it is lost with each link off, and the Shapley share of each link."""
    middle = found.median("animal")
    agents = [str(agent) for agent in found["agent"].values]
    whole = ["benefit, ln of tumours on day 21", *(f"{float(middle['benefit'].sel(agent=a)):.3f}" for a in agents)]
    lost = [
        [f"lost without {name.replace('_', ' ')}", *(_percent(middle["lost"].sel(link=name, agent=a)) for a in agents)]
        for name in map(str, found["link"].values)
    ]
    text = table(["", *agents], [whole, *lost])
    if "share" not in found:
        return text
    shares = [
        [str(player).replace("_", " "), *(
            _percent(middle["share"].sel(player=player, agent=a) / middle["benefit"].sel(agent=a)) for a in agents)]
        for player in found["player"].values
    ]  # fmt: skip
    none = ["with none of them", *(_percent(middle["benefit_none"].sel(agent=a) / middle["benefit"].sel(agent=a))
                                   for a in agents)]  # fmt: skip
    return f"{text}\n\nShapley shares of the benefit:\n\n{table(['', *agents], [*shares, none])}"


def _percent(value: "xarray.DataArray") -> str:
    return f"{100 * float(value):.0f} %"

"""Draw the pictures of the README into ``docs/images``: ``python docs/figures.py``."""

import shutil
import tempfile
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from blocks import REPOSITORY, blocks_of, outputs_of

import jaxsim as js

IMAGES = Path(__file__).parent / "images"
COLOURS = {
    "cycling": "#8fc9a3",
    "arrested": "#a6d4ee",
    "tolerant": "#f2c14e",
    "apoptotic": "#4477aa",
    "pyroptotic": "#cc3311",
}
TITLES = ("untreated", "gemcitabine", "gemcitabine + caspase-1 inhibitor")


def fates(cells: int = 100_000) -> None:
    """Draw what becomes of cells in three arms, as shares of all."""
    study = js.models.cell_study(cells=cells, seed=1)
    figure, panels = plt.subplots(1, 3, figsize=(9.2, 3.1), sharey=True, layout="constrained")
    for panel, arm, title in zip(panels, study["arm"].values, TITLES, strict=True):
        shares = study["fate_fraction"].sel(arm=arm)
        panel.stackplot(
            study["time"], [100 * shares.sel(fate=fate) for fate in COLOURS], colors=COLOURS.values(), labels=COLOURS
        )
        panel.set(title=title, xlabel="hours", xlim=(0, 96), ylim=(0, 100), xticks=range(0, 97, 24))
    panels[0].set_ylabel("cells (%)")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=5, frameon=False)
    figure.savefig(IMAGES / "fates.png", dpi=120)


def sizes() -> None:
    """Take the figure that the first example of the README makes."""
    first = next(block for block in blocks_of((REPOSITORY / "README.md").read_text()) if block.kind == "python")
    with tempfile.TemporaryDirectory() as folder:
        outputs_of([first], Path(folder))
        shutil.copy(Path(folder, "sizes.png"), IMAGES)


if __name__ == "__main__":
    fates()
    sizes()

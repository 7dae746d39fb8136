"""Try an installed jaxsim: an exact law, doses, a gradient, SBML, a study, the commands. Prints a line for each."""

import importlib.metadata
import math
import subprocess
import sys
import tempfile
from pathlib import Path

import jaxsim as js

STUDY = """
[model]
species = {X = 100}
reactions = ["X -> 2 X, birth", "X -> , 0.3"]
parameters = {birth = 0.2}
[design]
kind = "grid"
parameters.birth.values = [0.1, 0.2]
[simulation]
times = {stop = 5, step = 1}
trajectories = 500
"""


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"  {text}\n")
    sys.stdout.flush()


def main() -> None:
    """Run all of it; the first fault ends it."""
    place = Path(js.__file__).parent
    if (place.parent / "pyproject.toml").exists():
        raise SystemExit(f"this is the clone at {place.parent}, not an installed jaxsim")
    assert importlib.metadata.version("jaxsim-bio") == js.__version__
    say(f"jaxsim {js.__version__} on Python {sys.version.split()[0]}, {place}")

    net = js.Network({"X": 0}, ["-> X, 20", "X -> , 1"])
    out = js.simulate(net, times=[1.0], trajectories=20_000, seed=1)
    exact = 20 * (1 - math.exp(-1))
    mean, error = float(out["mean"][0, 0]), float(out["standard_error"][0, 0])
    assert abs(mean - exact) < 5 * error, (mean, exact, error)
    say(f"mean {mean:.3f} +- {error:.3f} of a birth-death process, exactly {exact:.3f}")

    drug = js.OneCompartment(elimination_rate=0.5, volume=1.0)
    dosed = js.Network({"X": 50}, ["X -> @ 0.2*drug*X"], inputs={"drug": drug})
    plan = js.Schedule(drug=js.Dose(2.0, at=1.0))
    slope = js.gradient(dosed, js.mean("X", at=5.0), free=["drug.amount"], schedule=plan, trajectories=2048, seed=1)
    say(str(slope).splitlines()[1].strip())

    with tempfile.TemporaryDirectory() as folder:
        model, study = Path(folder, "model.xml"), Path(folder, "study.toml")
        js.write(net, model)
        assert js.read(model).structure.species == net.structure.species
        say("SBML written and read")
        study.write_text(STUDY)
        for command in (["run", study, "--quiet"], ["verify", study.with_suffix(".store")], ["--version"]):
            subprocess.run(["jaxsim", *map(str, command)], check=True, stdout=subprocess.DEVNULL)
        data = js.open_study(study.with_suffix(".store"))
        assert data.sizes["point"] == 2
        say(
            "a study run, verified and opened; models of cells and mice: "
            f"{len(js.models.cell().structure.reactions)} and {len(js.models.organism().structure.reactions)} reactions"
        )


if __name__ == "__main__":
    main()

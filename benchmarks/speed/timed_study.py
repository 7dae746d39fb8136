"""The study whose time `devices.py` and `study_overhead.py` take, from its file to the results in a fresh store."""

import time
from pathlib import Path

STUDY = """
[study]
seed = {seed}
[model]
species = {{X = 0}}
parameters = {{k = 1000.0, d = 1.0}}
reactions = ["-> X, k", "X -> , d"]
[simulation]
times = [1.0]
trajectories = {trajectories}
"""


def study_seconds(folder: Path, turn: int, seed: int, trajectories: int) -> tuple[float, float]:
    """Return wall and processor seconds."""
    import jaxsim as js  # here, since a process that only starts others needs no JAX

    path = folder / f"turn{turn}.toml"
    path.write_text(STUDY.format(seed=seed, trajectories=trajectories))
    began = time.perf_counter(), time.process_time()
    js.run_study(path, progress=False)
    js.open_study(path.with_suffix(".store"))["mean"].load()
    return time.perf_counter() - began[0], time.process_time() - began[1]

"""jaxsim's direct method: mean and variance of every species, accumulated on the device."""

from benchmarks.peers import Outcome, Unsupported

OWN_THREADS = True

LEAST, LEAST_OF_LARGE = 4096, 512  # trajectories that fill its lanes; fewer of large networks


def available():
    try:
        from jaxsim import simulate  # noqa: F401
    except ImportError as missing:
        raise Unsupported(f"jaxsim is not installed here ({missing}): pip install -e .") from missing


def prepare(case):
    import numpy as np

    import jaxsim as js

    network, schedule = case.network(), case.schedule()
    times = np.linspace(0.0, case.time, case.save_points + 1)[1:]
    options = {"cells": case.cells} if hasattr(case, "cells") else {}

    def run(n: int, seed: int) -> Outcome:
        result = js.simulate(
            network, times=times, trajectories=n, seed=seed, schedule=schedule, progress=False, **options
        )
        last = result.sel(species=case.observable).isel(time=-1)
        return Outcome(
            n,
            float(last["mean"]),
            float(last["variance"]),
            events=int(result.attrs["events"]),
            compile_seconds=float(result.attrs["compile_seconds"]),
        )

    run.batch = LEAST if len(case.species) < 128 else LEAST_OF_LARGE
    run(run.batch, 0)
    return run

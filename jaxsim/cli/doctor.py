"""``jaxsim doctor``: check the installation, devices, precision and cache, and say what to fix."""

import argparse
import os
import platform
import shutil
import tempfile
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

from jaxsim._version import __version__
from jaxsim.console.options import Parser
from jaxsim.errors import JaxsimError
from jaxsim.runtime.program_cache import keep_compiled_programs

# What ``jaxsim doctor`` looks at: each examination returns a finding.

NEEDED = {"jax": (0, 10), "numpy": (2, 0), "scipy": (1, 14), "xarray": (2025, 1), "zarr": (3, 0), "matplotlib": (3, 9)}
LEAST_DISK = 1 << 30


class Finding(NamedTuple):
    """What an examination found, and the remedy if it is not fine."""

    fine: bool
    text: str
    remedy: str = ""


def python_and_packages() -> Finding:
    """Look at the versions of Python and of the packages."""
    found, old = [], []
    for name, least in NEEDED.items():
        try:
            has = version(name)
        except PackageNotFoundError:
            old.append(f"{name} is missing")
            continue
        found.append(f"{name} {has}")
        if tuple(int(part) for part in has.split(".")[:2] if part.isdigit()) < least:
            old.append(f"{name} is {has}, older than {'.'.join(map(str, least))}")
    text = f"jaxsim {__version__}, Python {platform.python_version()}, {', '.join(found)}"
    return Finding(not old, "; ".join(old) or text, "pip install --upgrade jaxsim-bio")


def devices() -> Finding:
    """Look for devices, and for a GPU that JAX does not see."""
    import jax

    try:
        local = jax.local_devices()
    except RuntimeError as error:
        remedy = "unset JAX_PLATFORMS, or install jaxsim-bio[cuda12] or [cuda13] for the driver nvidia-smi shows"
        return Finding(False, str(error).splitlines()[0], remedy)
    kinds = ", ".join(sorted({f"{device.device_kind} ({device.platform})" for device in local}))
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    text = f"{len(local)} x {kinds}" + (f" on {cores} cores" if local[0].platform == "cpu" else "")
    if local[0].platform == "cpu" and shutil.which("nvidia-smi"):
        return Finding(False, f"{text}, but there is an NVIDIA driver", "pip install 'jaxsim-bio[cuda13]' (or cuda12)")
    return Finding(True, text)


def _precision() -> Finding:
    """Check that the clock is float64 and the counts are integers, whatever JAX is told to do by default."""
    import jax.numpy as jnp
    import numpy as np

    from jaxsim.runtime.double import double_precision

    with double_precision():
        clock = np.asarray(jnp.asarray(100.0, jnp.float64) + jnp.asarray(1e-12, jnp.float64))
    fine = clock.dtype == np.float64 and float(clock) > 100.0
    return Finding(
        bool(fine),
        "float64 clock and sums, int32 counts, float32 rates (or precision='float64')",
        "this backend has no float64, which the clock needs: run with JAX_PLATFORMS=cpu, and please report it",
    )


def cache() -> Finding:
    """Check that compiled programs can be kept on disk."""
    import jax

    folder = os.environ.get("JAX_COMPILATION_CACHE_DIR") or jax.config.values.get("jax_compilation_cache_dir")
    if not folder:
        return Finding(
            False, "compiled programs are not kept, so that every process compiles anew",
            "set JAXSIM_COMPILE_CACHE to a folder that can be written",
        )  # fmt: skip
    if "://" in str(folder):
        return Finding(True, f"compiled programs are kept in {folder}")
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        return Finding(
            False, f"compiled programs cannot be kept in {folder} ({error.strerror})",
            "set JAXSIM_COMPILE_CACHE to a folder that can be written",
        )  # fmt: skip
    return Finding(True, f"compiled programs are kept in {folder}")


def file_system() -> Finding:
    """Check that claims of chunks are atomic in the present folder, where stores go by default."""
    from jaxsim.study.ledger import create_file

    folder, remedy = Path.cwd(), "run studies in a folder that can be written, or give --store"
    try:
        with tempfile.TemporaryDirectory(dir=folder) as place:
            claim = Path(place) / "claim"
            atomic = create_file(claim, b"1") and not create_file(claim, b"2")
    except OSError as error:
        return Finding(False, f"the folder {folder} cannot be written ({error.strerror})", remedy)
    free = shutil.disk_usage(folder).free
    if not atomic:
        return Finding(False, f"the file system of {folder} let two processes create one file", "put stores elsewhere")
    text = f"claims are atomic in {folder}; {free / 2**30:.0f} GiB free"
    return Finding(
        free >= LEAST_DISK, text, "free space before a large study: a full disk stops it (and loses nothing)"
    )


def _law() -> Finding:
    """Simulate a birth-death process and compare its mean with the exact one."""
    import jaxsim

    net = jaxsim.Network({"X": 0}, ["-> X, k", "X -> , d"], {"k": 10.0, "d": 1.0})
    try:
        out = jaxsim.simulate(net, times=[1.0], trajectories=20_000, seed=1, progress=False)
    except JaxsimError as error:
        return Finding(False, f"a birth-death process cannot be simulated: {error}", "please report it")
    exact = 10.0 * (1.0 - 2.718281828459045**-1.0)
    z = (float(out["mean"][0, 0]) - exact) / float(out["standard_error"][0, 0])
    text = f"birth-death mean {float(out['mean'][0, 0]):.4f}, exact {exact:.4f}, {z:+.1f} standard errors"
    return Finding(
        abs(z) < 5, text, "the simulation is wrong on this device: try JAX_PLATFORMS=cpu, and please report it"
    )


EXAMINATIONS: dict[str, Callable[[], Finding]] = {
    "versions": python_and_packages,
    "devices": devices,
    "precision": _precision,
    "cache": cache,
    "file system": file_system,
    "simulation": _law,
}


DESCRIPTION = """\
Check the installation: versions, devices, precision, the cache of compiled programs, the file system for stores,
memory, and one simulation against its exact law. Prints what is wrong with its remedy; exit code 1 if anything is.
"""


def parser() -> Parser:
    """Return the parser of the command."""
    return Parser(prog="jaxsim doctor", description=DESCRIPTION)


def run(arguments: argparse.Namespace) -> int:
    """Run all examinations and print what they find."""
    keep_compiled_programs()
    wrong = 0
    for name, examine in EXAMINATIONS.items():
        finding = examine()
        mark = "ok " if finding.fine else "FIX"
        print(f"{mark} {name:14}{finding.text}")
        if not finding.fine:
            wrong += 1
            print(f"    {'':14}{finding.remedy}")
    print("nothing to fix" if not wrong else f"{wrong} thing{'s' if wrong > 1 else ''} to fix")
    return 1 if wrong else 0

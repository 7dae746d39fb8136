"""Provenance of a store: where, when and with what a process worked on it."""

import os
import platform
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import jaxsim
from jaxsim._version import __version__

PACKAGES = ("jax", "jaxlib", "numpy", "scipy", "xarray", "zarr")
VARIABLES = ("SLURM_JOB_ID", "SLURM_ARRAY_JOB_ID", "SLURM_ARRAY_TASK_ID", "SLURM_NODEID", "SLURM_PROCID", "XLA_FLAGS")


def study_provenance(devices: tuple[Any, ...], precision: str, seed: int) -> dict[str, Any]:
    """Return versions, commit, machine, devices, driver, precision, seed, command and the time of day.

    Examples
    --------
    >>> import jax
    >>> facts = study_provenance(tuple(jax.devices("cpu")[:1]), "float32", 1)
    >>> facts["devices"], facts["seed"]
    (['cpu'], 1)
    """
    return {
        **present_versions(),
        "commit": _commit(),
        "machine": platform.node(),
        "system": platform.platform(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "devices": [device.device_kind for device in devices],
        "driver": str(getattr(devices[0].client, "platform_version", "unknown")).splitlines()[0],
        "precision": precision,
        "seed": seed,
        "command": sys.argv,
        "folder_of_work": str(Path.cwd()),
        "environment": {name: os.environ[name] for name in VARIABLES if name in os.environ},
        "begun": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
    }


def present_versions() -> dict[str, Any]:
    """Return the version of jaxsim, and those of what it runs on.

    Examples
    --------
    >>> sorted(present_versions())
    ['jaxsim', 'versions']
    """
    return {
        "jaxsim": __version__,
        "versions": {"python": platform.python_version()} | {name: _version(name) for name in PACKAGES},
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _commit() -> str:
    """Return the commit of the source tree that jaxsim runs from, if it is one."""
    folder = Path(jaxsim.__file__).parent.parent
    if not (folder / ".git").exists():
        return "installed package"
    try:
        found = subprocess.run(
            ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=12"],
            capture_output=True, text=True, check=True, timeout=10,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return found.stdout.strip()

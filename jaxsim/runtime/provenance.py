"""Provenance: where and with what a result was computed."""

import platform
from importlib.metadata import version
from typing import Any

import numpy as np

from jaxsim._version import __version__


def provenance(devices: tuple[Any, ...]) -> dict[str, str]:
    """Return device, machine and versions.

    Examples
    --------
    >>> import jax
    >>> sorted(provenance(tuple(jax.devices("cpu")[:1])))
    ['device', 'jax', 'jaxsim', 'machine', 'numpy', 'python']
    """
    return {
        "device": f"{len(devices)} x {devices[0].device_kind}" if devices[0].platform != "cpu" else "cpu",
        "machine": platform.processor() or platform.machine(),
        "jaxsim": __version__,
        "jax": version("jax"),
        "numpy": np.__version__,
        "python": platform.python_version(),
    }

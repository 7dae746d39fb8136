"""What XLA is asked for when the event loop is compiled: choices that change speed, never results."""

import os
from typing import Any

GRAPH_SWITCH = "JAXSIM_GPU_GRAPH"  # "off" runs the loops of a GPU from the host, as XLA does by default
CAPTURED = "FUSION,CUSTOM_CALL,WHILE,CONDITIONAL"  # the kinds of command that are put into a CUDA graph


def compiler_options(device: Any) -> dict[str, Any]:
    """Return the options for a device.

    On processors with AVX-512, XLA vectorises for half of it unless told otherwise. The event loop is integer
    arithmetic on independent lanes: the full width makes it 1.27 (birth-death) and 1.35 times (Schlogl) as fast
    on a Zen 4 core. On processors with narrower registers the option does nothing.

    On several cores, XLA cuts the larger fusions of every iteration in one part a core, and waits for all of
    them each time. Here every core runs a loop of its own, so that the parts only get in each other's way: without
    them two cores are 1.7 times as fast as one instead of 1.35 (birth-death, Schlogl).

    On an NVIDIA GPU, XLA runs a loop from the host: for every event a condition, a copy of its outcome to the host and
    launches. The loops are asked to be captured in one CUDA graph instead, unless ``JAXSIM_GPU_GRAPH=off``.
    """
    if device.platform in ("gpu", "cuda"):
        return {} if os.environ.get(GRAPH_SWITCH, "").lower() == "off" else {"xla_gpu_enable_command_buffer": CAPTURED}
    if device.platform != "cpu":
        return {}
    return {"xla_cpu_prefer_vector_width": 512, "xla_disable_hlo_passes": "cpu-parallel-task-assigner"}

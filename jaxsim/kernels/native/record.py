"""The list of events of one trajectory, from the native event loop with a log."""

from dataclasses import replace

import jax
import numpy as np

from jaxsim.kernels.diagnosis import diagnose
from jaxsim.kernels.event_log import Log, empty_log, single_lane
from jaxsim.kernels.native.driver import addresses_of
from jaxsim.kernels.native.kernel import Written, native_width
from jaxsim.kernels.native.law import trace
from jaxsim.kernels.native.parts import compile_parts, memory_of
from jaxsim.kernels.program import Program
from jaxsim.kernels.state import Inputs

FOREVER = 1 << 62  # iterations


def record_natively(program: Program, inputs: Inputs, length: int) -> Log:
    """Run the call's first trajectory on the native backend and log its events, in double precision."""
    program = replace(single_lane(program), lanes=native_width())
    kernel = Written(trace(program, inputs, log=length), native_width()).compiled()
    parts = compile_parts(program, inputs, kernel)
    tables = parts.tables(inputs)
    batch = parts.memory(tables)
    queue = np.flatnonzero(parts.begin(inputs, batch, tables, 0)).astype(np.int32)
    log = jax.tree.map(np.array, jax.jit(lambda: empty_log(program, length))())
    addresses = addresses_of(kernel, jax.tree.leaves((batch, log)))
    kernel.run(addresses, memory_of(tables.kernel), program.lanes, queue[:1], 0, FOREVER)
    log = log._replace(status=np.asarray(jax.jit(diagnose, static_argnums=0)(program, inputs, *batch)))
    return jax.tree.map(lambda leaf: leaf[..., :1] if leaf.ndim < 3 else leaf[:, :1], log)

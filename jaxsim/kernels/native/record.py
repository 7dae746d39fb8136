"""The list of events of one trajectory, from the native event loop with a log."""

import jax
import numpy as np

from jaxsim.kernels.diagnosis import diagnose
from jaxsim.kernels.events import Log, empty_log, single_lane
from jaxsim.kernels.native.driver import addresses_of, beginning, shared_arrays
from jaxsim.kernels.native.kernel import Written, native_width
from jaxsim.kernels.native.law import trace
from jaxsim.kernels.program import Program
from jaxsim.kernels.state import Inputs

FOREVER = 1 << 62  # iterations


def record_natively(program: Program, inputs: Inputs, length: int) -> Log:
    """Run the call's first trajectory on the native backend and log its events, in double precision."""
    program = single_lane(program)
    written = Written(trace(program, inputs, log=length), native_width())
    kernel = written.compiled()
    batch, goes, _ = jax.jit(beginning(program))(inputs, np.int32(0))
    log = jax.jit(lambda: empty_log(program, length))()
    tables = [np.asarray(array) for array in jax.jit(shared_arrays(written.law, kernel))(inputs, batch.given)]
    queue = np.flatnonzero(np.asarray(goes)).astype(np.int32)
    addresses = addresses_of(kernel, jax.tree.leaves((batch, log)))
    kernel.run(addresses, [array.ctypes.data for array in tables], 1, queue, 0, FOREVER)
    status = jax.jit(diagnose, static_argnums=0)(program, inputs, *batch)
    return log._replace(status=status)

"""The event loop on processors, as native code of vectors that is made from the steppers."""

from jaxsim.kernels.native.driver import Native, native, not_covered
from jaxsim.kernels.native.equations import NotCovered
from jaxsim.kernels.native.record import record_natively

__all__ = ["Native", "NotCovered", "native", "not_covered", "record_natively"]

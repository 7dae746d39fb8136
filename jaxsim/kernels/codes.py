"""What a lane may have pending besides a reaction.

From 0 on: reactions 0 to R-1, then R for entering a cell, then R+1+e for triggered event e of E, then R+1+E for
looking at the triggers at a moment at which one may switch, and R+2+E for looking at them again at the same moment.
"""

import numpy as np

NONE = np.int32(-1)
REJECTED = np.int32(-2)  # a proposal that thinning rejected
FAULT = np.int32(-3)  # from here down the lane has stopped
ABOVE = np.int32(-4)  # a rate exceeded its bound
NEGATIVE = np.int32(-5)  # a rate that varies in time was negative
TOO_OFTEN = np.int32(-6)  # an event waits to act more often than can be counted
TOO_FINE = np.int32(-7)  # events come faster than the clock can tell apart

"""Normal intervals of 95 %, by which every estimate of the package is reported."""

TWO_SIDED = 1.96  # standard errors from the middle of an interval of 95 % to its ends

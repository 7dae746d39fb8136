"""Exact methods, one file each: direct, thinning of rates that vary in time, blocked sums, partial propensities."""

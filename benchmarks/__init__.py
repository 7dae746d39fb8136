"""Benchmarks: each script is a module of this package, run from the repository as ``python -m benchmarks.AREA.NAME``."""

"""Benchmarks: each script is a module of this package, run from the repository, ``python -m benchmarks.AREA.NAME``."""

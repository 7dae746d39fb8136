"""Exact simulation beside other simulators, on cores and devices: events per second, laws, tables."""

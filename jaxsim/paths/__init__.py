"""Paths of a network, for estimators that walk along them: how much of each rate a path was exposed to."""

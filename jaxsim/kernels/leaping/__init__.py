"""Leaps over many events: how long a leap is, what fires in it, and the variants of the step."""

"""How wide to run and how to lay out the state: choices that change speed, never results."""

from typing import Any

from jaxsim.kernels import Saving
from jaxsim.network import Structure

BLOCKED_FROM = 48  # reactions; below, straight-line code is faster on every machine measured
FEW = 64  # trajectories below which a narrow program is compiled
CPU_COUNTS = 10_240  # counts that stay near the core: lanes times species
MOST_PER_CALL = 1 << 22
GPU_BYTES = 4 << 30
EVERY_EVENT_SPECIES = 3  # species up to which writing at each event beats looking for crossings
KEPT_BYTES = 64 << 20


def is_blocked(structure: Structure, general: bool) -> bool:
    """Return whether species and reactions are rows of arrays rather than variables of their own."""
    plain = not any(reaction.effects for reaction in structure.reactions)
    return plain and not general and len(structure.reactions) > BLOCKED_FROM


def lane_count(species: int, times: int, trajectories: int, backend: str) -> int:
    """Return how many trajectories run side by side."""
    if trajectories <= FEW:
        return FEW
    if backend == "cpu":
        return max(256, min(1024, 1 << (CPU_COUNTS // species).bit_length() - 1))
    grid = 0 if times == 1 else times
    per_lane = 4 * species * (grid + 2) + 64
    return max(1024, min(1 << 18, 1 << (GPU_BYTES // per_lane).bit_length() - 1))


def saving_for(times: int, species: int, blocked: bool) -> Saving:
    """Return how the save grid is written."""
    if times == 1:
        return Saving.FINAL
    return Saving.EVERY_EVENT if species <= EVERY_EVENT_SPECIES and not blocked else Saving.CROSSING


def call_size(request: Any, times: int, species: int) -> int | None:
    """Return how many trajectories every call runs, or None where calls may be of any size."""
    if request.chunk is not None:
        return int(request.chunk)
    if request.keep == "trajectories":  # a fixed number, so that other ensembles reuse the program
        return max(1, min(4096, KEPT_BYTES // (4 * times * species)))
    return None


def least_per_call(lanes: int, backend: str) -> int:
    """Return how many trajectories make the end of a call, when lanes idle, a small part of it."""
    return lanes * (8 if backend == "cpu" else 2)

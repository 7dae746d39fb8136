"""How wide to run and how to lay out the state: choices that change speed, never results."""

from typing import Any

from jaxsim.kernels import Arrangement, Saving, group
from jaxsim.network import Structure

ROWS_FROM = 48  # reactions; up to here, straight-line code is faster on every machine measured
GROUPS_WIDE = 128  # species from which fewer lanes stay near the core
GROUPS_FROM, GROUPS_SPECIES = 200, 1.5  # reactions, and reactions for each species, from which groups are faster
NATIVE_UP_TO = 128  # reactions that native code writes out one by one
NATIVE_BYTES = 4 << 20  # save grids of a batch: so many that what is done once for a batch costs little
FEW = 64  # trajectories below which a narrow program is compiled
CPU_COUNTS = 10_240  # counts that stay near the core: lanes times species
MOST_PER_CALL = 1 << 22
GPU_BYTES = 4 << 30
GPU_WIDTHS = tuple(1 << bits for bits in range(14, 23, 2))  # lanes: few programs, each for a range of ensembles
EVERY_EVENT_SPECIES = 3  # species up to which writing at each event beats looking for crossings
KEPT_BYTES = 64 << 20


def arrange_reactions(structure: Structure, general: bool, plain: bool) -> Arrangement:
    """Choose how reactions are laid out; `plain` tells that all lanes share constants, none of them negative."""
    effects = any(reaction.effects for reaction in structure.reactions)
    if general or effects or len(structure.reactions) <= ROWS_FROM:
        return Arrangement.SEPARATE
    many = len(structure.reactions) > GROUPS_FROM + GROUPS_SPECIES * len(structure.species)
    return Arrangement.GROUPS if plain and many and group(structure) is not None else Arrangement.ROWS


def lane_count(
    species: int, times: int, trajectories: int, backend: str, arrangement: Arrangement = Arrangement.SEPARATE
) -> int:
    """Return how many trajectories run side by side."""
    if trajectories <= FEW:
        return FEW
    if backend == "cpu":
        if arrangement is Arrangement.GROUPS:
            return 128 if species > GROUPS_WIDE else 256
        return max(256, min(1024, 1 << (CPU_COUNTS // species).bit_length() - 1))
    grid = 0 if times == 1 else times
    per_lane = 4 * species * (grid + 2) + 64
    # An iteration costs a GPU its launches, whatever the width, until memory is busy: one lane for each trajectory.
    wanted = next((width for width in GPU_WIDTHS if width >= trajectories), GPU_WIDTHS[-1])
    return max(1024, min(wanted, 1 << (GPU_BYTES // per_lane).bit_length() - 1))


def native_lanes(species: int, times: int, trajectories: int) -> int:
    """Return how many trajectories make a batch of the native backend."""
    if trajectories <= FEW:
        return FEW
    per_lane = 4 * species * (0 if times == 1 else times) + 256
    return max(256, min(2048, 1 << (NATIVE_BYTES // per_lane).bit_length() - 1))


def saving_for(times: int, species: int, arrangement: Arrangement) -> Saving:
    """Return how the save grid is written."""
    if times == 1:
        return Saving.FINAL
    few = species <= EVERY_EVENT_SPECIES and arrangement is Arrangement.SEPARATE
    return Saving.EVERY_EVENT if few else Saving.CROSSING


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

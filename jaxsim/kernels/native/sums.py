"""Sums of counts and of their squares over a batch, and first passages: what nearly every run asks for.

They are those of :class:`jaxsim.statistics.Moments` and :class:`jaxsim.statistics.Passage`. XLA walks the save grid a
dozen times for them, one time after another; here a save time is added while its rows pass by, and rows that were not
written take the row before.
"""

import ctypes
from functools import lru_cache
from typing import Any

import numpy as np

from jaxsim.kernels.native.builder import Builder
from jaxsim.kernels.native.grid_walk import GIVEN, LONG, WIDTH, WORD, accumulate, gathered, rows_of, walk
from jaxsim.kernels.native.kernel import compile_text
from jaxsim.kernels.saving import UNWRITTEN
from jaxsim.statistics.moments import MomentSums
from jaxsim.statistics.passage import PassageSums

_FEW = 4  # species up to which trajectories are added side by side
CHUNK = 16  # columns of more species that are


def add_moments(sums: MomentSums, grid: np.ndarray, limits: np.ndarray) -> MomentSums:
    """Return the sums with the trajectories of a batch added.

    Parameters
    ----------
    sums
        NumPy arrays.
    grid
        int32 [time, lane, species]; rows without an entry hold UNWRITTEN in their first column.
    limits
        int64 [lane]: how many save times of the lane count.
    """
    times, lanes, species = grid.shape
    rows = np.zeros((lanes,), np.int64)
    if species <= _FEW and lanes % WIDTH == 0:
        walked = np.zeros((3, species, times, WIDTH), np.int64)
        call, engine = _compiled_walk(species)
        arrays = (grid, limits, rows, rows, walked)
        call((ctypes.c_void_p * GIVEN)(*(array.ctypes.data for array in arrays)), None, times, lanes)
        first, low, high = np.sum(walked, axis=3)
    else:
        added = np.zeros((3, times, species), np.int64)
        call, engine = _compiled(species)
        arrays = (grid, limits, rows, *added)
        call(*(array.ctypes.data for array in arrays), times, lanes)
        first, low, high = (part.T for part in added)
    del engine  # held until here: a thread may have compiled the same, and its machine code with it
    counted = np.sum(limits[None, :] > np.arange(times)[:, None], axis=1)
    return MomentSums(
        sums.count + counted,
        sums.first + first,
        sums.second_low + low.astype(np.uint64),
        sums.second_high + high.astype(np.uint64),
    )


def add_passages(sums: PassageSums, found: np.ndarray, finished: np.ndarray, times: np.ndarray) -> PassageSums:
    """Return the sums with the trajectories of a batch added.

    Parameters
    ----------
    sums
        NumPy arrays.
    found
        float64 [passage, lane]: infinite where the condition never held.
    finished
        bool [lane]: which count.
    times
        The save times.
    """
    found = found[:, finished]
    surviving = np.zeros((len(found), len(times)), np.int64)
    for row, first in zip(surviving, found, strict=True):
        before = np.bincount(np.searchsorted(times, first), minlength=len(times) + 1)  # save times before the passage
        row[:] = first.size - np.cumsum(before)[: len(times)]
    value = np.where(np.isfinite(found), found, 0.0)
    return PassageSums(
        sums.count + np.int64(np.sum(finished)),
        sums.surviving + surviving,
        sums.passed + np.sum(np.isfinite(found), axis=1),
        sums.first + np.sum(value, axis=1),
        sums.second + np.sum(value * value, axis=1),
    )


@lru_cache(maxsize=_FEW)
def _compiled_walk(species: int) -> tuple[Any, Any]:
    """Return the function for few species, and what holds its machine code: trajectories side by side."""
    b = Builder(WIDTH)
    row, mask = rows_of(b, species)
    for s in range(species):
        x = gathered(b, b.operate("add", LONG, row, b.constant(LONG, s)))
        x = b.select(LONG, mask, b.convert(x, WORD, LONG), b.constant(LONG, 0))
        square = b.operate("mul", LONG, x, x)
        accumulate(b, LONG, f"first{s}", x)
        accumulate(b, LONG, f"low{s}", b.operate("and", LONG, square, b.constant(LONG, (1 << 32) - 1)))
        accumulate(b, LONG, f"high{s}", b.operate("lshr", LONG, square, b.constant(LONG, 32)))
    parts = [f"{part}{s}" for part in ("first", "low", "high") for s in range(species)]
    engine, address = compile_text(walk(b, GIVEN, 0, parts, LONG))
    pointer = ctypes.c_void_p
    return ctypes.CFUNCTYPE(None, pointer, pointer, ctypes.c_int64, ctypes.c_int64)(address), engine


@lru_cache(maxsize=64)
def _compiled(species: int) -> tuple[Any, Any]:
    """Return the function for so many species, and what holds its machine code."""
    engine, address = compile_text(_text(species))
    kind = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 6, ctypes.c_int64, ctypes.c_int64)
    return kind(address), engine


def _text(species: int) -> str:
    arrays = ("grid", "limits", "rows", "first", "low", "high")
    head = f"define void @run({', '.join(f'ptr noalias %{name}' for name in arrays)}, i64 %times, i64 %lanes) {{"
    starts = list(range(0, species, CHUNK))
    chunks = [
        CHUNK_TEXT.replace("$UNWRITTEN", str(int(UNWRITTEN)))
        .replace("$N", str(number))
        .replace("$C", str(start))
        .replace("$W", str(min(CHUNK, species - start)))
        .replace("$S", str(species))
        .replace("$E", f"chunk{number + 1}" if number + 1 < len(starts) else "exit")
        for number, start in enumerate(starts)
    ]
    return "\n".join([head, "entry:", "  br label %chunk0", *chunks, "exit:", "  ret void", "}", ""])


CHUNK_TEXT = """chunk$N:
  br label %time$N
time$N:
  %k$N = phi i64 [ 0, %chunk$N ], [ %knext$N, %timeend$N ]
  %base$N = mul i64 %k$N, %lanes
  br label %lane$N
lane$N:
  %l$N = phi i64 [ 0, %time$N ], [ %lnext$N, %laneend$N ]
  %first$N = phi <$W x i64> [ zeroinitializer, %time$N ], [ %firstnext$N, %laneend$N ]
  %low$N = phi <$W x i64> [ zeroinitializer, %time$N ], [ %lownext$N, %laneend$N ]
  %high$N = phi <$W x i64> [ zeroinitializer, %time$N ], [ %highnext$N, %laneend$N ]
  %limitp$N = getelementptr i64, ptr %limits, i64 %l$N
  %limit$N = load i64, ptr %limitp$N
  %counts$N = icmp slt i64 %k$N, %limit$N
  br i1 %counts$N, label %add$N, label %laneend$N
add$N:
  %cell$N = add i64 %base$N, %l$N
  %place$N = mul i64 %cell$N, $S
  %markp$N = getelementptr i32, ptr %grid, i64 %place$N
  %mark$N = load i32, ptr %markp$N
  %written$N = icmp ne i32 %mark$N, $UNWRITTEN
  %rowp$N = getelementptr i64, ptr %rows, i64 %l$N
  %before$N = load i64, ptr %rowp$N
  %row$N = select i1 %written$N, i64 %place$N, i64 %before$N
  store i64 %row$N, ptr %rowp$N
  %from$N = add i64 %row$N, $C
  %xp$N = getelementptr i32, ptr %grid, i64 %from$N
  %x32$N = load <$W x i32>, ptr %xp$N, align 4
  %x$N = sext <$W x i32> %x32$N to <$W x i64>
  %square$N = mul <$W x i64> %x$N, %x$N
  %lower$N = and <$W x i64> %square$N, splat (i64 4294967295)
  %upper$N = lshr <$W x i64> %square$N, splat (i64 32)
  %firstadd$N = add <$W x i64> %first$N, %x$N
  %lowadd$N = add <$W x i64> %low$N, %lower$N
  %highadd$N = add <$W x i64> %high$N, %upper$N
  br label %laneend$N
laneend$N:
  %firstnext$N = phi <$W x i64> [ %first$N, %lane$N ], [ %firstadd$N, %add$N ]
  %lownext$N = phi <$W x i64> [ %low$N, %lane$N ], [ %lowadd$N, %add$N ]
  %highnext$N = phi <$W x i64> [ %high$N, %lane$N ], [ %highadd$N, %add$N ]
  %lnext$N = add i64 %l$N, 1
  %lmore$N = icmp slt i64 %lnext$N, %lanes
  br i1 %lmore$N, label %lane$N, label %timeend$N
timeend$N:
  %rowof$N = mul i64 %k$N, $S
  %to$N = add i64 %rowof$N, $C
  %firstp$N = getelementptr i64, ptr %first, i64 %to$N
  store <$W x i64> %firstnext$N, ptr %firstp$N, align 8
  %lowp$N = getelementptr i64, ptr %low, i64 %to$N
  store <$W x i64> %lownext$N, ptr %lowp$N, align 8
  %highp$N = getelementptr i64, ptr %high, i64 %to$N
  store <$W x i64> %highnext$N, ptr %highp$N, align 8
  %knext$N = add i64 %k$N, 1
  %kmore$N = icmp slt i64 %knext$N, %times
  br i1 %kmore$N, label %time$N, label %$E
"""
"""Some columns: for every save time all lanes, the sums in registers."""

"""Forty lines of scalar C++ for birth-death with a save grid: what one core does without a framework; float32."""

import ctypes
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.peers import Outcome, Unsupported, outcome

OWN_THREADS = False

STREAMS = (
    1 << 41
)  # where its streams begin: the numba peers use the same generator, and all are compared as independent

SOURCE = r"""
#include <cmath>
#include <cstdint>
struct Xoshiro {
  uint64_t s[4];
  static uint64_t mix(uint64_t y) {
    y = (y ^ (y >> 30)) * 0xBF58476D1CE4E5B9ull; y = (y ^ (y >> 27)) * 0x94D049BB133111EBull; return y ^ (y >> 31);
  }
  explicit Xoshiro(uint64_t number) {
    uint64_t z = mix(mix(number + 0x1234567) ^ 0xD1342543DE82EF95ull);
    for (auto &word : s) word = mix(z += 0x9E3779B97F4A7C15ull);
  }
  static uint64_t rotate(uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }
  float uniform() {
    uint64_t word = rotate(s[0] + s[3], 23) + s[0], shifted = s[1] << 17;
    s[2] ^= s[0]; s[3] ^= s[1]; s[1] ^= s[2]; s[0] ^= s[3]; s[2] ^= shifted; s[3] = rotate(s[3], 45);
    return ((word >> 40) + 0.5f) * 0x1p-24f;
  }
};
extern "C" int64_t simulate(int64_t n, int64_t first, float birth, float death, int32_t start, double end,
                            int64_t points, int32_t *out) {
  int64_t events = 0;
  const double interval = end / points;
  for (int64_t i = 0; i < n; i++) {
    Xoshiro random(first + i);
    double t = 0;
    int32_t x = start, *row = out + i * points;
    for (int64_t p = 0;;) {
      const float total = birth + death * x;
      t -= logf(random.uniform()) / total;
      while (p < points && (p + 1) * interval < t) row[p++] = x;
      if (t > end) { while (p < points) row[p++] = x; break; }
      x += random.uniform() * total < birth ? 1 : -1;
      events++;
    }
  }
  return events;
}
"""


def available():
    if shutil.which("g++") is None:
        raise Unsupported("g++ is not installed")


def prepare(case):
    if [step.equation for step in case.steps] != ["-> X", "X ->"]:
        raise Unsupported("this reference is written for birth-death alone")
    simulate = build()
    birth, death = (ctypes.c_float(step.rate) for step in case.steps)

    def run(n: int, seed: int) -> Outcome:
        saved = np.empty((n, case.save_points), np.int32)
        where = saved.ctypes.data_as(ctypes.c_void_p)
        end, start = ctypes.c_double(case.time), ctypes.c_int32(case.initial["X"])
        points, first = ctypes.c_int64(case.save_points), ctypes.c_int64(STREAMS + seed * n)
        events = simulate(ctypes.c_int64(n), first, birth, death, start, end, points, where)
        return outcome(saved[:, -1], events)

    run.batch = 1
    return run


def build():
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "scalar.so"
        flags = ["-O3", "-march=native", "-ffast-math", "-shared", "-fPIC", "-x", "c++", "-"]
        subprocess.run(["g++", *flags, "-o", str(library)], input=SOURCE, text=True, check=True)
        simulate = ctypes.CDLL(str(library)).simulate
    simulate.restype = ctypes.c_int64
    return simulate

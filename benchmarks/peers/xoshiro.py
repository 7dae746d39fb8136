"""xoshiro256++ (Blackman and Vigna 2021) for the numba kernels, one stream per trajectory."""

import numba
import numpy as np

U = np.uint64


@numba.njit(inline="always")
def _rotate(x, k):
    return (x << U(k)) | (x >> U(64 - k))


@numba.njit(inline="always")
def uniform(s):
    """A float64 in the open (0, 1) from the state `s` (4 words), which moves on."""
    word = _rotate(s[0] + s[3], 23) + s[0]
    shifted = s[1] << U(17)
    s[2] ^= s[0]
    s[3] ^= s[1]
    s[1] ^= s[2]
    s[0] ^= s[3]
    s[2] ^= shifted
    s[3] = _rotate(s[3], 45)
    return (np.float64(word >> U(11)) + 0.5) * (1.0 / 9007199254740992.0)


@numba.njit
def _mix(y):
    y = (y ^ (y >> U(30))) * U(0xBF58476D1CE4E5B9)
    y = (y ^ (y >> U(27))) * U(0x94D049BB133111EB)
    return y ^ (y >> U(31))


@numba.njit
def seed_stream(s, number):
    """Fill `s` for stream `number`, hashed first: splitmix of neighbours would share three of the four words."""
    z = _mix(_mix(U(number) + U(0x1234567)) ^ U(0xD1342543DE82EF95))
    for i in range(4):
        z += U(0x9E3779B97F4A7C15)
        s[i] = _mix(z)

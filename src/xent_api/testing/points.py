"""At which numbers the functions of a namespace are measured: the strata, by name.

All are drawn with a fixed seed, so that two reports measure the same points. Of 16-bit dtypes every
number is taken where a function has one argument.
"""

import math
import struct
from collections.abc import Iterable, Iterator
from functools import lru_cache
from random import Random

from .._checks.dtypes import FLOATING, round_to
from .ulp import smallest_normal

Point = tuple[float, ...]
EACH = {"float64": 400, "float32": 4000}
"""Points of a stratum, 1000 in other dtypes: the yardstick of float64 takes 30 µs a point."""
SEED = 20261129
LONG = 1 << 16
"""Numbers in a sum."""


class Strata:
    """Random numbers of a dtype."""

    def __init__(self, dtype: str) -> None:
        self.dtype, self.random = dtype, Random(SEED)
        self.digits, least, self.largest = FLOATING[dtype]
        self.count = EACH.get(dtype, 1000)
        self.tiny, self.normal = math.ldexp(1.0, least), smallest_normal(dtype)

    def uniform(self, low: float, high: float) -> Iterator[float]:
        """Yield numbers of equal density."""
        return (self.random.uniform(low, high) for _ in range(self.count))

    def sizes(self, low: float, high: float) -> Iterator[float]:
        """Yield positive numbers whose logarithms have equal density."""
        return (2.0**u for u in self.uniform(math.log2(low), math.log2(high)))

    def rounded(self, *strata: Iterable[float]) -> list[Point]:
        """Return the numbers of the dtype that are nearest to those of the strata, each once."""
        found = (round_to(x, self.dtype) for stratum in strata for x in stratum)
        return [(x,) for x in dict.fromkeys(found)]

    def step(self, x: float) -> float:
        """Return the distance from a number of the dtype to the next larger one in magnitude."""
        return max(math.ldexp(1.0, math.frexp(x)[1] - self.digits), self.tiny)


def signed(numbers: Iterable[float]) -> Iterator[float]:
    """Yield the numbers with changing signs."""
    return (-x if i % 2 else x for i, x in enumerate(numbers))


def exp_points(dtype: str) -> list[Point]:
    """Return points where exp(x) is a number.

    Over that range, of all sizes, and multiples of log(2)/2 with their neighbours: there the
    reduction of the argument changes.
    """
    s = Strata(dtype)
    low, high = math.log(s.tiny), math.log(s.largest)
    half = math.log(2.0) / 2
    multiples = range(math.ceil(low / half), int(high / half) + 1)
    every = max(1, 3 * len(multiples) // s.count)
    edges = [round_to(half * k, dtype) for k in multiples[::every]]
    both = (x + sign * s.step(x) for x in edges for sign in (-1, 0, 1) if low < x < high)
    return s.rounded(s.uniform(low, high), signed(s.sizes(s.normal, high)), both)


def log_points(dtype: str) -> list[Point]:
    """Return positive points: of all sizes, subnormal ones, at all distances from 1."""
    s = Strata(dtype)
    near = (1.0 + x for x in signed(s.sizes(2.0**-s.digits, 0.5)))
    return s.rounded(s.sizes(s.normal, s.largest), s.sizes(s.tiny, s.normal), near)


def log1p_points(dtype: str) -> list[Point]:
    """Return points above -1: positive and negative ones of all sizes, and near -1."""
    s = Strata(dtype)
    negative = (-x for x in s.sizes(s.normal, 0.999))
    lowest = (-1.0 + x for x in s.sizes(2.0**-s.digits, 0.5))
    return [p for p in s.rounded(s.sizes(s.normal, s.largest), negative, lowest) if p[0] > -1.0]


def logaddexp_points(dtype: str) -> list[Point]:
    """Return pairs whose result does not cancel: one is positive, or both are below -1.5.

    Also of numbers whose exponentials are infinite or 0.
    """
    s = Strata(dtype)
    large = signed(s.sizes(80.0, s.largest / 4))
    larger = [*s.uniform(0.0, 80.0), *(-x for x in s.uniform(1.5, 80.0)), *large]
    near, far = ([*numbers] * 2 for numbers in (s.uniform(0.0, 20.0), s.sizes(2.0**-20, 80.0)))
    pairs = [(x, x - (far if i % 2 else near)[i // 2]) for i, x in enumerate(larger)]
    turned = (pair[:: (-1) ** (i // 2)] for i, pair in enumerate(pairs))
    return list(dict.fromkeys(tuple(round_to(x, dtype) for x in pair) for pair in turned))


@lru_cache(maxsize=1)
def every(dtype: str) -> list[float]:
    """Return all finite numbers of a 16-bit dtype."""
    shift, code = (16, "<f") if dtype == "bfloat16" else (0, "<e")
    size = "<I" if shift else "<H"
    found = (struct.unpack(code, struct.pack(size, n << shift))[0] for n in range(2**16))
    return [x for x in found if math.isfinite(x)]


def cast_points(source: str, dtype: str) -> list[float]:
    """Return numbers of `source` to be rounded to `dtype`.

    Of all sizes; at and next to the middle between two neighbours, also of subnormal ones; around
    the largest number and the middle beyond it.
    """
    if source in ("float16", "bfloat16"):
        return every(source)
    s, wide = Strata(dtype), Strata(source)
    s.count = wide.count = min(s.count, wide.count, 1000)
    if wide.digits <= s.digits:  # exact
        return [p[0] for p in wide.rounded(signed(wide.sizes(wide.tiny, wide.largest)))]
    sizes = [*s.sizes(s.tiny / 4, s.largest), *s.sizes(s.tiny / 4, 4 * s.normal)]
    middles = [x + s.step(x) / 2 for x in (round_to(x, dtype) for x in sizes) if x < s.largest / 2]
    middles.append(s.tiny / 2)
    beside = [x + sign * wide.step(x) for x in middles for sign in (-1, 1)]
    last = math.ldexp(1.0, math.frexp(s.largest)[1])
    edge = [last - (last - s.largest) * part for part in (0.0, 0.499, 0.5, 0.501, 1.0)]
    found = (round_to(x, source) for x in signed([*sizes, *middles, *beside, *edge]))
    return list(dict.fromkeys(found))


@lru_cache(maxsize=1)
def sums(dtype: str) -> dict[str, list[list[float]]]:
    """Return numbers to be added up."""
    random, digits = Random(SEED), FLOATING[dtype].digits
    scale = 2.0**-digits
    positive = [[random.getrandbits(digits) * scale for _ in range(LONG)] for _ in "12"]
    equal = [[round_to(x, dtype)] * LONG for x in (0.1, 1.0 / 3.0)]
    return {
        "of positive numbers": positive,
        "of both signs": [list(signed(values)) for values in positive],
        "of equal numbers": equal,
    }

"""A function of a namespace at all 2^32 numbers of float32: minutes, and NumPy.

The yardstick is NumPy's float64, whose functions are right to 2^-29 ulp of float32.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .carried import quiet
from .errors import Largest
from .float64 import ulp_errors
from .primitives import Measurement, flushed
from .targets import Target

DTYPE = "float32"
NAMES = ("exp", "log1p", "log", "expm1")
PIECE = 1 << 20
BINS = 1 << 8
"""In an ulp."""
LARGEST = 64
"""Ulp that have bins of their own."""
Wide = np.ndarray[Any, np.dtype[np.float64]]


@dataclass
class Swept(Measurement):
    """The errors of all numbers, of which only the figures are kept."""

    count: int = 0
    total: float = 0.0
    beyond: int = 0
    histogram: Any = field(default_factory=lambda: np.zeros(LARGEST * BINS, np.int64))

    @property
    def counted(self) -> int:
        """How many errors there are."""
        return self.count

    @property
    def mean(self) -> float:
        """The mean in ulp of the errors that are finite."""
        return self.total / max(1, self.count - self.beyond)

    @property
    def infinite(self) -> int:
        """How many results are infinite or NaN where a number is right, or the other way round."""
        return self.beyond

    @property
    def p99(self) -> float:
        """The error that 99 of 100 points do not exceed, rounded up to 1/256 ulp."""
        rank = math.ceil(0.99 * self.count)
        place = int(np.searchsorted(np.cumsum(self.histogram), rank))
        return (place + 1) / BINS if place < len(self.histogram) else math.inf

    def count_all(self, x: Wide, got: Wide, exact: Wide) -> None:
        """Count the errors at the numbers `x`."""
        errors = _errors(got, exact)
        finite = np.isfinite(errors)
        self.count += errors.size
        self.total += float(errors[finite].sum())
        self.beyond += int(errors.size - np.count_nonzero(finite))
        places = np.minimum(errors[finite] * BINS, len(self.histogram) - 1).astype(np.int64)
        self.histogram += np.bincount(places, minlength=len(self.histogram))
        at = int(errors.argmax())
        if self.largest is None or errors[at] > self.largest.error:
            values = (float(array[at]) for array in (got, exact))
            self.largest = Largest(float(errors[at]), (float(x[at]),), *values)


def sweep(
    target: Target,
    names: Sequence[str] = NAMES,
    say: Callable[[str], object] = lambda _: None,
    pieces: Sequence[int] = range(2**32 // PIECE),
) -> list[Swept]:
    """Measure functions of a namespace at all numbers of float32.

    Parameters
    ----------
    target : Target
        What to measure; it must have float32, and take NumPy's arrays.
    names : sequence of str
        Of "exp", "log1p", "log" and "expm1".
    say : callable
        Is told what is being done.
    pieces : sequence of int
        Which pieces of 2^20 numbers, in the order of their bits; by default all 4096.

    Returns
    -------
    list of Swept
        Subnormal numbers are left out where the namespace takes them for 0, and NaN.
    """
    takes_all = not flushed(target, DTYPE).arguments
    found = []
    with target.context(), quiet(), np.errstate(all="ignore"):
        for name in [name for name in names if hasattr(target.own, name)]:
            say(f"{name} at all numbers of float32\n")
            swept = Swept(DTYPE, name, exhaustive=len(pieces) == 2**32 // PIECE)
            for x in _numbers(pieces, takes_all=takes_all):
                right = getattr(np, name)(x.astype(np.float64))
                swept.count_all(x.astype(np.float64), _values(target, name, x), right)
            found.append(swept)
    return found


def _numbers(pieces: Sequence[int], *, takes_all: bool) -> Iterator[Any]:
    for piece in pieces:
        bits = np.arange(piece * PIECE, (piece + 1) * PIECE, dtype=np.uint32)
        x = bits.view(np.float32)
        kept = x == x
        if not takes_all:
            kept &= (x == 0.0) | (np.abs(x) >= 2.0**-126)
        if kept.any():
            yield x[kept]


def _values(target: Target, name: str, x: Any) -> Wide:
    got = getattr(target.own, name)(target.xp.asarray(x))
    for concrete in ("compute", "unwrap_numpy"):
        got = getattr(got, concrete)() if hasattr(got, concrete) else got
    values: Wide = np.asarray(got).astype(np.float64)
    return values


def _errors(got: Wide, right: Wide) -> Wide:
    """Return the errors in ulp; beyond the largest number an infinity is right."""
    beyond = (np.abs(right) > float(np.finfo(np.float32).max)) & np.isinf(got)
    right = np.where(beyond & ((got > 0) == (right > 0)), got, right)
    return ulp_errors(got, right, DTYPE, flushed=np.ones(got.shape, bool))

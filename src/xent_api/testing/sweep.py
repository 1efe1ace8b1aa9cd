"""A function of a namespace at all 2^32 numbers of float32: minutes, and NumPy.

The yardstick is NumPy's float64, whose functions are right to 2^-29 ulp of float32.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .carried import quiet, unpacked
from .errors import Largest
from .exact import FUNCTIONS
from .float64 import ulp_errors
from .primitives import Measurement, error_of, flushed
from .targets import Target
from .ulp import smallest_normal

DTYPE = "float32"
NAMES = ("exp", "log1p", "log", "expm1")
SMALLEST = 2.0**-149
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
    histogram: Any = field(default_factory=lambda: np.zeros(LARGEST * BINS + 1, np.int64))
    """Of finite errors; the last is for all that are larger."""

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
        return min(self.worst, (place + 1) / BINS if place < LARGEST * BINS else math.inf)

    def count_all(self, x: Wide, got: Wide, exact: Wide) -> None:
        """Count the errors at the numbers `x`."""
        x, got, exact = self._with_a_number(x, got, exact)
        if not x.size:
            return
        errors = ulp_errors(got, exact, DTYPE)
        for at in _below_a_power(x, got, exact):
            right = FUNCTIONS[self.function](float(x[at[0]]))
            errors[at] = error_of(float(got[at[0]]), right, DTYPE)
        finite = np.isfinite(errors)
        self.count += errors.size
        self.total += float(errors[finite].sum())
        self.beyond += int(errors.size - np.count_nonzero(finite))
        places = np.minimum(errors[finite] * BINS, LARGEST * BINS).astype(np.int64)
        self.histogram += np.bincount(places, minlength=len(self.histogram))
        at = int(errors.argmax())
        if self.largest is None or errors[at] > self.largest.error:
            values = (float(array[at]) for array in (got, exact))
            self.largest = Largest(float(errors[at]), (float(x[at]),), *values)

    def _with_a_number(self, x: Wide, got: Wide, exact: Wide) -> tuple[Wide, Wide, Wide]:
        """Leave out where none is right, and none there; and where a subnormal one is 0."""
        limit = exact.astype(np.float32)
        none = ~np.isfinite(limit) & ((got == limit) | (np.isnan(got) & np.isnan(limit)))
        size = np.abs(exact)
        flushed = (got == 0.0) & (size >= SMALLEST) & (size < smallest_normal(DTYPE))
        self.flushed += int(np.count_nonzero(flushed))
        kept = ~(none | flushed)
        return x[kept], got[kept], exact[kept]


def _below_a_power(x: Wide, got: Wide, exact: Wide) -> Iterator[Any]:
    """Yield places where float64 does not tell on which side of a power of 2 the exact value is.

    Below it an ulp is half of what it is above. Places with the same result, and arguments of one
    sign, have the same error.
    """
    (places,) = np.nonzero((np.abs(np.frexp(exact)[0]) == 0.5) & (got != exact))
    alike = np.stack([got[places], exact[places], np.signbit(x[places])])
    _, kinds = np.unique(alike, axis=1, return_inverse=True)
    for kind in range(kinds.max() + 1 if places.size else 0):
        yield places[kinds.ravel() == kind]


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
            try:
                for x in _numbers(pieces, takes_all=takes_all):
                    wide = x.astype(np.float64)
                    right = getattr(np, name)(wide)
                    swept.count_all(wide, _values(target, name, x), right)
            except Exception as error:  # noqa: BLE001 - a namespace may raise anything
                swept.problem = f"{type(error).__name__}: {error}"
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
    got = unpacked(getattr(target.own, name)(target.asarray(x, DTYPE)))
    for concrete in ("compute", "unwrap_numpy", "cpu", "asnumpy"):
        got = getattr(got, concrete)() if hasattr(got, concrete) else got
    values: Wide = np.asarray(got).astype(np.float64)
    return values

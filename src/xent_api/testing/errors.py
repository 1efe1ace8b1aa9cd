"""Errors of many results, in ulp."""

import math
from dataclasses import dataclass, field
from fractions import Fraction
from statistics import fmean
from typing import NamedTuple

from .ulp import Exact


class Largest(NamedTuple):
    """The largest error, in ulp."""

    error: float
    at: object
    """The input: a reference vector, or numbers."""
    got: float
    exact: Exact

    @property
    def nearest(self) -> float:
        """The exact value rounded to float64."""
        return nearest(self.exact)


@dataclass
class Errors:
    """The errors of one thing in one dtype, and the largest of them."""

    dtype: str
    errors: list[float] = field(default_factory=list, kw_only=True)
    """In ulp."""
    largest: "Largest | None" = field(default=None, kw_only=True)

    def add(self, error: float, at: object, got: float, exact: Exact) -> None:
        """Count an error at an input."""
        if self.largest is None or error > self.largest.error:
            self.largest = Largest(error, at, got, exact)
        self.errors.append(error)

    @property
    def counted(self) -> int:
        """How many errors there are."""
        return len(self.errors)

    @property
    def worst(self) -> float:
        """The largest error in ulp."""
        return 0.0 if self.largest is None else self.largest.error

    @property
    def mean(self) -> float:
        """The mean in ulp of the errors that are finite."""
        finite = [error for error in self.errors if error < math.inf]
        return fmean(finite) if finite else 0.0

    @property
    def infinite(self) -> int:
        """How many results are infinite or NaN where a number is right, or the other way round."""
        return self.errors.count(math.inf)

    @property
    def p99(self) -> float:
        """The error in ulp that 99 of 100 points do not exceed."""
        if not self.errors:
            return 0.0
        return sorted(self.errors)[math.ceil(0.99 * len(self.errors)) - 1]


def nearest(exact: Exact) -> float:
    """Return the number of float64 that is nearest to an exact one."""
    try:
        return float(exact)
    except OverflowError:
        return math.inf if Fraction(exact) > 0 else -math.inf


def hexadecimal(x: float) -> str:
    """Return a number as C and Python write it in hexadecimal, without zeros at the end.

    Examples
    --------
    >>> hexadecimal(1.5)
    '0x1.8p+0'
    """
    mantissa, separator, exponent = float(x).hex().partition("p")
    return f"{mantissa.rstrip('0').removesuffix('.')}p{exponent}" if separator else mantissa

"""Errors of many results, in ulp."""

import math
from dataclasses import dataclass, field
from statistics import fmean, median


@dataclass
class Errors:
    """The errors of one thing in one dtype, and where the largest is."""

    dtype: str
    errors: list[float] = field(default_factory=list, kw_only=True)
    """In ulp."""
    worst_at: object = field(default=None, kw_only=True)
    """The input of the largest error: a reference vector, or numbers."""

    def add(self, error: float, at: object) -> None:
        """Count an error at an input."""
        if not self.errors or error > self.worst:
            self.worst_at, self._worst = at, error
        self.errors.append(error)

    _worst: float = field(default=0.0, init=False, repr=False)

    @property
    def counted(self) -> int:
        """How many errors there are."""
        return len(self.errors)

    @property
    def worst(self) -> float:
        """The largest error in ulp."""
        return self._worst

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
    def median(self) -> float:
        """The median error in ulp."""
        return median(self.errors) if self.errors else 0.0

    @property
    def p99(self) -> float:
        """The error in ulp that 99 of 100 points do not exceed."""
        if not self.errors:
            return 0.0
        return sorted(self.errors)[math.ceil(0.99 * len(self.errors)) - 1]

"""The named primitives: what formulas ask for beyond the standard's functions.

A formula says what it needs. The lines below, of the standard's functions alone, serve any
namespace. Where a library has something faster or more exact, its namespace has a function of the
same name instead.
"""

import math
from typing import Any

from .._typing import Array, Namespace


class Ops:
    """A namespace with the primitives."""

    def __init__(self, xp: Namespace) -> None:
        self._xp = xp

    def __getattr__(self, name: str) -> Any:
        return getattr(self._xp, name)

    def log1p_unit(self, e: Array) -> Array:
        """Return log(1 + e) for 0 <= e <= 1."""
        return self.log1p(e)

    def zero_if_infinite(self, x: Array, factor: Array) -> Array:
        """Return x with 0 where it is infinite and its factor is 0: before the product inf*0.

        Doing it afterwards, or wherever the factor is 0, would lose the derivative in the factor.
        """
        return self.where(self.is_zero_times_infinity(factor, x), 0.0, x)

    def product_or_zero(self, factor: Array, x: Array) -> Array:
        """Return factor*x, and 0 where that is 0*inf."""
        return factor * self.zero_if_infinite(x, factor)

    def is_zero_times_infinity(self, factor: Array, x: Array) -> Array:
        """Tell where the product would be 0*inf."""
        # Not `isinf`: torch's compiler takes the elements one by one for it, a quarter of the time.
        return (self.abs(x) == math.inf) & (factor == 0.0)

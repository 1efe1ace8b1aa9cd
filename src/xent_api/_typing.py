"""Names for what the Array API standard leaves to each library.

The standard has no static types yet, so an array, its namespace, its dtype and its device are
`Any` under names that say which of them is meant.
"""

from collections.abc import Hashable
from typing import Any, Literal, Protocol, TypeAlias

Array: TypeAlias = Any
Namespace: TypeAlias = Any
DType: TypeAlias = Any
Device: TypeAlias = Any
Number: TypeAlias = int | float
Reduction: TypeAlias = Literal["none", "sum", "mean"]
Shape: TypeAlias = tuple[Any, ...]


class Program(Hashable, Protocol):
    """A pure function of primitives and arrays. Equal programs are the same function."""

    @property
    def rowwise(self) -> bool:
        """Whether the last axis of all arrays are classes, and a row of them is one thing."""

    def __call__(self, ops: Namespace, *operands: Array) -> tuple[Array, ...]:
        """Return the results."""

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
Reduction: TypeAlias = Literal["none", "sum", "mean", "weighted_mean"]
Shape: TypeAlias = tuple[Any, ...]
Constant: TypeAlias = tuple[float, str]
"""A number in a program, and what `float.hex` writes for it: 0.0 and -0.0 are equal, but programs
that are the same function have to be equal, and no others. (Both, since PyTorch 2.8's compiler does
not read the text.)"""


class Program(Hashable, Protocol):
    """A pure function of primitives and arrays: `results`. Equal programs are the same function.

    Calling the program itself is what PyTorch 2.8 and Paddle 3.3 cannot trace of a named tuple.
    """

    @property
    def rowwise(self) -> bool:
        """Whether the last axis of all arrays are classes, and a row of them is one thing."""

    def results(self, ops: Namespace, *operands: Array) -> tuple[Array, ...]:
        """Return the results."""

"""What a library provides to run graphs: a table of kernels, and how it makes arrays."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from .._typing import Array, DType, Namespace, Shape


class KernelTable(NamedTuple):
    """One library's kernels. Reductions and labels have one for each axis of the classes."""

    kernels: dict[str, Callable[..., Array]]
    """Name of an operation → function of its operands and `out`, which returns its result."""
    empty: Callable[[Shape, DType], Array]
    constant: Callable[[Any, DType], Any]
    """What stands for a number beside arrays of a dtype."""
    dtype: Callable[[DType], DType]
    """The one of several names of a dtype that its arrays have."""
    boolean: DType
    integer: Callable[[DType], DType]
    """The integers as wide as the numbers of a dtype."""
    index: DType
    """The integers that index arrays."""
    contiguous: Callable[[Array], bool]
    empty_like: Callable[[Array, DType], Array]
    """Memory laid out like an array."""
    broadcast_to: Callable[[Array, Shape], Array]
    last_first: Callable[[Array], Array]
    """The array with its last axis first, as a view."""
    no_log1p: frozenset[DType] = frozenset()
    """The dtypes of which the library has no `log1p` in vectors; it is made of other kernels."""


def for_both_axes(**kernels: Callable[..., Array]) -> dict[str, Callable[..., Array]]:
    """Return kernels of rows for classes in the first axis and in the last, under their names."""
    pairs = [(name, kernel, axis) for name, kernel in kernels.items() for axis in (0, 1)]
    return {f"{name}{axis}": partial(kernel, axis=axis) for name, kernel, axis in pairs}


def blend(xp: Namespace, mask: Array, source: Array, pattern: Array, out: Array) -> None:
    """Put into `out` the bits of `source` where `mask` is -1 (all set), `pattern` where it is 0.

    All are integers as wide as the numbers that they stand for. `out` may be the memory of `source`
    or `mask`, the latter if `pattern` is 0.
    """
    if not pattern:
        xp.bitwise_and(mask, source, out=out)
        return
    xp.bitwise_xor(source, pattern, out=out)
    xp.bitwise_and(out, mask, out=out)
    xp.bitwise_xor(out, pattern, out=out)

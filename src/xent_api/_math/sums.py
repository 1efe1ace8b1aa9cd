"""Sums over the classes, which are the last axis and keep it with one element.

Taken in a wider dtype, if there is one: of float32 in float64 no digit is lost. Libraries add up
float64 in ways of which some are off by 7 units in the last place for rows of 100, above all where
one number is nearly all of the sum, and some by 50, one number after the other.
"""

from collections.abc import Callable
from math import inf
from operator import add
from typing import Any

from .._typing import Array, DType, Namespace

MIN_SUM_BESIDE_1 = 2.0**-10
"""The sum of all but one, below which the 1 must not have been in it: float64 leaves 42 bits of it
in a sum, of which float32 takes 24."""


def row_sum(ops: Namespace, value: Array, wide: DType) -> Array:
    """Return the sum of numbers of one sign, in the dtype `wide`, to all its digits.

    Where that is their own, in two parts. The library's sum is added to each number and subtracted
    again, which rounds it to the last place of that sum. What is rounded so is added up exactly, in
    whatever order; what is left is of the size of one rounding error. (The first step of the sum of
    S. Rump, T. Ogita and S. Oishi, SIAM J. Sci. Comput. 31, 2008, for numbers of one sign. A bound
    that is known, as the number of classes for e, would save the first sum, but be too large where
    all are small.) Of numbers of both signs it has the digits of the library's sum.
    """
    total = ops.plain_row_sum(value, wide)
    if value.dtype == wide:
        # An infinite sum has no error to speak of, and no NaN is made on the way to it. (One of
        # more than half of the largest number is left as it is: what is added would overflow.)
        finite = ops.abs(total + total) < inf
        value, known = ops.where(finite, value, 0.0), ops.where(finite, total, 0.0)
        rounded = _rounded(ops, value, known)
        # A derivative needs one array for both sums: its two parts cancel.
        high, rounded = ops.recomputed(
            ops.plain_row_sum(rounded, wide), rounded, _rounded, value, known
        )
        low = ops.plain_row_sum(value - rounded, wide)
        # Each by itself: compilers may make a kernel of both that takes 4 times as long.
        total = total + ((high - known) + low)
    return total


def _rounded(_: Namespace, value: Array, total: Array) -> Array:
    """Return numbers rounded to the last place of their sum."""
    return (value + total) - total


def sum_excluding_max(ops: Namespace, e: Array, wide: DType) -> Array:
    """Return r, the sum of all `e` <= 1 without one of those that are 1.

    The floor is 1 where e is, and 0 elsewhere. That takes the ones out of the sum exactly, and
    leaves the derivative of e there: automatic differentiation sees the whole softmax.
    """
    ones = ops.floor(e)
    count = ops.astype(ops.plain_row_sum(ones, e.dtype), wide)
    return ops.row_sum(e - ones, wide) + (count - 1.0)


def sum_of_arrays(ops: Namespace, arrays: list[Array]) -> Array:
    """Return the sum of arrays as if it were rounded once, by D. Knuth's exact differences."""
    total = in_tree(add, arrays)
    finite = ops.abs(total + total) < inf  # as above
    value, error = in_tree(two_sum, [(ops.where(finite, array, 0.0), None) for array in arrays])
    return ops.where(finite, value if error is None else value + error, total)


def in_tree(join: Callable[[Any, Any], Any], parts: list[Any]) -> Any:
    """Return all parts joined, neighbours first: few of the roundings of a sum are in each number.

    One after the other, ten numbers lose 4.8 ulp in float32.
    """
    while len(parts) > 1:
        joined = [join(*pair) for pair in zip(parts[::2], parts[1::2], strict=False)]
        parts = joined + parts[len(joined) * 2 :]
    return parts[0]


def two_sum(
    first: tuple[Array, Array | None], second: tuple[Array, Array | None]
) -> tuple[Array, Array]:
    """Return the sum of two numbers and all that it and they were rounded by (D. Knuth)."""
    (one, one_error), (other, other_error) = first, second
    value = one + other
    of_other = value - one
    error = (one - (value - of_other)) + (other - of_other)
    for earlier in (one_error, other_error):
        error = error if earlier is None else error + earlier
    return value, error

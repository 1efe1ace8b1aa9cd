"""The named primitives: what formulas ask for beyond the standard's functions.

A formula says what it needs; the lines below, of the standard's functions alone, serve any
namespace. A library that has something faster or more exact has a subclass in its own room.

Arrays of rows have the classes in the last axis; what belongs to a row keeps that axis with one
element.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from .._typing import Array, DType, Namespace
from . import sums

T = TypeVar("T")


class LabelPlace(NamedTuple):
    """Where the label of each row is among its classes."""

    classes: Array
    """The numbers 0 to K - 1."""
    labels: Array
    """One of them for each row, in the same dtype; or any other number."""
    marker: Array
    """Where the label is not, in a form of the library's own."""


class Ops:
    """A namespace with the primitives."""

    def __init__(self, xp: Namespace) -> None:
        self._xp = xp

    def __getattr__(self, name: str) -> Any:
        return getattr(self._xp, name)

    def cast(self, x: Array, dtype: DType) -> Array:
        """Return x in a dtype, itself where it has it already."""
        return x if x.dtype == dtype else self.astype(x, dtype)

    # Elements

    def is_zero(self, x: Array) -> Array:
        """Tell where x is 0."""
        return x == 0.0

    def differs(self, x: Array, number: Array | float) -> Array:
        """Tell where x is not a number, or NaN."""
        return x != number

    def exp_neg_abs(self, x: Array, sign: Array) -> Array:
        """Return exp(-abs(x)), with `sign` * x for -abs(x).

        That has the derivative `sign` at 0, too, where the one of `abs` is a matter of convention.
        """
        return self.exp(sign * x)

    def log1p_unit(self, e: Array) -> Array:
        """Return log(1 + e) for 0 <= e <= 1."""
        return self.log1p(e)

    def over_one_plus(self, e: Array) -> Array:
        """Return e/(1 + e) for 0 <= e <= 1."""
        return e / (1.0 + e)

    def difference(self, x: Array, y: Array) -> tuple[Array, Array | None]:
        """Return x - y for abs(x) <= 1 and y of 0 or 1, and what it is rounded by, or None."""
        return x - y, None

    def log1p_minus_product(
        self, factor: Array | float | None, e: Array, x: Array, y: Array, rest: Array | None
    ) -> Array:
        """Return factor*log(1 + e) - x*(y + rest) for 0 <= e <= 1; None stands for 1 and for 0."""
        value = self.log1p_unit(e)
        return (value if factor is None else factor * value) - x * y

    def zero_if_infinite(self, x: Array, factor: Array) -> Array:
        """Return x with 0 where it is infinite and its factor is 0: before the product inf*0.

        Doing it afterwards, or wherever the factor is 0, would lose the derivative in the factor.
        """
        return self.where(self.is_zero_times_infinity(factor, x), 0.0, x)

    def for_product(self, x: Array, factor: Array) -> Array:
        """Do the same for an x of which nothing else is wanted than its product with the factor."""
        return self.zero_if_infinite(x, factor)

    def product_or_zero(self, factor: Array, x: Array) -> Array:
        """Return factor*x, and 0 where that is 0*inf."""
        return factor * self.for_product(x, factor)

    def is_zero_times_infinity(self, factor: Array, x: Array) -> Array:
        """Tell where the product would be 0*inf."""
        # Not `isinf`, for which a compiler may take the elements one by one: a quarter of the time.
        return (self.abs(x) == math.inf) & self.is_zero(factor)

    def quotient(self, numerator: Array, denominator: Array | float) -> Array:
        """Return numerator / denominator with 0/0 = 0; anything else is IEEE division.

        The 0/0 is taken out of the denominator, before the division, so that automatic
        differentiation meets no NaN either.
        """
        if isinstance(denominator, float) and abs(denominator) >= 1.0:
            return self.divided_by(numerator, denominator)  # A count: in no dtype is it 0.
        denominator = self.zeros_like(numerator) + denominator  # `where` wants an array
        empty = self.is_zero(numerator) & self.is_zero(denominator)
        return numerator / self.where(empty, 1.0, denominator)

    def mixture(self, one: Array, other: Array, share: float) -> Array:
        """Return one*(1 - share) + other*share of numbers >= 0, and the same of two that are equal.

        What is added to the larger part is no difference of which digits are lost.
        """
        if share <= 0.5:
            return one + (other - one) * share
        return other + (one - other) * (1.0 - share)

    def divided_by(self, x: Array, number: float) -> Array:
        """Return x / number, rounded once.

        Compilers and GPUs divide by a single number by multiplying with its rounded reciprocal, so
        that the same mean would differ by a bit from one whose denominator is an array.
        """
        return x / (self.zeros_like(x) + number)

    # Rows of classes

    def row_max(self, x: Array) -> Array:
        """Return the largest of each row."""
        return self.max(x, axis=-1, keepdims=True)

    def shift(self, x: Array, m: Array) -> Array:
        """Return x - m, which has to be 0 where x is the maximum m."""
        return x - m

    def plain_row_sum(self, x: Array, dtype: DType) -> Array:
        """Return the sum of each row as the library adds up in a dtype."""
        return self.sum(x, axis=-1, keepdims=True, dtype=dtype)

    def row_sum(self, x: Array, dtype: DType) -> Array:
        """Return the sum of each row of numbers of one sign, in a dtype, to all its digits."""
        return sums.row_sum(self, x, dtype)

    def sum_excluding_max(self, e: Array, dtype: DType) -> Array:
        """Return the sum of each row of e <= 1 without one of those that are 1."""
        return sums.sum_excluding_max(self, e, dtype)

    def log1p_rest(self, r: Array, size: int, dtype: DType) -> Array:
        """Return log(1 + r) to the digits of a dtype, for r, a sum of `size` - 1 numbers <= 1."""
        return self.log1p(r)

    def for_sending(self, x: Array) -> Array:
        """Return x as it lies in memory where it can be sent to another device."""
        return x

    # The label of a row

    def place(self, classes: Array, labels: Array, dtype: DType) -> LabelPlace:
        """Return where the labels are among the classes, for arrays of a dtype."""
        return LabelPlace(classes, labels, labels != classes)

    def take_label(self, x: Array, at: LabelPlace) -> Array:
        """Return x at the label; at one that is no class, x of any class, or 0."""
        last = at.classes.shape[-1] - 1
        return self.take_along_axis(x, self.clip(at.labels, 0, last), axis=-1)

    def take_class(self, x: Array, at: LabelPlace) -> Array:
        """Return what one array for all rows has at the label; for no class anything or nothing."""
        return self.take_label_by_sum(x, at)

    def take_label_by_sum(self, x: Array, at: LabelPlace) -> Array:
        """Return x at the label, or 0, by nothing but a sum of it and zeros."""
        return self.sum(self.where(at.marker, 0.0, x), axis=-1, keepdims=True, dtype=x.dtype)

    def zero_at_label(self, x: Array, at: LabelPlace) -> Array:
        """Return x with 0 at the label."""
        return self.where(at.marker, x, 0.0)

    def set_at_label(self, x: Array, at: LabelPlace, value: Array) -> Array:
        """Return x with a value of each row at its label."""
        return self.where(at.marker, x, value)

    # What compilers and automatic differentiation are told

    def stop_gradient(self, x: Array) -> Array:
        """Return x as a constant for derivatives."""
        return x

    def constant_unless(self, x: Array, varies: Callable[[], Array]) -> Array:
        """Return x, of which derivatives see a constant except where it `varies`."""
        return x

    def finite_if_weighted_by_0(self, x: Array, weights: Array) -> Array:
        """Return x, of which derivatives see nothing infinite where the weight is 0.

        They would multiply it by that 0.
        """
        return x

    def recomputed(
        self, after: Array, known: T, function: Callable[..., T], *arrays: Array
    ) -> tuple[Array, T]:
        """Return `after` and `known`, which is ``function(self, *arrays)``.

        A compiler that would keep whole arrays of what is `known` can be made to compute it again.
        """
        return after, known


class SummingOps(Ops):
    """The primitives of a namespace without `take_along_axis`."""

    take_label = Ops.take_label_by_sum


class DifferentiatedOps(Ops):
    """The primitives where the library may differentiate their lines."""

    def constant_unless(self, x: Array, varies: Callable[[], Array]) -> Array:
        """Return x, of which derivatives see a constant except where it `varies`."""
        return self.where(varies(), x, self.stop_gradient(x))

    def finite_if_weighted_by_0(self, x: Array, weights: Array) -> Array:
        """Return x with 0 where it is infinite and the weight is 0."""
        return self.zero_if_infinite(x, weights)

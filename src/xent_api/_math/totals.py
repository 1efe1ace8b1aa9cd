"""The programs around a sum: what is counted, and what it is divided by."""

from typing import NamedTuple

from .._typing import Array, Constant, DType, Namespace
from .masking import select, valid_positions
from .mean import divided


class CountProgram(NamedTuple):
    """The weight of each position, 0 where it is not kept; without weights, whether it is kept."""

    operands: tuple[str, ...]
    """Their names; the first one, the labels if any can be ignored, has the shape of all."""
    dtype: DType
    """The dtype of the weights; int8 where there are none."""
    weight: Constant | None
    """The weight if it is a number."""
    ignored: int | float | None
    aligned: bool
    """Whether the other operands are known to have the shape of the first."""

    @property
    def rowwise(self) -> bool:
        """Whether a row of classes is one thing: here elements are."""
        return False

    @property
    def counts(self) -> bool:
        """Whether the sum is a number of positions."""
        return self.weight is None and "weights" not in self.operands

    def results(self, ops: Namespace, *operands: Array) -> tuple[Array]:
        """Return the weights of the positions."""
        given: dict[str, Array] = dict(zip(self.operands, operands, strict=True))
        first = operands[0]
        keep = valid_positions(ops, first, given.get("mask"), self.ignored)
        if keep is None or (self.ignored is None and not self.aligned):
            # Mask and weights may be smaller than the labels that they are counted for.
            everywhere = ops.cast(ops.ones_like(first), self.dtype) != 0
            keep = everywhere if keep is None else keep & everywhere
        if "weights" in given:
            return (select(ops, keep, ops.cast(given["weights"], self.dtype), 0.0),)
        if self.weight is None:
            return (keep,)
        return (select(ops, keep, ops.astype(keep, self.dtype) * self.weight[0], 0.0),)


class DivisorProgram(NamedTuple):
    """What positions weigh, and 1 where that is 0: then nothing is kept, or all that is kept is 0.

    Divided by 0 that would be infinite on the way, or NaN, which some tools look for.
    """

    @property
    def rowwise(self) -> bool:
        """Whether a row of classes is one thing: here elements are."""
        return False

    def results(self, ops: Namespace, count: Array) -> tuple[Array]:
        """Return the divisor."""
        return (count + ops.cast(count == 0, count.dtype),)


class QuotientProgram(NamedTuple):
    """The last step of a mean: sum over denominator, rounded to the dtype of the result."""

    result_dtype: DType
    number: Constant | None
    """The denominator if it is a number."""

    @property
    def rowwise(self) -> bool:
        """Whether a row of classes is one thing: here elements are."""
        return False

    def results(self, ops: Namespace, total: Array, *denominator: Array) -> tuple[Array]:
        """Return the quotient of 0-d arrays."""
        number = None if self.number is None else self.number[0]
        mean = divided(ops, total, denominator[0] if denominator else number)
        return (ops.cast(mean, self.result_dtype),)

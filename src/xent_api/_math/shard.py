"""Rows whose classes lie on several devices: the primitives and programs of one device's part."""

from collections.abc import Callable, Iterable
from math import inf, nan
from typing import Any, NamedTuple

from .._shard import ClassShard, Collective
from .._typing import Array, DType, Namespace
from . import sums
from .ops import LabelPlace
from .program import WEIGHT_SLOPES, Differentiable


class ShardOps:
    """The primitives of rows of which this device has some of the classes.

    What a library has for its own rows serves each part. Of a part without classes the largest one
    is -inf, and the sum 0.
    """

    def __init__(
        self, ops: Namespace, shard: ClassShard, first: Array | int, classes: int, like: Array
    ) -> None:
        """Take the primitives of parts, and an array whose other axes are those of the rows."""
        self._ops, self._shard, self._first, self._like = ops, shard, first, like
        self._last = shard.size - classes

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ops, name)

    def row_max(self, x: Array) -> Array:
        """Return the largest of each row."""
        if not x.shape[-1]:
            return self._sent("max", self._zeros(x.dtype) - inf)
        return self._sent("max", self._ops.row_max(x))

    def plain_row_sum(self, x: Array, dtype: DType) -> Array:
        """Return the sum of each row as the library adds up in a dtype."""
        return self._summed(self._ops.plain_row_sum, x, dtype)

    def row_sum(self, x: Array, dtype: DType) -> Array:
        """Return the sum of each row, of parts that have all their digits."""
        return self._summed(self._ops.row_sum, x, dtype)

    def sum_excluding_max(self, e: Array, dtype: DType) -> Array:
        """Return the sum of each row of e <= 1 without one of those that are 1."""
        return sums.sum_excluding_max(self, e, dtype)

    def place(self, classes: Array, labels: Array, dtype: DType) -> LabelPlace:
        """Return where the labels are among the local classes; most are none of them."""
        first = self._first
        if not isinstance(first, int):
            first = self._ops.cast(first, labels.dtype)
        found: LabelPlace = self._ops.place(classes, labels - first, dtype)
        return found

    def take_label(self, x: Array, at: LabelPlace) -> Array:
        """Return x at the label, from the device that has it."""
        return self._taken(self._ops.take_label, x, at)

    def take_class(self, x: Array, at: LabelPlace) -> Array:
        """Return what one array for all rows has at the label, from the device that has it."""
        return self._taken(self._ops.take_class, x, at)

    def _summed(self, add_up: Callable[..., Array], x: Array, dtype: DType) -> Array:
        return self._sent("sum", add_up(x, dtype) if x.shape[-1] else self._zeros(dtype))

    def _taken(self, take: Callable[..., Array], x: Array, at: LabelPlace) -> Array:
        size = x.shape[-1]
        if not size:
            return self._sent("sum", self._zeros(x.dtype))
        is_local = (at.labels >= 0) & (at.labels < size)
        return self._sent("sum", self._ops.where(is_local, take(x, at), 0.0))

    def constant_unless(self, x: Array, varies: object) -> Array:
        """Return x: nobody differentiates these lines."""
        return x

    def _sent(self, name: str, part: Array) -> Array:
        """Return what a collective makes of a number of each row, which it takes without an axis.

        What belongs to the classes alone is sent for each row, so that all that is sent has one
        shape.
        """
        if part.ndim < self._like.ndim:
            part = self._zeros(part.dtype) + part
        if name == "sum" and not isinstance(self._first, int):
            part = self._ops.where(self._is_right(), part, nan)
        collective: Collective = getattr(self._shard, name)
        value = self._ops.for_sending(part[..., 0])
        shape, dtype, found = tuple(value.shape), value.dtype, collective(value)
        got_shape, got_dtype = getattr(found, "shape", None), getattr(found, "dtype", None)
        if got_shape is None or tuple(got_shape) != shape or got_dtype != dtype:
            got = type(found).__name__
            got = got if got_shape is None else f"{tuple(got_shape)}, {got_dtype}"
            raise ValueError(
                f"`{name}` must return an array of the shape and dtype that it takes, {shape}, "
                f"{dtype}; got {got}"
            )
        return found[..., None]

    def _is_right(self) -> Array:
        """Tell whether all local classes, from one that nobody could check, are among all."""
        return (self._first >= 0) & (self._first <= self._last)

    def _zeros(self, dtype: DType) -> Array:
        """Return a 0 of each row."""
        like = self._like
        if like.shape[-1]:
            return self._ops.zeros_like(self._ops.cast(like[..., :1], dtype))
        return self._ops.sum(self._ops.cast(like, dtype), axis=-1, keepdims=True)


class ShardProgram(NamedTuple):
    """A program of rows on the local classes.

    Its operands are those of the program, and `first` where that is an array.
    """

    program: Differentiable
    shard: ClassShard
    size: int
    """The number of local classes, by which a library may choose how to compute."""

    @property
    def operands(self) -> tuple[str, ...]:
        """The names of the operands."""
        first = () if isinstance(self.shard.first, int) else ("first",)
        return (*self.program.operands, *first)

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of the outputs."""
        return self.program.outputs

    @property
    def family(self) -> str:
        """The family of losses."""
        return self.program.family

    @property
    def compute(self) -> DType:
        """The dtype of what each class has."""
        return self.program.compute

    @property
    def wide(self) -> DType:
        """The dtype of what each row has."""
        return self.program.wide

    @property
    def rowwise(self) -> bool:
        """Whether a row of classes is one thing."""
        return True

    def results(self, ops: Namespace, *operands: Array) -> tuple[Array, ...]:
        """Return the outputs."""
        given = operands[: len(self.program.operands)]
        return self.program.results(self._over_devices(ops, operands), *given)

    def without_wide(self) -> "ShardProgram":
        """Return the program for where rows have no wider dtype."""
        return self._of(self.program.without_wide())

    def has_derivatives(self, operands: Iterable[str]) -> bool:
        """Tell whether there are those with respect to all these operands."""
        if self.outputs == ("weight",):
            return all(name in WEIGHT_SLOPES for name in operands)
        return self.program.has_derivatives(operands)

    def with_slope(self) -> "ShardProgram":
        """Return the program with the derivative with respect to the logits, besides."""
        return self._of(self.program.with_slope())

    def derivative(self, output: int, operand: str) -> "ShardProgram":
        """Return the program of the derivative of an output."""
        return self._of(self.program.derivative(output, operand))

    def pulled(
        self, ops: Namespace, slope: Array, cotangent: Array, operands: tuple[Array, ...]
    ) -> Array:
        """Return the cotangent of an operand from that of the output and its derivative."""
        given = operands[: len(self.program.operands)]
        return self.program.pulled(self._over_devices(ops, operands), slope, cotangent, given)

    def _of(self, program: Differentiable) -> "ShardProgram":
        return ShardProgram(program, self.shard, self.size)

    def _over_devices(self, ops: Namespace, operands: tuple[Array, ...]) -> ShardOps:
        *_, last = operands
        first = self.shard.first if len(operands) == len(self.program.operands) else last
        names = self.program.operands
        like = operands[names.index("logits" if "logits" in names else "labels")]
        return ShardOps(ops, self.shard, first, self.size, like)

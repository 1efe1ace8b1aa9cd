"""The backend that every other one starts from: it calls programs on whole arrays."""

import math
from collections.abc import Callable, Sequence
from typing import Any

from .._math.ops import Ops, SummingOps
from .._math.program import Differentiable
from .._math.shard import ShardProgram
from .._math.totals import QuotientProgram
from .._typing import Array, Device, DType, Namespace, Program, Shape
from .names import name_of

INT32_MAX = 2**31 - 1
Spec = tuple[DType, Shape]
Prepared = Callable[[tuple[Array, ...], tuple[Array, ...]], tuple[Array, ...] | None]
"""From operands and divisors to outputs; None where it cannot serve what it is given."""


class Backend:
    """How one array library runs a program, adds up its results, and presents its arrays.

    This class is the direct way, which is right for any namespace of the standard. A library that
    needs more has a subclass in a module of its own.
    """

    converter = "asarray"
    """The library's function that makes its arrays of others."""

    def __init__(self, xp: Namespace) -> None:
        kind = Ops if hasattr(xp, "take_along_axis") else SummingOps
        self.xp = xp
        # A namespace that a room has completed has the primitives, too.
        self.ops = xp if isinstance(xp, Ops) else kind(xp)

    def plan_key(self, array: Array) -> tuple[object, ...] | None:
        """Return all that checks and plans read of an array that `as_supported` returns as it is.

        None where plans are not to be kept.
        """
        return None

    def as_supported(self, array: Array) -> Array:
        """Return the array to compute with; raise TypeError for one that is not supported."""
        return array

    def device(self, array: Array) -> Device | None:
        """Return the device, or None where arrays need not share one or it is not known yet."""
        return getattr(array, "device", None)

    def creation(self, like: Array) -> dict[str, Any]:
        """Return the keywords that make a new array beside `like`."""
        device = self.device(like)
        return {} if device is None else {"device": device}

    def arange(self, size: int, dtype: DType, like: Array) -> Array:
        """Return the numbers 0 to size - 1, beside `like`."""
        beside = self.creation(like)
        if hasattr(self.xp, "arange"):
            return self.xp.arange(size, dtype=dtype, **beside)
        return self.xp.asarray(list(range(size)), dtype=dtype, **beside)

    def integral(self, like: Array) -> DType:
        """Return the default integer dtype of the device of `like`."""
        info = self.xp.__array_namespace_info__()
        return info.default_dtypes(device=self.device(like))["integral"]

    def class_numbers(self, size: int, labels: Array) -> Array:
        """Return the numbers of so many classes, in the last axis, to compare labels with."""
        integer = self.integral(labels)
        if name_of(labels.dtype) in ("int64", "uint64"):
            integer = self.xp.int64  # of which a narrower one would make other classes
        classes = self.arange(size, integer, labels)
        # All ranks are equal: a library can be told to refuse others.
        return self.xp.reshape(classes, (1,) * (labels.ndim - 1) + (-1,))

    def positions(self, labels: Array, axis: int) -> Array:
        """Return an array with an element for each row of labels, whose values do not matter."""
        if labels.shape[axis] == 0:
            labels = self.xp.astype(labels, self.xp.int8)  # booleans have no sum
            labels = self.xp.sum(labels, axis=axis, keepdims=True)
        return (labels if axis == -1 else self.xp.moveaxis(labels, axis, -1))[..., :1]

    def sized(self) -> bool:
        """Return False where a compiled call may serve other sizes: no plan may depend on them."""
        return True

    def is_weak(self, array: Array) -> bool:
        """Tell whether an array is a Python number whose dtype means nothing."""
        return False

    def loss_dtype(self, logits: Array) -> DType:
        """Return the dtype of a loss of these logits, where none is asked for."""
        return logits.dtype

    def accumulator(self, like: Array) -> DType | None:
        """Return float64 where the device of `like` has it, else None."""
        info = self.xp.__array_namespace_info__()
        return info.dtypes(device=self.device(like), kind="real floating").get("float64")

    def row_dtype(self, like: Array) -> DType | None:
        """Return the dtype in which what belongs to a row of classes is computed, or None."""
        return self.accumulator(like)

    def evaluate(
        self, program: Program, operands: tuple[Array, ...], summed: tuple[bool, ...]
    ) -> tuple[Array, ...]:
        """Run the program; add up those of its results that `summed` marks."""
        return self.totals(self.run(program, operands), summed)

    def prepared(
        self,
        program: Differentiable,
        finish: QuotientProgram,
        summed: tuple[bool, ...],
        specs: Sequence[Spec | None],
    ) -> Prepared | None:
        """Return what evaluates the program, and the last step of what is summed, faster.

        For operands of these dtypes and shapes; None for the numbers of the classes, which are then
        not given. None where there is nothing faster.
        """
        return None

    def totals(self, results: tuple[Array, ...], summed: tuple[bool, ...]) -> tuple[Array, ...]:
        """Return the results, with the sum for each of those that `summed` marks."""
        pairs = zip(results, summed, strict=True)
        return tuple(self.total(value) if add else value for value, add in pairs)

    def run(self, program: Program, operands: tuple[Array, ...]) -> tuple[Array, ...]:
        """Return the results of the program."""
        return program.results(self.ops, *operands)

    def run_part(self, program: ShardProgram, operands: tuple[Array, ...]) -> tuple[Array, ...]:
        """Return the results of rows of which other devices have classes, too.

        Here as constants for derivatives: those of what is sent would be wrong.
        """
        return self.run(program, tuple([self.ops.stop_gradient(value) for value in operands]))

    def total(self, value: Array) -> Array:
        """Return the sum of all elements, or the number of those that are true."""
        if self.xp.isdtype(value.dtype, "bool"):
            return self.count(value)
        return self.add_up(value, self.accumulator(value))

    def count(self, value: Array) -> Array:
        """Return the number of elements that are true, in the dtype of `count_dtype`."""
        dtype, ones = self.count_dtype(value), self.xp.astype(value, self.xp.int8)
        if self.xp.isdtype(dtype, "integral"):
            return self.xp.sum(ones)
        if ones.ndim > 1 and static_size(ones.shape[-1:]) is not None:
            ones = self.xp.sum(ones, axis=-1)  # what may be cast for the next sum is small then
        return self.xp.astype(self.xp.sum(ones, dtype=self.xp.int64), dtype)

    def count_dtype(self, like: Array) -> DType:
        """Return the dtype of a number of elements of `like`.

        That is the default integer dtype. Where it has 32 bits (``jax.numpy`` by default, MLX), a
        count beyond them would wrap around without an error: then it is the widest floating dtype.
        """
        xp, integer = self.xp, self.integral(like)
        largest = xp.iinfo(integer).max
        size = None if largest > INT32_MAX else static_size(tuple(like.shape))
        if largest > INT32_MAX or (size is not None and size <= largest):
            return integer
        wide = self.accumulator(like)
        return xp.float32 if wide is None else wide

    def add_up(self, value: Array, dtype: DType | None) -> Array:
        """Return the sum of floating elements in `dtype`, without one in their own."""
        if dtype is None:
            return pairwise_sum(self.xp, value)
        return self.xp.sum(value, dtype=dtype)


def static_size(shape: Shape) -> int | None:
    """Return the number of elements, or None where a dimension is unknown or a symbol."""
    return math.prod(shape) if all(isinstance(n, int) and n >= 0 for n in shape) else None


def pairwise_sum(xp: Namespace, value: Array) -> Array:
    """Return the sum by adding the second half to the first until one element is left.

    The error of a running sum grows like n, that of this one like log(n): without float64 it is
    what keeps a mean over millions of losses right to a few ulp.
    """
    flat = xp.reshape(value, (-1,))
    odd = xp.sum(flat[:0])
    while flat.shape[0] > 1:
        half = flat.shape[0] // 2
        odd = odd + xp.sum(flat[2 * half :])
        flat = flat[:half] + flat[half : 2 * half]
    return odd + xp.sum(flat)

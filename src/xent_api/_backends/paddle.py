"""Paddle: the direct way, on a namespace completed to the standard, and repaired.

Its tensors belong to no namespace. They are differentiated by plain autodiff of the formulas.
"""

import math
from typing import Any

import paddle

from .._math.ops import DifferentiatedOps, Ops
from .._typing import Array, Device, DType
from .base import Backend
from .inspection import Inspection

UNSIGNED = ("uint16", "uint32", "uint64")
"""What Paddle can do nothing with but cast it."""
INFO = Inspection(paddle, integral="int64", lacks=UNSIGNED)
LEAST_HALF = 2.0**-25
"""Half of the smallest float16."""


class Log1p(paddle.autograd.PyLayer):  # type: ignore[misc]
    """log(1 + x), which Paddle itself differentiates only once."""

    @staticmethod
    def forward(ctx: Any, x: Array) -> Array:
        """Return the logarithm."""
        ctx.save_for_backward(x)
        return paddle.log1p(x)

    @staticmethod
    def backward(ctx: Any, derivative: Array) -> Array:
        """Return its derivative, of operations that have one."""
        (x,) = ctx.saved_tensor()
        return derivative / (1.0 + x)


class PaddleOps(DifferentiatedOps):
    """Paddle's functions under the names, and with the arguments, of the standard."""

    def __array_namespace_info__(self) -> Inspection:
        """Return the standard's inspection."""
        return INFO

    def isdtype(self, dtype: DType, kind: Any) -> bool:
        """Tell whether a dtype is of a kind."""
        return INFO.isdtype(dtype, kind)

    def asarray(self, value: Any, *, dtype: DType | None = None) -> Array:
        """Return a tensor."""
        if isinstance(value, paddle.Tensor):
            return value if dtype is None else self.cast(value, dtype)
        return paddle.to_tensor(value, dtype)

    def stop_gradient(self, x: Array) -> Array:
        """Return x as a constant for derivatives."""
        return x.detach()

    def astype(self, x: Array, dtype: DType) -> Array:
        """Return the tensor in a dtype.

        Paddle 3.3 makes of some numbers below 2^-78 float16 numbers up to 7e-5.
        """
        if dtype == paddle.float16:
            x = self.where(paddle.abs(x) < LEAST_HALF, 0.0, x)
        return x.astype(dtype)

    def exp(self, x: Array) -> Array:
        """Return exp(x), and 0 where it is subnormal.

        There Paddle 3.3 gives 2.9e-39, at -inf too, or 5.6e-309 in float64.
        """
        least = paddle.finfo(x.dtype).tiny
        return self.where(x < math.log(least), 0.0, paddle.exp(x))

    def log1p(self, x: Array) -> Array:
        """Return log(1 + x)."""
        return Log1p.apply(x) if paddle.in_dynamic_mode() else paddle.log1p(x)

    def where(self, condition: Array, x: Array, y: Array) -> Array:
        """Return x where the condition is true, else y; numbers get the dtype of the other."""
        if isinstance(x, (int, float)):
            x = paddle.full([], x, y.dtype)
        if isinstance(y, (int, float)):
            y = paddle.full([], y, x.dtype)
        return paddle.where(condition, x, y)

    def sum(
        self,
        x: Array,
        *,
        axis: int | None = None,
        dtype: DType | None = None,
        keepdims: bool = False,
    ) -> Array:
        """Add up in `dtype`, by default integers in int64: Paddle adds up int8 in int8."""
        if dtype is None and INFO.isdtype(x.dtype, "integral"):
            dtype = paddle.int64
        return paddle.sum(x, axis, dtype, keepdims)

    def max(self, x: Array, *, axis: int | None = None, keepdims: bool = False) -> Array:
        """Return the maximum."""
        return paddle.max(x, axis, keepdims)

    def floor(self, x: Array) -> Array:
        """Return the floor, a constant: Paddle differentiates it only once."""
        return paddle.floor(x.detach())

    def full_like(self, x: Array, value: float) -> Array:
        """Return a tensor of one number: Paddle's own takes integers for float64."""
        return paddle.zeros_like(x) + paddle.full([], value, x.dtype)

    def row_max(self, x: Array) -> Array:
        """Return the largest of each row, with derivatives: Paddle has only first ones."""
        m = paddle.max(x.detach(), -1, keepdim=True)
        ties = x == m
        count = ties.astype(x.dtype).sum(-1, keepdim=True)
        return m + self.where(ties, x - m, 0.0).sum(-1, keepdim=True) / count

    take_label = Ops.take_label_by_sum
    """Paddle differentiates `take_along_axis` only once."""


class PaddleBackend(Backend):
    """Dense tensors, of dynamic and of static graphs."""

    converter = "to_tensor"

    def __init__(self) -> None:
        super().__init__(PaddleOps(paddle))

    def as_supported(self, array: Array) -> Array:
        """Return the tensor, if Paddle can compute with it."""
        if paddle.in_dynamic_mode() and not array.is_dense():
            raise TypeError("a dense tensor; got a sparse one: convert it with `to_dense`")
        if array.dtype in (getattr(paddle, name) for name in UNSIGNED):
            raise TypeError(
                f"a tensor that Paddle computes with; got {array.dtype}: cast it to int64"
            )
        return array

    def device(self, array: Array) -> Device:
        """Return the place, None in a static graph."""
        return array.place if paddle.in_dynamic_mode() else None

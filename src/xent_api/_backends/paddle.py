"""Paddle: the direct way, on a namespace completed to the standard, and repaired.

Its tensors belong to no namespace. They are differentiated by plain autodiff of the formulas.
"""

import math
from functools import partial
from typing import Any

import paddle

from .._math.ops import Ops
from .._typing import Array, Device, DType
from .inspection import Inspection
from .ownerless import CompletedOps, OwnerlessBackend

UNSIGNED = ("uint16", "uint32", "uint64")
"""What Paddle can do nothing with but cast it."""
FLOATING = {paddle.float16, paddle.bfloat16, paddle.float32, paddle.float64}
HALVES = {paddle.float16, paddle.bfloat16}
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


class Cast(paddle.autograd.PyLayer):  # type: ignore[misc]
    """`halved` as a rule: the derivatives are cast by it, too, and not those of its lines."""

    @staticmethod
    def forward(ctx: Any, x: Array, dtype: DType) -> Array:
        """Return x in a dtype."""
        ctx.dtype = x.dtype
        return halved(x, dtype)

    @staticmethod
    def backward(ctx: Any, derivative: Array) -> Array:
        """Return the derivative in the dtype of x."""
        return Cast.apply(derivative, ctx.dtype)


def halved(x: Array, dtype: DType) -> Array:
    """Return x from or in float16; Paddle 3.3 makes of some numbers below 2^-78 up to 7e-5."""
    if dtype == paddle.float16:
        x = paddle.where(paddle.abs(x) < LEAST_HALF, paddle.zeros_like(x), x)
    return x.astype(dtype)


class PaddleOps(CompletedOps):
    """Paddle's functions, repaired."""

    info = Inspection(paddle, integral="int64", lacks=UNSIGNED)

    def asarray(self, value: Any, *, dtype: DType | None = None) -> Array:
        """Return a tensor."""
        if isinstance(value, paddle.Tensor):
            return value if dtype is None else self.cast(value, dtype)
        return paddle.to_tensor(value, dtype)

    def stop_gradient(self, x: Array) -> Array:
        """Return x as a constant for derivatives."""
        return x.detach()

    def astype(self, x: Array, dtype: DType) -> Array:
        """Return the tensor in a dtype."""
        if paddle.float16 not in {x.dtype, dtype} or not {x.dtype, dtype} <= FLOATING:
            return x.astype(dtype)
        if paddle.in_dynamic_mode():
            return Cast.apply(x, dtype)
        back = partial(halved, dtype=x.dtype)
        return paddle.static.nn.static_pylayer(partial(halved, dtype=dtype), [x], back)

    def exp(self, x: Array) -> Array:
        """Return exp(x), and 0 where it is subnormal.

        There Paddle 3.3 gives 2.9e-39, at -inf too, or 5.6e-309 in float64. A product, and no
        `where`: its derivative is NaN where that of the row is.
        """
        least = paddle.finfo(x.dtype).tiny
        return paddle.exp(x) * (x >= math.log(least)).astype(x.dtype)

    def log1p(self, x: Array) -> Array:
        """Return log(1 + x)."""
        return Log1p.apply(x) if paddle.in_dynamic_mode() else paddle.log1p(x)

    def number(self, value: float, dtype: DType) -> Array:
        """Return a tensor of one number."""
        return paddle.full([], value, dtype)

    # With FLAGS_check_nan_inf a NaN or an infinity is an error in a tensor of constants, too.

    def where(self, condition: Array, x: Array, y: Array) -> Array:
        """Return x where the condition is true, else y; a NaN is made where it is needed."""
        if isinstance(y, float) and y != y and paddle.in_dynamic_mode():
            chosen = condition.astype(x.dtype)
            return x * (chosen / chosen)
        if getattr(x, "dtype", None) in HALVES:  # of which Paddle has no `where` on CPUs
            y = y if isinstance(y, (int, float)) else self.astype(y, paddle.float32)
            return self.astype(self.where(condition, self.astype(x, paddle.float32), y), x.dtype)
        return super().where(condition, x, y)

    def is_zero_times_infinity(self, factor: Array, x: Array) -> Array:
        """Tell where the product would be 0*inf."""
        return paddle.isinf(x) & self.is_zero(factor)

    # Paddle 3.3 takes float64 numbers for equal that differ by 1e-16.

    def is_zero(self, x: Array) -> Array:
        """Tell where x is 0."""
        return ~self.differs(x, 0.0)

    def differs(self, x: Array, number: Array | float) -> Array:
        """Tell where x is not a number, or NaN."""
        return ~((x >= number) & (x <= number))

    def sum(
        self,
        x: Array,
        *,
        axis: int | None = None,
        dtype: DType | None = None,
        keepdims: bool = False,
    ) -> Array:
        """Add up in `dtype`, by default integers in int64: Paddle adds up int8 in int8."""
        if dtype is None and self.isdtype(x.dtype, "integral"):
            dtype = paddle.int64
        return paddle.sum(x if dtype is None else self.cast(x, dtype), axis, keepdim=keepdims)

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
        rest = self.where(ties & ~paddle.isinf(m), x - m, 0.0)
        return m + rest.sum(-1, keepdim=True) / count

    take_label = Ops.take_label_by_sum
    """Paddle differentiates `take_along_axis` only once."""


class PaddleBackend(OwnerlessBackend):
    """Dense tensors, of dynamic and of static graphs."""

    converter = "to_tensor"

    def __init__(self) -> None:
        super().__init__(PaddleOps(paddle))

    def as_supported(self, array: Array) -> Array:
        """Return the tensor, if Paddle can compute with it."""
        if paddle.in_dynamic_mode() and not array.is_dense():
            raise TypeError("a dense tensor; got a sparse one: convert it with `to_dense`")
        if not paddle.in_dynamic_mode() and isinstance(array, paddle.Tensor):
            raise TypeError(
                "a tensor of the static graph; got an eager one, which `to_static` has not seen: "
                "pass it by name, and not by **"
            )
        if array.dtype in (getattr(paddle, name) for name in UNSIGNED):
            raise TypeError(
                f"a tensor that Paddle computes with; got {array.dtype}: cast it to int64"
            )
        return array

    def device(self, array: Array) -> Device:
        """Return the place, None in a static graph."""
        return array.place if paddle.in_dynamic_mode() else None

"""TensorFlow: the direct way, on a namespace completed to the standard.

Its tensors belong to no namespace. They are differentiated by plain autodiff of the formulas: of
nested tapes and custom rules TensorFlow sees the outer rule only (tensorflow#34503).
"""

from typing import Any

import tensorflow as tf

from .._math.ops import DifferentiatedOps
from .._typing import Array, DType
from .base import Backend
from .inspection import Inspection

INFO = Inspection(tf, integral="int32")


class TensorflowOps(DifferentiatedOps):
    """TensorFlow's functions under the names, and with the arguments, of the standard."""

    def __array_namespace_info__(self) -> Inspection:
        """Return the standard's inspection."""
        return INFO

    def isdtype(self, dtype: DType, kind: Any) -> bool:
        """Tell whether a dtype is of a kind."""
        return INFO.isdtype(dtype, kind)

    def iinfo(self, dtype: DType) -> DType:
        """Return what has the dtype's `min` and `max`."""
        return dtype

    def asarray(self, value: Any, *, dtype: DType | None = None) -> Array:
        """Return a tensor."""
        if dtype == tf.bool:  # into which numbers, and an empty list, are not converted
            return tf.cast(value, dtype)
        return tf.convert_to_tensor(value, dtype)

    def stop_gradient(self, x: Array) -> Array:
        """Return x as a constant for derivatives."""
        return tf.stop_gradient(x)

    def astype(self, x: Array, dtype: DType) -> Array:
        """Return the tensor in a dtype."""
        return tf.cast(x, dtype)

    def where(self, condition: Array, x: Array, y: Array) -> Array:
        """Return x where the condition is true, else y; numbers get the dtype of the other."""
        if isinstance(x, (int, float)):
            x = tf.constant(x, y.dtype)
        if isinstance(y, (int, float)):
            y = tf.constant(y, x.dtype)
        return tf.where(condition, x, y)

    def clip(self, x: Array, low: int, high: int) -> Array:
        """Return x, at least `low` and at most `high`."""
        return tf.clip_by_value(x, tf.cast(low, x.dtype), tf.cast(high, x.dtype))

    def isnan(self, x: Array) -> Array:
        """Tell where x is NaN."""
        return tf.math.is_nan(x)

    def log1p(self, x: Array) -> Array:
        """Return log(1 + x)."""
        return tf.math.log1p(x)

    def sum(
        self,
        x: Array,
        *,
        axis: int | None = None,
        dtype: DType | None = None,
        keepdims: bool = False,
    ) -> Array:
        """Add up in `dtype`, by default in int32 for narrower integers."""
        if dtype is None and x.dtype.is_integer and x.dtype.size < tf.int32.size:
            dtype = tf.int32
        return tf.reduce_sum(x if dtype is None else tf.cast(x, dtype), axis, keepdims)

    def max(self, x: Array, *, axis: int | None = None, keepdims: bool = False) -> Array:
        """Return the maximum."""
        return tf.reduce_max(x, axis, keepdims)

    def take_along_axis(self, x: Array, indices: Array, *, axis: int) -> Array:
        """Return the elements at the indices, along the last axis."""
        return tf.gather(x, indices, axis=axis, batch_dims=x.shape.rank - 1)

    def squeeze(self, x: Array, *, axis: int) -> Array:
        """Return x without an axis of one element."""
        return tf.squeeze(x, [axis])

    def moveaxis(self, x: Array, source: int, destination: int) -> Array:
        """Return x with an axis elsewhere."""
        order = list(range(x.shape.rank))
        order.insert(destination % len(order), order.pop(source))
        return tf.transpose(x, order)

    def arange(self, stop: int, *, dtype: DType) -> Array:
        """Return the numbers 0 to stop - 1."""
        return tf.range(stop, dtype=dtype)

    def full(self, shape: tuple[int, ...], value: float, *, dtype: DType) -> Array:
        """Return a tensor of one number."""
        return tf.fill(shape, tf.cast(value, dtype))

    def full_like(self, x: Array, value: float) -> Array:
        """Return a tensor of one number, of the shape and dtype of x."""
        return tf.fill(tf.shape(x), tf.constant(value, x.dtype))


class TensorflowBackend(Backend):
    """Tensors and variables; TensorFlow places operations, and copies what stands elsewhere."""

    converter = "convert_to_tensor"

    def __init__(self) -> None:
        super().__init__(TensorflowOps(tf))

    def as_supported(self, array: Array) -> Array:
        """Return the tensor, or that of a variable."""
        if array.shape.rank is None:
            raise TypeError("a tensor of a known number of dimensions")
        return tf.convert_to_tensor(array)

    def device(self, array: Array) -> None:
        """Tensors need not share a device."""
        return

"""TensorFlow: the direct way, on a namespace completed to the standard.

Its tensors belong to no namespace. They are differentiated by plain autodiff of the formulas: of
nested tapes and custom rules TensorFlow sees the outer rule only (tensorflow#34503).
"""

from typing import Any

import tensorflow as tf

from .._typing import Array, DType
from .inspection import Inspection
from .ownerless import CompletedOps, OwnerlessBackend


class TensorflowOps(CompletedOps):
    """TensorFlow's functions."""

    info = Inspection(tf, integral="int32")

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

    def number(self, value: float, dtype: DType) -> Array:
        """Return a tensor of one number."""
        return tf.constant(value, dtype)

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
        return tf.fill(shape, tf.constant(value, dtype))

    def full_like(self, x: Array, value: float) -> Array:
        """Return a tensor of one number, of the shape and dtype of x."""
        return tf.fill(tf.shape(x), tf.constant(value, x.dtype))


class TensorflowBackend(OwnerlessBackend):
    """Tensors and variables; TensorFlow places operations, and copies what stands elsewhere."""

    converter = "convert_to_tensor"

    def __init__(self) -> None:
        super().__init__(TensorflowOps(tf))

    def as_supported(self, array: Array) -> Array:
        """Return the tensor, or that of a variable."""
        if array.shape.rank is None:
            raise TypeError("a tensor of a known number of dimensions")
        if is_compared_as_a_whole(array):
            raise TypeError(
                "a tensor of a tf.function, or an eager one; got one of a graph in which == "
                "compares tensors and not their elements"
            )
        return tf.convert_to_tensor(array)

    def of_shape(self, labels: Array, like: Array) -> Array:
        """Return the labels; XLA leaves out the assertion, and graphs a reshape to itself."""
        found, wanted = tf.shape(labels), tf.shape(like)
        text = "`labels` must have the shape of `logits`, but for classes"
        with tf.control_dependencies([tf.debugging.assert_equal(found, wanted, text)]):
            return tf.reshape(labels, wanted)

    def device(self, array: Array) -> None:
        """Tensors need not share a device."""
        return


def is_compared_as_a_whole(tensor: Array) -> bool:
    """Tell whether == means identity: of a tensor that has a hash, as in graphs of TensorFlow 1."""
    try:
        hash(tensor)
    except TypeError:
        return False
    return True

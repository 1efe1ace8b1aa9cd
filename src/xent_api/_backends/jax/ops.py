"""JAX's primitives: what XLA would compute slowly, or lose digits of, said in another way."""

from collections.abc import Callable
from functools import partial, reduce
from operator import add
from typing import Any, TypeVar

import jax

from ..._math import sums
from ..._math.log1p import log1p, log1p_up_to
from ..._math.ops import DifferentiatedOps, LabelPlace, Ops
from ..._typing import Array, DType

T = TypeVar("T")

MAX_PART_CLASSES, MIN_PART_CLASSES = 2**13, 2**8
"""The most and, where there is a choice, the least classes of a part of a row."""
MIN_BLOCK_CLASSES, MAX_BLOCK_CLASSES = 16, 64
"""The neighbours that are added up first."""


@partial(jax.jit, inline=True)  # one call where arrays are computed line by line
def _arithmetic(e: Array) -> Array:
    return log1p(e, single=e.dtype.itemsize == 4)


_log1p_unit: Any = jax.custom_jvp(_arithmetic)
# Its lines are those of an approximation, the derivative of which has fewer digits.
_log1p_unit.defjvps(lambda tangent, _, e: tangent / (1.0 + e))


class JaxOps(Ops):
    """On every platform."""

    def log1p_unit(self, e: Array) -> Array:
        """Return log(1 + e) for 0 <= e <= 1, in arithmetic."""
        return _log1p_unit(e)

    def product_or_zero(self, factor: Array, x: Array) -> Array:
        """Return factor*x, and 0 where that is 0*inf.

        The outer `where` changes no value. Without it XLA stores the two factors; with it, their
        product: of 1000 classes that is a sixth of the time of loss and gradient.
        """
        off = self.is_zero_times_infinity(factor, x)
        return self.where(off, 0.0, factor * self.where(off, 0.0, x))

    def take_class(self, x: Array, at: LabelPlace) -> Array:
        """Return what one array for all rows has at the label; for no class that of another."""
        return self.take(x, self.clip(at.labels, 0, x.shape[-1] - 1))

    def shift(self, x: Array, m: Array) -> Array:
        """Return x - m, and 0 where x is the maximum.

        XLA computes x once more for this, if that is a product as of ``logits / temperature``, and
        its machine code then leaves out the rounding of the product: what is added prevents that.
        """
        return (x + (m - m)) - m


class DifferentiatedJaxOps(DifferentiatedOps, JaxOps):
    """For the lines that JAX differentiates."""

    def stop_gradient(self, x: Array) -> Array:
        """Return x as a constant for derivatives."""
        return jax.lax.stop_gradient(x)


class ShardedOps(JaxOps):
    """For a mesh with Explicit axes: no class and no row is looked up, cut out or put together."""

    take_label = take_class = Ops.take_label_by_sum


class DifferentiatedShardedOps(DifferentiatedJaxOps, ShardedOps):
    """For the lines that JAX differentiates there."""


class LongRowOps(JaxOps):
    """On CPUs: sums of long rows in parts.

    XLA's kernels of sums convert a row at a time to another dtype, in memory that beyond 128 KiB is
    new to the process each time.
    """

    def plain_row_sum(self, x: Array, dtype: DType) -> Array:
        """Return the sum of each row."""
        parts = None if dtype == x.dtype else self._parts(x)
        if parts is not None:
            x = self.opaque(self.sum(parts, axis=-1, dtype=dtype))
        return super().plain_row_sum(x, dtype)

    def opaque(self, x: Array) -> Array:
        """Return x behind a barrier: XLA computes again what it would else keep.

        One by one, since of arrays together none may vary over a mesh that others do not.
        """
        return jax.lax.optimization_barrier(x)

    def _parts(self, x: Array) -> Array | None:
        """Return long rows as several each, filled up if their classes are a prime; or None."""
        size = x.shape[-1]
        if not isinstance(size, int) or size <= 2 * MAX_PART_CLASSES:
            return None
        least = -(-size // MAX_PART_CLASSES)
        count = next((n for n in range(least, size // MIN_PART_CLASSES) if size % n == 0), least)
        x = self.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, -size % count)])
        # (Behind a barrier, since XLA would make one sum of two.)
        return self.opaque(self.reshape(x, (*x.shape[:-1], count, x.shape[-1] // count)))


class CpuOps(LongRowOps):
    """On CPUs, where XLA compiles the whole program."""

    def log1p_rest(self, r: Array, size: int, dtype: DType) -> Array:
        """Return log(1 + r), in arithmetic where float64 is rounded to float32 afterwards.

        XLA's is not vectorized in float64, nor is what is computed in one loop with it.
        """
        if r.dtype != self.float64 or dtype == self.float64 or not isinstance(size, int):
            return self.log1p(r)
        return log1p_up_to(self, r, size - 1.0)

    def recomputed(
        self, after: Array, known: T, function: Callable[..., T], *arrays: Array
    ) -> tuple[Array, T]:
        """Return `after`, and the function's results computed again.

        XLA would keep exponentials in memory for sums and gradient, which takes longer.
        """
        return self.opaque(after), function(self, *map(self.opaque, arrays))


class LabelOps(CpuOps):
    """For class indices of short rows: labels by arithmetic, without comparisons."""

    def place(self, classes: Array, labels: Array, dtype: DType) -> LabelPlace:
        """Return where the label is as 0, and 1 elsewhere."""
        distance = self.abs(self.astype(classes, dtype) - self.astype(labels, dtype))
        return LabelPlace(classes, labels, self.minimum(distance, self.ones_like(distance)))

    def zero_at_label(self, x: Array, at: LabelPlace) -> Array:
        """Return x with 0 at the label."""
        return x * at.marker

    def set_at_label(self, x: Array, at: LabelPlace, value: Array) -> Array:
        """Return x with a value of each row at its label."""
        return x * at.marker - value * (at.marker - 1.0)


class WholeRowOps(CpuOps):
    """For Hessians: rows stay whole. Parts of them would gather logits sharded by classes."""

    plain_row_sum = Ops.plain_row_sum


class DenseOps(CpuOps):
    """For a label of each class."""

    def log1p_rest(self, r: Array, size: int, dtype: DType) -> Array:
        """Return log(1 + r): in arithmetic XLA would compute it for each class."""
        return self.log1p(r)


class BlockOps(DenseOps):
    """For labels of each class of short rows."""

    def row_sum(self, x: Array, dtype: DType) -> Array:
        """Return the sum of each row, of neighbours first.

        For what XLA has in memory a sum of float32 in float64 takes twice as long. It is right to
        0.3 eps (1000 classes), in float32 alone to 1.4.
        """
        size = x.shape[-1]
        block = max(n for n in range(1, MAX_BLOCK_CLASSES + 1) if size % n == 0)
        if x.dtype != dtype and block >= MIN_BLOCK_CLASSES:
            blocks = self.reshape(x, (*x.shape[:-1], size // block, block))
            x = self.sum(blocks, axis=-1, dtype=x.dtype)
        return super().row_sum(x, dtype)

    def sum_excluding_max(self, e: Array, dtype: DType) -> Array:
        """Return the sum without one of those that are 1, of exponentials that are in no memory."""
        return DenseOps(self._xp).sum_excluding_max(e, dtype)


class UnrolledOps(CpuOps):
    """For a few classes: arithmetic between arrays of one class each.

    XLA takes that into its loops over all rows. On CPUs it would reduce short rows in loops of
    their own, which are not vectorized, and look up labels one by one.
    """

    def row_max(self, x: Array) -> Array:
        """Return the largest of each row."""
        return reduce(self.maximum, self._classes(x))

    def row_sum(self, x: Array, dtype: DType) -> Array:
        """Return the sum of each row.

        To all digits of float64; of up to three numbers in float32 as far as the bars ask for it.
        """
        return self.plain_row_sum(x, dtype)

    def plain_row_sum(self, x: Array, dtype: DType) -> Array:
        """Return the sum of each row."""
        parts = self._classes(x.astype(dtype))
        return (
            sums.sum_of_arrays(self, parts) if x.dtype == self.float64 else sums.in_tree(add, parts)
        )

    def take_label(self, x: Array, at: LabelPlace) -> Array:
        """Return x at the label, or at another class."""
        first, *others = self._classes(x)
        for number, value in enumerate(others, start=1):
            first = self.where(at.labels == number, value, first)
        return first

    take_class = take_label

    def _classes(self, x: Array) -> list[Array]:
        return [x[..., number : number + 1] for number in range(x.shape[-1])]

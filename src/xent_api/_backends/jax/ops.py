"""JAX's primitives: what XLA would compute slowly, or lose digits of, said in another way."""

from collections.abc import Callable
from functools import partial, reduce
from operator import add
from typing import Any, TypeVar

import jax

from ..._math import sums
from ..._math.log1p import log1p, log1p_up_to
from ..._math.ops import DifferentiatedOps, LabelPlace, Ops
from ..._typing import Array, DType, Namespace

T = TypeVar("T")

MAX_PART, MIN_PART = 2**13, 2**8
"""The most and, where there is a choice, the least classes of a part of a row."""
MIN_BLOCK, MAX_BLOCK = 16, 64
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

    def shift(self, x: Array, m: Array) -> Array:
        """Return x - m, and 0 where x is the maximum.

        XLA computes x once more for this, if that is a product as of ``logits / temperature``, and
        its machine code then leaves out the rounding of the product: what is added prevents that.
        """
        return (x + (m - m)) - m

    def place(self, classes: Array, labels: Array, dtype: DType) -> LabelPlace:
        """Return where the label is as 0, and 1 elsewhere, by arithmetic.

        XLA's kernels of sums on CPUs take in `abs` and `minimum`, but no comparison, of which they
        keep a whole array: a sum behind one takes 1.7 ns an element, behind these lines 0.3.
        """
        size = classes.shape[-1]
        if isinstance(size, int) and size >= 2**24:  # float32 does not tell such numbers apart
            return LabelPlace(classes, labels, self.astype(classes != labels, dtype))
        distance = self.abs(self.astype(classes, dtype) - self.astype(labels, dtype))
        return LabelPlace(classes, labels, self.minimum(distance, self.ones_like(distance)))

    def zero_at_label(self, x: Array, at: LabelPlace) -> Array:
        """Return x with 0 at the label."""
        return x * at.marker

    def add_at_label(self, x: Array, at: LabelPlace, value: Array) -> Array:
        """Return x with a value of each row added at its label."""
        return x - value * (at.marker - 1.0)


class DifferentiatedJaxOps(DifferentiatedOps, JaxOps):
    """For the lines that JAX differentiates."""

    def stop_gradient(self, x: Array) -> Array:
        """Return x as a constant for derivatives."""
        return jax.lax.stop_gradient(x)


class CpuOps(JaxOps):
    """On CPUs: no sum takes in what leads to it, or computes what comes of another one."""

    def __init__(self, xp: Namespace, *, arithmetic: bool) -> None:
        super().__init__(xp)
        self._arithmetic = arithmetic

    def log1p_rest(self, r: Array, size: int) -> Array:
        """Return log(1 + r), in `arithmetic` where the result is rounded to float32 afterwards.

        XLA's is not vectorized in float64, nor is what is computed in one loop with it: 9 ns a row
        instead of 3, or 5 with 1000 classes.
        """
        if not self._arithmetic or r.dtype != self.float64:
            return self.log1p(r)
        return log1p_up_to(self, r, size - 1.0)

    def recomputed(
        self, after: Array, known: T, function: Callable[..., T], *arrays: Array
    ) -> tuple[Array, T]:
        """Return `after`, and the function's results computed again.

        XLA would keep exponentials in memory for sums and gradient, which takes longer: dense
        labels of ten and 1000 classes 9.1 and 4.8 ns instead of 7.9 and 3.1.
        """
        return self.opaque(after), function(self, *map(self.opaque, arrays))

    def opaque(self, x: Array) -> Array:
        """Return x, of which XLA computes again what it has computed of it before.

        One by one, since of arrays together none may vary over a mesh that others do not.
        """
        return jax.lax.optimization_barrier(x)

    def plain_row_sum(self, x: Array, dtype: DType) -> Array:
        """Return the sum of each row; of long ones in parts.

        XLA's kernels of sums convert a row at a time to another dtype, in memory that beyond 128
        KiB is new to the process each time: of 32 000 classes a sum takes 7 ns a logit, of parts of
        8000 0.5.
        """
        parts = None if dtype == x.dtype else self._parts(x)
        if parts is not None:
            x = self.opaque(self.sum(parts, axis=-1, dtype=dtype))
        # Without the barrier XLA takes arithmetic in float64 into the kernels of sums: 256 classes
        # with a label each then take up to 15 ns a logit instead of 4.
        return self.opaque(self.sum(x, axis=-1, keepdims=True, dtype=dtype))

    def _parts(self, x: Array) -> Array | None:
        """Return long rows as several each, filled up if their classes are a prime; or None."""
        size = x.shape[-1]
        if not isinstance(size, int) or size <= 2 * MAX_PART:
            return None
        least = -(-size // MAX_PART)
        count = next((n for n in range(least, size // MIN_PART) if size % n == 0), least)
        widths = [(0, 0)] * (x.ndim - 1) + [(0, -size % count)]
        x = self.pad(x, widths)
        # (Behind a barrier, since XLA would make one sum of two.)
        return self.opaque(self.reshape(x, (*x.shape[:-1], count, x.shape[-1] // count)))


class DenseCpuOps(CpuOps):
    """For a label of each class."""

    def row_sum(self, x: Array, dtype: DType) -> Array:
        """Return the sum of each row, here of numbers that XLA has in memory: of blocks first.

        A sum of float32 in float64 takes 0.36 ns an element there, in blocks of 32 first 0.15. It
        is right to 0.3 eps (1000 classes), in float32 alone to 1.4.
        """
        size = x.shape[-1]
        if x.dtype != dtype and isinstance(size, int):
            block = max(n for n in range(1, MAX_BLOCK + 1) if size % n == 0)
            if block >= MIN_BLOCK:
                blocks = self.reshape(x, (*x.shape[:-1], size // block, block))
                x = self.sum(blocks, axis=-1, dtype=x.dtype)
        return super().row_sum(x, dtype)

    def log1p_rest(self, r: Array, size: int) -> Array:
        """Return log(1 + r): in arithmetic XLA would compute it for each class."""
        return self.log1p(r)

    def sum_excluding_max(self, e: Array, dtype: DType) -> Array:
        """Return the sum without one of those that are 1, by sums that wait for each other.

        XLA computes those in one pass over a row, and two sums side by side from memory: twice the
        time of loss and gradient, of 1000 classes.
        """
        if e.dtype == dtype:
            return super().sum_excluding_max(e, dtype)
        return sums.sum_excluding_max_in_turn(self, e, dtype)


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

    def _classes(self, x: Array) -> list[Array]:
        return [x[..., number : number + 1] for number in range(x.shape[-1])]

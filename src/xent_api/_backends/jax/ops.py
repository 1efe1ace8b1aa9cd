"""JAX's namespace for programs, with what XLA would compute slowly or lose digits of."""

from collections.abc import Callable
from functools import partial, reduce
from operator import add
from typing import Any

import jax

from ..._math.log1p import log1p, log1p_up_to
from ..._math.ops import Ops
from ..._math.sums import in_tree, of_arrays
from ..._typing import Array, DType, Namespace


def barrier(*arrays: Array) -> tuple[Array, ...]:
    """Return arrays of which XLA computes anew what it has computed of the others.

    On CPUs it would keep exponentials in memory for sums and gradient, which takes longer: dense
    labels of ten and 1000 classes 9.1 and 4.8 ns instead of 7.9 and 3.1 (JAX 0.10). One by one,
    since of arrays together none may vary over a mesh that others do not.
    """
    return tuple(jax.lax.optimization_barrier(array) for array in arrays)


@partial(jax.jit, inline=True)  # one call where arrays are computed line by line
def _arithmetic(e: Array) -> Array:
    return log1p(e, single=e.dtype.itemsize == 4)


_log1p: Any = jax.custom_jvp(_arithmetic)
# Its lines are those of an approximation, the derivative of which has fewer digits.
_log1p.defjvps(lambda tangent, _, e: tangent / (1.0 + e))


PART, SHORTEST = 2**13, 2**8
"""The most and, where there is a choice, the least classes of a part of a row; rows of up to twice
the most are not parted (AMD EPYC with AVX2, JAX 0.10)."""


class Repaired(Ops):
    """JAX's namespace with a difference and a sum over classes that keep their digits."""

    def __init__(
        self,
        xp: Namespace,
        barrier: Callable[..., tuple[Array, ...]] | None = None,
        *,
        largest: float | None = None,
    ) -> None:
        super().__init__(xp)
        self._barrier = barrier
        if largest is not None:
            self.log1p = partial(self._log1p, largest)
        if barrier is not None:
            self.anew, self.in_parts = self._anew, self._in_parts

    def log1p_unit(self, e: Array) -> Array:
        """Return log(1 + e) for 0 <= e <= 1, in arithmetic."""
        return _log1p(e)

    def product_or_zero(self, factor: Array, x: Array) -> Array:
        """Return factor*x, and 0 where that is 0*inf.

        The outer choice changes no number. It makes XLA keep the products, which it would not do of
        its own, instead of their factors, which it cannot help: of 1000 classes that is a sixth of
        the time of loss and gradient.
        """
        off = self.is_zero_times_infinity(factor, x)
        return self.where(off, 0.0, factor * self.where(off, 0.0, x))

    def subtract(self, x: Array, top: Array) -> Array:
        """Return x - top, and 0 where x is the maximum.

        XLA computes x once more for this, if that is a product as of ``logits / temperature``, and
        its machine code then leaves out the rounding of the product: what is added prevents that.
        """
        return (x + (top - top)) - top

    def put_along_axis(self, x: Array, index: Array, values: Array, *, axis: int) -> Array:
        """Return x with one element of the last axis replaced, for each row, where the index is.

        XLA does that in place. All other axes are in step, as in `take_along_axis`.
        """
        others = tuple(range(x.ndim - 1))
        numbers = jax.lax.ScatterDimensionNumbers(
            update_window_dims=(),
            inserted_window_dims=(x.ndim - 1,),
            scatter_dims_to_operand_dims=(x.ndim - 1,),
            operand_batching_dims=others,
            scatter_indices_batching_dims=others,
        )
        return jax.lax.scatter(
            x,
            index,
            values[..., 0],
            numbers,
            indices_are_sorted=True,
            unique_indices=True,
            mode=jax.lax.GatherScatterMode.PROMISE_IN_BOUNDS,
        )

    def _in_parts(self, x: Array, fill: float = 0.0) -> Array | None:
        """Return long rows as several each, filled up if their classes are a prime; or None.

        XLA's kernels of sums convert a row at a time to another dtype, in memory that beyond 128
        KiB is new to the process each time: of 32 000 classes a sum takes 7 ns a logit, of parts of
        8000 0.5. (Behind a barrier, since it would make one sum of two.)
        """
        size = x.shape[-1]
        if not isinstance(size, int) or size <= 2 * PART:
            return None
        least = -(-size // PART)
        count = next((n for n in range(least, size // SHORTEST) if size % n == 0), least)
        widths = [(0, 0)] * (x.ndim - 1) + [(0, -size % count)]
        x = self._xp.pad(x, widths, constant_values=fill)
        return self._anew(self._xp.reshape(x, (*x.shape[:-1], count, x.shape[-1] // count)))

    def _log1p(self, largest: float, r: Array) -> Array:
        """Return log(1 + r) of what all classes but one have.

        XLA's is not vectorized in float64, nor is what is computed in one loop with it: 9 ns a row
        instead of 3, or 5 with 1000 classes. In float32 the steps of the other one lose digits.
        """
        if r.dtype != self._xp.float64:
            return self._xp.log1p(r)
        return log1p_up_to(self._xp, r, largest)

    def _anew(self, value: Array) -> Array:
        """Return what XLA computes of once more, instead of keeping what two sums share."""
        assert self._barrier is not None
        return self._barrier(value)[0]

    def sum(self, x: Array, *, axis: int, keepdims: bool, dtype: DType) -> Array:
        """Return the sum over the last axis."""
        parts = None
        if self._barrier is not None and dtype != x.dtype:
            parts = self._in_parts(x)
        if parts is not None:
            x = self._anew(self._xp.sum(parts, axis=-1, dtype=dtype))
        value = self._xp.sum(x, axis=axis, keepdims=keepdims, dtype=dtype)
        # Without it XLA takes arithmetic in float64 into the kernels of sums, on CPUs: 256 classes
        # with a label each then take up to 15 ns a logit instead of 4.
        return value if self._barrier is None else self._anew(value)


class Unrolled(Repaired):
    """The same for a few classes: arithmetic between arrays of one class each.

    XLA takes that into its loops over all rows. On CPUs it would reduce short rows in loops of
    their own, which are not vectorized, and look up labels one by one.
    """

    exact_sums = True
    """Of float64, and of up to three numbers in float32 as far as the bars ask for it."""

    def sum(self, x: Array, *, axis: int, keepdims: bool, dtype: DType) -> Array:
        """Return the sum over the last axis."""
        parts = self._classes(x.astype(dtype))
        same = x.dtype == self._xp.float64
        value = of_arrays(self._xp, parts) if same else in_tree(add, parts)
        return value if keepdims else value[..., 0]

    def max(self, x: Array, *, axis: int, keepdims: bool) -> Array:
        """Return the largest of the last axis."""
        return reduce(self._xp.maximum, self._classes(x))

    def take_along_axis(self, x: Array, index: Array, *, axis: int) -> Array:
        """Return the element of the last axis that each row's index tells."""
        first, *others = self._classes(x)
        for number, value in enumerate(others, start=1):
            first = self._xp.where(index == number, value, first)
        return first

    def _classes(self, x: Array) -> list[Array]:
        return [x[..., number : number + 1] for number in range(x.shape[-1])]

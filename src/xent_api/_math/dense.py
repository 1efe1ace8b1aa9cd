"""The outputs of a row with a label for each class."""

from typing import TYPE_CHECKING

from .._typing import Array, Namespace
from . import softmax, sums
from .parts import row_weights
from .rows import Row, seen

if TYPE_CHECKING:
    from .softmax_program import SoftmaxProgram

SHORTEST = 16
"""The neighbours from which on it takes less time to add them up first: 1001 labels with a mean and
its gradient take 4.9 ns a logit in blocks of 13 and 4.5 in none (AMD EPYC with AVX-512, JAX
0.10)."""
LONG = 32
"""The classes beyond which sums wait for each other under XLA: ten take 8.4 ns a logit side by side
and 10 in turn, 100 the same, 256 7.0 and 3.9 (loss and gradient, AMD EPYC, JAX 0.10)."""


class Dense(Row):
    """A label for each class."""

    def __init__(
        self,
        options: "SoftmaxProgram",
        xp: Namespace,
        x: Array,
        weights: Array | float | None,
        z: Array,
    ) -> None:
        top, wide = softmax.highest(xp, x), options.wide
        self.options, self.xp = options, xp
        self.z, self.mass = z, self._total(z)
        if options.constant is not None:
            at_top = sums.added(xp, xp.where(x == top, z, 0.0), wide)
            top = seen(options, xp, top, at_top * 2.0 >= self.mass)
        super().__init__(options, xp, x, top)
        few = isinstance(options.size, int) and options.size <= LONG  # it may be a symbol
        if options.barrier is None or few or options.compute == wide:
            self.others = softmax.all_but_one(xp, self.decay, wide)
        else:
            self.others = softmax.all_but_one_in_turn(xp, self.decay, wide)
        if options.barrier is not None:
            # What follows of r is computed from the logits, and not from what r was computed of.
            x, top, self.others = options.barrier(x, top, self.others)
            super().__init__(options, xp, x, top)
        self.weights = row_weights(xp, weights, self.others)

    def loss(self) -> Array:
        """Return the losses."""
        terms = self.xp.product_or_zero(self._smoothed(), self.step)
        return softmax.loss(self.xp, -self._total(terms), self.others, self.mass, self.weights)

    def gradient(self) -> Array:
        """Return the derivatives with respect to the logits."""
        z, mass = self._smoothed(), self.narrow(self.mass)
        factor = self.factor(1.0 + self.others)
        p = self.decay * self.narrow(factor)
        return softmax.gradient(p, self.rest(p, factor, self.others), z, mass - z)

    def hessian(self) -> Array:
        """Return the second derivatives with respect to each logit."""
        return self.curve(self.others, self.mass)

    def label_slope(self) -> Array:
        """Return the derivatives of the losses with respect to the labels."""
        others, options = self.narrow(self.others), self.options
        slope = softmax.label_slope(
            self.xp, self.z, self.step, others, options.size, options.smoothing
        )
        if self.weights is None:
            return slope
        weights = self.narrow(self.weights)
        return self.xp.zero_if_infinite(slope, weights) * weights

    def _total(self, value: Array) -> Array:
        """Return the sum over the classes of what a compiler has in memory."""
        options = self.options
        wider = options.compute != options.wide and isinstance(options.size, int)
        if options.barrier is not None and wider:
            block = sums.block(options.size)
            if block >= min(SHORTEST, options.size):
                value = sums.in_blocks(self.xp, value, block)
        return sums.total(self.xp, value, options.wide)

    def _smoothed(self) -> Array:
        smoothing = self.options.smoothing
        if not smoothing:
            return self.z
        return softmax.smoothed(self.z, self.narrow(self.mass), self.options.size, smoothing)

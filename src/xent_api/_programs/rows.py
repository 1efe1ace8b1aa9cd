"""The outputs of a row of classes, by the two kinds of labels."""

from math import nan
from typing import TYPE_CHECKING

from .._formulas import softmax, sums
from .._typing import Array, Namespace
from .parts import cast, divided, row_weights

if TYPE_CHECKING:
    from .softmax import SoftmaxProgram


class Row:
    """What both kinds share."""

    weights: Array | None
    denominator: Array | float | None = None
    """What gradient and Hessian of a mean are divided by."""

    def __init__(self, options: "SoftmaxProgram", xp: Namespace, x: Array, top: Array) -> None:
        self.options, self.xp = options, xp
        self.step = softmax.step(xp, x, top)
        self.decay = xp.exp(self.step)
        self.most = sums.most(top, options.size)

    def narrow(self, value: Array) -> Array:
        """Return what belongs to a row in the dtype of the logits' computation."""
        return cast(self.xp, value, self.options.compute)

    def factor(self, whole: Array, mass: Array | None = None) -> Array:
        """Return w*Z/S, which for a mean is divided here, once for all classes of a row."""
        value = softmax.factor(whole, mass, self.weights)
        return divided(self.xp, value, self.denominator)

    def rest(self, part: Array, factor: Array, others: Array) -> Array:
        """Return for each class what all others have, from what it has itself."""
        return softmax.all_but_each(part, self.narrow(factor), self.narrow(others * factor))

    def curve(self, others: Array, mass: Array | None) -> Array:
        """Return the second derivatives with respect to each logit."""
        whole, wide = 1.0 + others, self.options.wide
        factor = self.factor(whole, mass)
        high, low = self.narrow(factor), None
        if self.options.compute != wide:
            low = self.narrow(factor - cast(self.xp, high, wide))
        share = self.narrow(softmax.factor(whole, None, None))
        return softmax.hessian(self.xp, self.decay, self.narrow(others), share, high, low)


def seen(options: "SoftmaxProgram", xp: Namespace, top: Array, labelled: Array) -> Array:
    """Return the highest logits as automatic differentiation should see them.

    Neither loss nor gradient depends on them, but they decide what cancels. Of the loss the slope
    at the label keeps its digits where the maximum is a variable, those elsewhere where it is a
    constant; of the gradient the other way about. (`labelled`: where the maximum is at the label.)
    """
    assert options.constant is not None
    variable = labelled if "loss" in options.outputs else ~labelled
    return xp.where(variable, top, options.constant(top))


SHORTEST = 16
"""The neighbours from which on it takes less time to add them up first: 1001 labels with a mean and
its gradient take 4.9 ns a logit in blocks of 13 and 4.5 in none (AMD EPYC with AVX-512, JAX
0.10)."""
LONG = 32
"""The classes beyond which sums wait for each other under XLA: ten take 8.4 ns a logit side by side
and 10 in turn, 100 the same, 256 7.0 and 3.9 (loss and gradient, AMD EPYC, JAX 0.10)."""


KEPT = 80
"""The classes from which on XLA chooses at labels, where it keeps exponentials for a gradient: a
mean with its gradient then takes 3.3 instead of 3.5 ns a logit (100 to 10 000 classes, AMD EPYC
with AVX-512, JAX 0.10; with 16 to 64 as long, or up to 1.3 times as long)."""


def is_kept(options: "SoftmaxProgram") -> bool:
    """Tell whether exponentials are kept in memory, so that no sum takes in what leads to them."""
    long = isinstance(options.size, int) and options.size >= KEPT
    return (
        options.barrier is not None and long and (options.shared or "gradient" in options.outputs)
    )


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
            self.others = softmax.all_but_one(xp, self.decay, self.most, wide)
        else:
            self.others = softmax.all_but_one_in_turn(xp, self.decay, wide)
        if options.barrier is not None:
            # What follows of r is computed from the logits, and not from what r was computed of.
            x, top, self.others = options.barrier(x, top, self.others)
            super().__init__(options, xp, x, top)
        self.weights = row_weights(xp, weights, self.others)

    def loss(self) -> Array:
        """Return the losses."""
        terms = softmax.linear_terms(self.xp, self._smoothed(), self.step)
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
        return softmax.finite(self.xp, slope, weights) * weights

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


class Sparse(Row):
    """One class number, of which one that is no class makes the row NaN."""

    def __init__(
        self,
        options: "SoftmaxProgram",
        xp: Namespace,
        x: Array,
        weights: Array | float | None,
        classes: Array,
        labels: Array,
    ) -> None:
        top, wide = softmax.highest(xp, x), options.wide
        chosen = softmax.at_label(xp, x, labels, options.size)
        if options.constant is not None:
            top = seen(options, xp, top, chosen == top)
        super().__init__(options, xp, x, top)
        self.label = softmax.step(xp, cast(xp, chosen, wide), cast(xp, top, wide))
        """u at the label."""
        self.valid = softmax.is_class(labels, options.size)
        self.kept = is_kept(options)
        if self.kept:
            self.apart = classes != labels
            self.elsewhere = xp.where(self.apart, self.decay, 0.0)
        else:
            self.apart = softmax.apart(xp, classes, labels, options.size, options.compute)
            self.elsewhere = self.decay * self.apart
        """e, but 0 at the label."""
        self.at_label = xp.exp(self.label)
        self.beside = sums.of_fractions(xp, self.elsewhere, self.most, wide)
        """What the label leaves of 1 + r."""
        self.others = self._if_valid(softmax.others(self.beside, self.at_label))
        self.weights = row_weights(xp, weights, self.others)

    def loss(self) -> Array:
        """Return the losses."""
        xp, options = self.xp, self.options
        linear = softmax.hard_linear(
            xp, self.label, self.step, options.size, options.smoothing, options.wide
        )
        return softmax.loss(xp, linear, self.others, None, self.weights)

    def gradient(self) -> Array:
        """Return the derivatives with respect to the logits."""
        hard, none = softmax.hard_labels(self.options.size, self.options.smoothing)
        # (NaN where the label is no class.)
        factor = self.factor(self._if_valid(self.beside + self.at_label))
        number = softmax.gradient(self.at_label * factor, self.beside * factor, *hard)
        number, narrow = self.narrow(number), self.narrow(factor)
        if self.kept:
            assert self.options.barrier is not None
            number, narrow = self.options.barrier(number, narrow)  # once for each row
        p = self.elsewhere * narrow
        # Without smoothing nothing needs the rest.
        rest = self.rest(p, factor, self.others) if self.options.smoothing else None
        if self.kept:
            return self.xp.where(self.apart, softmax.gradient(p, rest, *none), number)
        value = softmax.gradient(p, None if rest is None else rest * self.apart, *none)
        return softmax.with_label(value, number, self.apart)

    def hessian(self) -> Array:
        """Return the second derivatives with respect to each logit, which no label is near to."""
        others = softmax.all_but_one(self.xp, self.decay, self.most, self.options.wide)
        return self.curve(self._if_valid(others), None)

    def _if_valid(self, others: Array) -> Array:
        # Every output depends on what is chosen here.
        return self.xp.where(self.valid, others, nan)

"""The outputs of a row of classes, by the two kinds of labels."""

from math import nan
from typing import TYPE_CHECKING

from .._formulas import softmax
from .._typing import Array, Namespace
from .parts import cast

if TYPE_CHECKING:
    from .softmax import SoftmaxProgram


class Row:
    """What both kinds share."""

    def __init__(self, options: "SoftmaxProgram", xp: Namespace, x: Array, top: Array) -> None:
        self.options, self.xp = options, xp
        self.step = softmax.step(x, top)
        self.decay = xp.exp(self.step)

    def narrow(self, value: Array) -> Array:
        """Return what belongs to a row in the dtype of the logits' computation."""
        return cast(self.xp, value, self.options.compute)

    def rest(self, others: Array) -> Array:
        """Return for each class the sum over all others."""
        return softmax.all_but_each(self.decay, self.narrow(others))


def seen(options: "SoftmaxProgram", xp: Namespace, top: Array, labelled: Array) -> Array:
    """Return the highest logits as automatic differentiation should see them.

    Neither loss nor gradient depends on them, but they decide what cancels. Of the loss the slope
    at the label keeps its digits where the maximum is a variable, those elsewhere where it is a
    constant; of the gradient the other way about. (`labelled`: where the maximum is at the label.)
    """
    assert options.constant is not None
    variable = labelled if "loss" in options.outputs else ~labelled
    return xp.where(variable, top, options.constant(top))


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
        self.z, self.mass = z, softmax.total(xp, z, wide)
        if options.constant is not None:
            at_top = softmax.total(xp, xp.where(x == top, z, 0.0), wide)
            top = seen(options, xp, top, at_top * 2.0 >= self.mass)
        super().__init__(options, xp, x, top)
        self.others = softmax.all_but_one(xp, self.decay, wide)
        if options.barrier is not None:
            x, top, self.z, self.others = options.barrier(x, top, z, self.others)
            super().__init__(options, xp, x, top)
        self.weights = _array(xp, weights, self.others)

    def loss(self) -> Array:
        """Return the losses."""
        linear = softmax.linear(self.xp, self._smoothed(), self.step, self.options.wide)
        return softmax.loss(self.xp, linear, self.others, self.mass, self.weights)

    def gradient(self) -> Array:
        """Return the derivatives with respect to the logits."""
        z, mass = self._smoothed(), self.narrow(self.mass)
        factor = self.narrow(softmax.factor(self.others, None, self.weights))
        return softmax.gradient(self.decay, self.rest(self.others), z, mass - z, factor)

    def hessian(self) -> Array:
        """Return the second derivatives with respect to each logit."""
        factor = self.narrow(softmax.factor(self.others, self.mass, self.weights))
        return softmax.hessian(self.decay, self.rest(self.others), factor)

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
        self.label = softmax.step(cast(xp, chosen, wide), cast(xp, top, wide))
        """u at the label."""
        self.valid = (labels >= 0) & (labels < options.size)
        self.apart = softmax.apart(xp, classes, labels, options.size, options.compute)
        self.at_label = xp.exp(self.label)
        self.left = self.decay * self.apart
        """e, but 0 at the label."""
        self.beside = softmax.total(xp, self.left, wide)
        """What the label leaves of 1 + r."""
        self.others = self._if_valid(softmax.others(self.beside, self.at_label))
        self.weights = _array(xp, weights, self.others)

    def loss(self) -> Array:
        """Return the losses."""
        xp, options = self.xp, self.options
        linear = softmax.hard_linear(
            xp, self.label, self.step, options.size, options.smoothing, options.wide
        )
        return softmax.loss(xp, linear, self.others, None, self.weights)

    def gradient(self) -> Array:
        """Return the derivatives with respect to the logits."""
        at_label, elsewhere = softmax.hard_labels(self.options.size, self.options.smoothing)
        factor = softmax.factor(self.others, None, self.weights)
        label = softmax.gradient(self.at_label, self.beside, *at_label, factor)
        rest = self.rest(self.others) * self.apart if self.options.smoothing else None
        others = softmax.gradient(self.left, rest, *elsewhere, self.narrow(factor))
        return softmax.with_label(others, self.narrow(label), self.apart)

    def hessian(self) -> Array:
        """Return the second derivatives with respect to each logit, which no label is near to."""
        others = self._if_valid(softmax.all_but_one(self.xp, self.decay, self.options.wide))
        factor = softmax.factor(others, self.xp.ones_like(others), self.weights)
        return softmax.hessian(self.decay, self.rest(others), self.narrow(factor))

    def _if_valid(self, others: Array) -> Array:
        # Every output depends on it.
        return self.xp.where(self.valid, others, nan)


def _array(xp: Namespace, weights: Array | float | None, like: Array) -> Array | None:
    """Return the weights of rows in the dtype of `like`."""
    if weights is None:
        return None
    if isinstance(weights, float):
        return xp.zeros_like(like) + weights
    return cast(xp, weights, like.dtype)

"""What rows of classes have in common, whatever their labels are."""

from typing import TYPE_CHECKING

from .._typing import Array, Namespace
from . import softmax
from .parts import cast, divided

if TYPE_CHECKING:
    from .softmax_program import SoftmaxProgram


class Row:
    """What a label for each class and class indices share."""

    weights: Array | None
    denominator: Array | float | None = None
    """What gradient and Hessian of a mean are divided by."""

    def __init__(self, options: "SoftmaxProgram", xp: Namespace, x: Array, top: Array) -> None:
        self.options, self.xp = options, xp
        self.step = softmax.step(xp, x, top)
        self.decay = xp.exp(self.step)

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

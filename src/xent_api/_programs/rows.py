"""The outputs of a row of classes, by the two kinds of labels."""

from collections.abc import Callable
from math import nan
from typing import Protocol

from .._formulas import softmax
from .._formulas.softmax import Terms
from .._typing import Array, DType, Namespace
from .parts import cast


class Options(Protocol):
    """What the rows read of their program."""

    outputs: tuple[str, ...]
    compute: DType
    wide: DType
    smoothing: float
    size: int
    constant: Callable[[Array], Array] | None


class Row:
    """What both kinds share: the terms of the logits, and the weights of the rows."""

    def __init__(self, options: Options, xp: Namespace, x: Array, labelled: Array | None) -> None:
        """Take the highest logit of each row, of which derivatives need a word.

        Neither loss nor gradient depends on it, but what automatic differentiation sees of it is
        what cancels, or does not. Of the loss the slope at the label keeps its digits where the
        maximum is a variable, that at other logits where it is a constant; of the gradient the
        other way about. (`labelled`: where the maximum is at the label.)
        """
        self.options, self.xp = options, xp
        top = softmax.highest(xp, x)
        if labelled is not None and options.constant is not None:
            variable = labelled if "loss" in options.outputs else ~labelled
            top = xp.where(variable, top, options.constant(top))
        self.top, self.terms = top, softmax.terms(xp, x, top, options.wide)

    def narrow(self, value: Array) -> Array:
        """Return what belongs to a row in the dtype of the logits' computation."""
        return cast(self.xp, value, self.options.compute)

    @property
    def narrow_terms(self) -> Terms:
        """The terms beside which derivatives are computed."""
        return self.terms._replace(others=self.narrow(self.terms.others))


class Dense(Row):
    """A label for each class."""

    def __init__(
        self, options: Options, xp: Namespace, x: Array, weights: Array | float | None, z: Array
    ) -> None:
        self.z, self.mass = z, softmax.total(xp, z, options.wide)
        labelled = None
        if options.constant is not None:
            at_top = xp.where(x == softmax.highest(xp, x), z, 0.0)
            labelled = softmax.total(xp, at_top, options.wide) * 2.0 >= self.mass
        super().__init__(options, xp, x, labelled)
        self.weights = _array(xp, weights, self.mass)

    def loss(self) -> Array:
        """Return the losses."""
        z, wide = self._smoothed(), self.options.wide
        linear = softmax.linear(self.xp, z, self.terms, wide)
        return softmax.loss(self.xp, linear, self.terms, self.mass, self.weights)

    def gradient(self) -> Array:
        """Return the derivatives with respect to the logits."""
        z, mass = self._smoothed(), self.narrow(self.mass)
        factor = self.narrow(softmax.factor(self.terms, weights=self.weights))
        return softmax.gradient(self.narrow_terms, z, mass - z, factor)

    def hessian(self) -> Array:
        """Return the second derivatives with respect to each logit."""
        factor = self.narrow(softmax.factor(self.terms, self.mass, self.weights))
        return softmax.hessian(self.narrow_terms, factor)

    def label_slope(self) -> Array:
        """Return the derivatives of the losses with respect to the labels."""
        options = self.options
        t = self.narrow_terms
        slope = softmax.label_slope(self.xp, self.z, t, options.size, options.smoothing)
        return slope if self.weights is None else slope * self.narrow(self.weights)

    def _smoothed(self) -> Array:
        smoothing = self.options.smoothing
        if not smoothing:
            return self.z
        return softmax.smoothed(self.z, self.narrow(self.mass), self.options.size, smoothing)


class Sparse(Row):
    """One class number, of which one that is no class makes the row NaN."""

    def __init__(
        self,
        options: Options,
        xp: Namespace,
        x: Array,
        weights: Array | float | None,
        labels: Array,
        hot: Array,
    ) -> None:
        self.hot = hot
        labelled = None
        if options.constant is not None:
            at_label = softmax.total(xp, xp.where(hot, x, 0.0), x.dtype)
            labelled = at_label == softmax.highest(xp, x)
        super().__init__(options, xp, x, labelled)
        valid = (labels >= 0) & (labels < options.size)
        others = xp.where(valid, self.terms.others, nan)  # on which every output depends
        self.terms = self.terms._replace(others=others)
        self.weights = _array(xp, weights, others)
        at_label = softmax.total(xp, xp.where(hot, x, 0.0), options.wide)
        self.step = at_label - cast(xp, self.top, options.wide)
        """u at the label."""

    def loss(self) -> Array:
        """Return the losses."""
        xp, t, options = self.xp, self.terms, self.options
        size, wide = options.size, options.wide
        linear = softmax.hard_linear(xp, self.step, t, size, options.smoothing, wide)
        return softmax.loss(xp, linear, t, None, self.weights)

    def gradient(self) -> Array:
        """Return the derivatives with respect to the logits."""
        smoothing = self.options.smoothing
        share = smoothing / self.options.size
        factor = softmax.factor(self.terms, weights=self.weights)
        t = Terms(self.step, self.xp.exp(self.step), self.terms.others)
        label = softmax.gradient(t, (1.0 - smoothing) + share, smoothing - share, factor)
        rest = softmax.gradient(self.narrow_terms, share, 1.0 - share, self.narrow(factor))
        return self.xp.where(self.hot, self.narrow(label), rest)

    def hessian(self) -> Array:
        """Return the second derivatives with respect to each logit."""
        factor = softmax.factor(self.terms, 1.0, self.weights)
        return softmax.hessian(self.narrow_terms, self.narrow(factor))


def _array(xp: Namespace, weights: Array | float | None, like: Array) -> Array | None:
    """Return the weights of rows in the dtype of `like`."""
    if weights is None:
        return None
    if isinstance(weights, float):
        return xp.zeros_like(like) + weights
    return cast(xp, weights, like.dtype)

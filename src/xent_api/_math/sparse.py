"""The outputs of a row with a class index."""

from math import inf, nan
from typing import TYPE_CHECKING

from .._typing import Array, Namespace
from . import softmax, sums
from .parts import cast, row_weights
from .rows import Row, seen

if TYPE_CHECKING:
    from .softmax_program import SoftmaxProgram

KEPT = 80
"""The classes from which on XLA puts numbers at labels, where it keeps exponentials for a gradient,
and which labels are told by comparisons: a mean with its gradient takes 2 to 6 % less time than
with exponentials chosen by comparisons as well, and in caches 10 to 20 % (100 to 10 000 classes,
AMD EPYC with AVX2, JAX 0.10); with fewer classes longer, since each label takes 15 ns."""


def is_kept(options: "SoftmaxProgram") -> bool:
    """Tell whether exponentials are kept in memory, so that no sum takes in what leads to them."""
    long = isinstance(options.size, int) and options.size >= KEPT
    return (
        options.barrier is not None and long and (options.shared or "gradient" in options.outputs)
    )


class Sparse(Row):
    """One class index, of which one that is no class makes the row NaN."""

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
            zero = xp.zeros_like(chosen)
            self.elsewhere = softmax.put(xp, self.decay, labels, options.size, zero)
        else:
            self.apart = softmax.apart(xp, classes, labels, options.size, options.compute)
            self.elsewhere = self.decay * self.apart
        """e, but 0 at the label."""
        self.at_label = xp.exp(self.label)
        self.beside = self._added_up(x, top, classes, labels)
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
        others = softmax.all_but_one(self.xp, self.decay, self.options.wide)
        return self.curve(self._if_valid(others), None)

    def _added_up(self, x: Array, top: Array, classes: Array, labels: Array) -> Array:
        """Return the sum of what is elsewhere: of long rows by parts, if the namespace has them.

        What is kept in memory anyway needs no such lines.
        """
        xp, options = self.xp, self.options
        parts = None
        if hasattr(xp, "in_parts") and not self.kept and options.compute != options.wide:
            parts = xp.in_parts(x, -inf)
        if parts is None:
            return sums.total(xp, self.elsewhere, options.wide)
        decay = xp.exp(softmax.step(xp, parts, top[..., None]))
        numbers, labels = xp.in_parts(classes), labels[..., None]
        apart = softmax.apart(xp, numbers, labels, options.size, options.compute)
        of_parts = sums.total(xp, decay * apart, options.wide)[..., 0]
        return sums.added(xp, of_parts, options.wide)

    def _if_valid(self, others: Array) -> Array:
        # Every output depends on what is chosen here.
        return self.xp.where(self.valid, others, nan)

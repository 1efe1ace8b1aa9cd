"""The outputs of rows with a class index that need no maximum, and which rows those are."""

from functools import cached_property
from typing import TYPE_CHECKING

from .._typing import Array, Namespace
from . import optimistic as unshifted
from . import softmax, sums
from .parts import cast, divided, row_weights

if TYPE_CHECKING:
    from .softmax_program import SoftmaxProgram


class Unshifted:
    """One class index, without smoothing."""

    denominator: Array | float | None = None
    """What the gradient of a mean is divided by."""

    def __init__(
        self,
        options: "SoftmaxProgram",
        xp: Namespace,
        x: Array,
        weights: Array | float | None,
        classes: Array,
        labels: Array,
    ) -> None:
        self.options, self.xp = options, xp
        self.classes, size, wide = classes, options.size, options.wide
        at_label = unshifted.exact(xp, x, labels, size, wide)
        self.valid = softmax.is_class(labels, size)
        self.apart = self._apart(labels)
        self.rest = xp.exp(x) * self.apart
        """exp(x), but 0 where it is computed in a wider dtype: at the label, and at the largest."""
        self.largest: tuple[Array, Array] | None = None
        """The largest of the others, and 0 at it."""
        if options.compute != wide:
            spot = cast(xp, xp.argmax(self.rest, axis=-1, keepdims=True), labels.dtype)
            self.valid = self.valid & (spot != labels)  # which is where all others are 0
            self.largest = unshifted.exact(xp, x, spot, size, wide), self._apart(spot)
            self.rest = self.rest * self.largest[1]
        self.beside = sums.total(xp, self.rest, wide)
        if self.largest is not None:
            self.beside = self.beside + self.largest[0]
        self.odds = unshifted.odds(self.beside, at_label)
        self.total = self.beside + at_label
        self.weights = row_weights(xp, weights, self.total)

    def loss(self) -> Array:
        """Return the losses."""
        return unshifted.loss(self.xp, self.odds, self.weights)

    def gradient(self) -> Array:
        """Return the derivatives with respect to the logits."""
        value = self.rest * self.narrow_factor
        numbers = [(-(self.beside * self.factor), self.apart)]
        if self.largest is not None:
            exponential, apart = self.largest
            numbers.append((exponential * self.factor, apart))
        for number, apart in numbers:
            value = softmax.with_label(value, cast(self.xp, number, self.options.compute), apart)
        return value

    def doubt(self) -> Array:
        """Return 1 where a row of the other outputs is not to be trusted, else 0."""
        trusted = unshifted.trusted(self.total, self.odds) & self.valid
        if "gradient" in self.options.outputs:
            kept = unshifted.trusted_factor(self.xp, self.narrow_factor, self.weights)
            trusted = trusted & kept
        return self.xp.astype(~trusted, self.options.compute)

    @cached_property
    def factor(self) -> Array:
        """w/S, or its part of a mean."""
        return divided(self.xp, softmax.factor(self.total, None, self.weights), self.denominator)

    @cached_property
    def narrow_factor(self) -> Array:
        """The same in the dtype of the logits' computation."""
        return cast(self.xp, self.factor, self.options.compute)

    def _apart(self, labels: Array) -> Array:
        options = self.options
        return softmax.apart(self.xp, self.classes, labels, options.size, options.compute)

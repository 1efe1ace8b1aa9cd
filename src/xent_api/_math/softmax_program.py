"""The program of the softmax families: labels of every class, or class indices."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from .._typing import Array, DType, Namespace
from . import sums
from .dense import Dense
from .masking import kept, select
from .parts import cast, read
from .sparse import Sparse
from .unshifted_program import Unshifted

NEUTRAL = {"logits": 0.0, "labels": 0.0, "weights": 1.0}
"""What stands for each operand where a row is not kept."""
SLOPES = {"logits": "gradient", "labels": "label_slope", "weights": "loss"}
"""The derivatives of the loss."""


class SoftmaxProgram(NamedTuple):
    """Loss, gradient or Hessian of a softmax family, row by row; classes are the last axis.

    What has no classes keeps that axis with one element: the losses, the weights, the mask.
    """

    outputs: tuple[str, ...]
    operands: tuple[str, ...]
    """The names of the operands, in the order in which they will come. With `classes`, the numbers
    0 to K - 1, the labels are such numbers."""
    compute: DType
    wide: DType
    """The dtype in which a row is summed."""
    results: tuple[DType, ...]
    """The dtype of each output."""
    divided: tuple[bool, ...]
    """Whether each output is divided by the denominator, if there is one, and not summed first."""
    numbers: tuple[tuple[str, str], ...]
    """The operands that are Python numbers, as `float.hex` writes them."""
    ignored: int | float | None
    smoothing: float
    size: Any
    """K, the number of classes: an int, or a symbol for one."""
    constant: Callable[[Array], Array] | None = None
    """What makes a constant of an array where a library may differentiate these lines."""
    barrier: Callable[..., tuple[Array, ...]] | None = None
    """What returns arrays in a way that makes the library compute anew what is made of them, where
    it would otherwise keep whole arrays of that for several sums."""
    varied: str | None = None
    """The operand, other than the logits, that the loss is differentiated by."""
    shared: bool = False
    """Whether a compiler shares the lines of this loss with those of its derivative."""
    shifted: bool = True
    """Whether exponentials are those of differences from the maximum."""

    @property
    def rowwise(self) -> bool:
        """For those who run programs: a row of classes is one thing."""
        return True

    def __call__(self, xp: Namespace, *operands: Array) -> tuple[Array, ...]:
        """Return the outputs, each with an axis of classes: of one element for losses."""
        given: dict[str, Array] = dict(zip(self.operands, operands, strict=True))
        keep = kept(xp, given["labels"], given.get("mask"), self.ignored)
        values = read(self.numbers)
        sparse = "classes" in given
        for name, neutral in NEUTRAL.items():
            if name in given and not (sparse and name == "labels"):
                values[name] = select(xp, keep, cast(xp, given[name], self.compute), neutral)
        denominator = given.get("denominator", values.get("denominator"))
        weights = None if self.varied == "weights" else values.get("weights")
        if sparse:
            # Beyond that dtype an unsigned number becomes a negative one, which is no class either.
            labels = cast(xp, given["labels"], given["classes"].dtype)
            numbers = given["classes"], labels
            kind = Sparse if self.shifted else Unshifted
            row: Dense | Sparse | Unshifted = kind(self, xp, values["logits"], weights, *numbers)
        else:
            row = Dense(self, xp, values["logits"], weights, values["labels"])
        if True in self.divided:
            row.denominator = denominator
        return tuple(
            cast(xp, select(xp, keep, getattr(row, name)(), 0.0), dtype)
            for name, dtype in zip(self.outputs, self.results, strict=True)
        )

    def of_classes(self) -> frozenset[str]:
        """Return the names of the operands that have all classes of each row."""
        dense = {"logits"} if "classes" in self.operands else {"logits", "labels"}
        return frozenset(dense)

    def closed(self, names: Iterable[str]) -> bool:
        """Tell whether `derivative` has the derivatives with respect to all these operands."""
        return self.outputs == ("loss",) and not self.varied and set(NEUTRAL).issuperset(names)

    def derivative(self, output: int, operand: str) -> "SoftmaxProgram":
        """Return the program, of the same operands, of the derivative of an output."""
        return self._replace(
            outputs=(SLOPES[operand],),
            results=(self.compute,),
            divided=(self.divided[output],),
            varied=None if operand == "logits" else operand,
        )

    def with_barrier(self, barrier: Callable[..., tuple[Array, ...]]) -> "SoftmaxProgram":
        """Return the program with what keeps a compiler from keeping whole arrays."""
        return self._replace(barrier=barrier)

    def beside_gradient(self) -> "SoftmaxProgram":
        """Return the program of a loss for a compiler that computes its gradient as well."""
        return self._replace(shared=True)

    def with_gradient(self) -> "SoftmaxProgram":
        """Return the program of a loss with its derivative with respect to the logits, besides."""
        slope = self.derivative(0, "logits")
        return self._replace(
            outputs=self.outputs + slope.outputs,
            results=self.results + slope.results,
            divided=self.divided + slope.divided,
        )

    def undifferentiated(self) -> "SoftmaxProgram":
        """Return the program for where no library differentiates its lines: the same numbers."""
        return self._replace(constant=None)

    def unshifted(self) -> "SoftmaxProgram | None":
        """Return the program without the maximum, if it can be, with `doubt` as its last output.

        That is not 0 for rows of which the outputs are not to be trusted.
        """
        sparse = "classes" in self.operands and not self.smoothing and not self.varied
        if not sparse or not {"loss", "gradient"}.issuperset(self.outputs):
            return None
        return self._replace(
            outputs=(*self.outputs, "doubt"),
            results=(*self.results, self.compute),
            divided=(*self.divided, False),
            shifted=False,
        )

    def narrowed(self) -> "SoftmaxProgram":
        """Return the program for where rows have no wider dtype."""
        return self._replace(wide=self.compute)

    def masked(self, xp: Namespace, value: Array, *operands: Array) -> Array:
        """Return `value`, a tangent or cotangent, where the operands are kept, else 0."""
        given: dict[str, Array] = dict(zip(self.operands, operands, strict=True))
        keep = kept(xp, given["labels"], given.get("mask"), self.ignored)
        return select(xp, keep, value, 0.0)

    def gathered(self, xp: Namespace, operand: str, product: Array) -> Array:
        """Return the tangent of a loss, from its derivative times the tangent of an operand."""
        return sums.added(xp, product, product.dtype) if operand in self.of_classes() else product

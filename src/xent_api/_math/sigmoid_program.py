"""The program of the sigmoid family."""

from collections.abc import Iterable
from typing import NamedTuple

from .._typing import Array, DType, Namespace
from . import sigmoid
from .masking import kept, select
from .parts import cast, divided, read

NEUTRAL = {"logits": 0.0, "labels": 0.0, "weights": 1.0, "pos_weight": 1.0}
"""What stands for each operand where a position is not kept."""
NEXT = {"loss": "gradient", "gradient": "hessian"}
"""The derivative of an output with respect to the logits."""


class SigmoidProgram(NamedTuple):
    """Loss, gradient or Hessian of the sigmoid family, elementwise."""

    outputs: tuple[str, ...]
    operands: tuple[str, ...]
    """The names of the operands, in the order in which they will come."""
    compute: DType
    results: tuple[DType, ...]
    """The dtype of each output."""
    divided: tuple[bool, ...]
    """Whether each output is divided by the denominator here, and not after it is summed."""
    numbers: tuple[tuple[str, str], ...]
    """The operands that are Python numbers, as `float.hex` writes them."""
    ignored: int | float | None
    smoothing: float
    varied: str | None = None
    """The operand, other than the logits, that all outputs are differentiated by."""
    differentiable: bool = True
    """Whether a library may differentiate these lines; else it has programs of the derivatives."""

    def __call__(self, xp: Namespace, *operands: Array) -> tuple[Array, ...]:
        """Return the outputs, aligned with each other."""
        given: dict[str, Array] = dict(zip(self.operands, operands, strict=True))
        keep = kept(xp, given["labels"], given.get("mask"), self.ignored)
        values = read(self.numbers)
        for name, neutral in NEUTRAL.items():
            if name in given:
                values[name] = select(xp, keep, cast(xp, given[name], self.compute), neutral)
        denominator = given.get("denominator", values.get("denominator"))
        x, z = values["logits"], values["labels"]
        terms = self._terms(xp, x, z, values)
        found = []
        for name, dtype, divide in zip(self.outputs, self.results, self.divided, strict=True):
            value = select(xp, keep, self._formula(xp, name, x, z, terms), 0.0)
            if divide:
                value = divided(xp, value, denominator)
            found.append(cast(xp, value, dtype))
        return tuple(found)

    def closed(self, names: Iterable[str]) -> bool:
        """Tell whether `derivative` has the derivatives with respect to all these operands."""
        known = set(NEUTRAL).issuperset(names) and all(name in NEXT for name in self.outputs)
        return known and self.varied is None

    def derivative(self, output: int, operand: str) -> "SigmoidProgram":
        """Return the program, of the same operands, of the derivative of an output."""
        name = self.outputs[output]
        return self._replace(
            outputs=(NEXT[name] if operand == "logits" else name,),
            results=(self.compute,),
            divided=(self.divided[output],),
            varied=None if operand == "logits" else operand,
        )

    def beside_gradient(self) -> "SigmoidProgram":
        """Return the program of a loss for a compiler that computes its gradient as well."""
        return self

    def undifferentiated(self) -> "SigmoidProgram":
        """Return the program for where no library differentiates its lines: the same numbers."""
        return self._replace(differentiable=False)

    def masked(self, xp: Namespace, value: Array, *operands: Array) -> Array:
        """Return `value`, a tangent or cotangent, where the operands are kept, else 0.

        The derivative is 0 there, but it would be NaN times a value that is not finite.
        """
        given: dict[str, Array] = dict(zip(self.operands, operands, strict=True))
        keep = kept(xp, given["labels"], given.get("mask"), self.ignored)
        return select(xp, keep, value, 0.0)

    def gathered(self, xp: Namespace, operand: str, product: Array) -> Array:
        """Return the tangent of an output, from the derivative times the tangent of an operand."""
        return product

    def _terms(self, xp: Namespace, x: Array, z: Array, values: dict[str, Array]) -> sigmoid.Terms:
        a, q = self.smoothing, values.get("pos_weight")
        either = self.differentiable
        terms = sigmoid.terms(xp, x, z, smoothing=a, pos_weight=q, differentiable=either)
        if self.varied == "weights":
            return terms
        if self.varied == "labels":
            terms = sigmoid.label_terms(terms, smoothing=a, pos_weight=q)
        if self.varied == "pos_weight":
            terms = sigmoid.pos_weight_terms(z, terms, smoothing=a)
        return sigmoid.weighted(terms, values.get("weights"))

    def _formula(self, xp: Namespace, name: str, x: Array, z: Array, terms: sigmoid.Terms) -> Array:
        if name == "loss":
            return sigmoid.loss(xp, x, terms)
        return sigmoid.gradient(terms) if name == "gradient" else sigmoid.hessian(z, terms)

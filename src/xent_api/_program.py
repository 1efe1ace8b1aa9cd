"""The elementwise program between checked inputs and the reduction.

A program is a pure function of aligned operands: mask, then coefficients, then formula. Because
nothing in it looks beyond an element, a backend may run it on whole arrays, on tiles or blocks of
them, or as one fused kernel.
"""

from collections.abc import Iterable
from typing import NamedTuple

from ._formulas import sigmoid
from ._formulas.kept import kept, select
from ._formulas.mean import quotient
from ._typing import Array, DType, Namespace

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
    """The operands that are Python numbers, as `float.hex` writes them: 0.0 and -0.0 are equal, and
    NaN equals nothing, but programs that are the same have to be equal, and no others."""
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
        values: dict[str, Array] = {n: float.fromhex(text) for n, text in self.numbers}
        for name, neutral in NEUTRAL.items():
            if name in given:
                values[name] = select(xp, keep, _cast(xp, given[name], self.compute), neutral)
        denominator = given.get("denominator", values.get("denominator"))
        x, z = values["logits"], values["labels"]
        terms = self._terms(xp, x, z, values)
        found = []
        for name, dtype, divide in zip(self.outputs, self.results, self.divided, strict=True):
            value = select(xp, keep, self._formula(xp, name, x, z, terms), 0.0)
            if divide:
                value = _divided(xp, value, denominator)
            found.append(_cast(xp, value, dtype))
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


def _cast(xp: Namespace, value: Array, dtype: DType) -> Array:
    return value if value.dtype == dtype else xp.astype(value, dtype)


def _divided(xp: Namespace, value: Array, denominator: Array | float | None) -> Array:
    """Return (a part of) a mean in the dtype of the sum, before it is rounded to a narrower one."""
    if denominator is None:
        return value
    if not isinstance(denominator, float):
        denominator = _cast(xp, denominator, value.dtype)
    return quotient(xp, value, denominator)


class CountProgram(NamedTuple):
    """The weight of each position, 0 where it is not kept; without weights, whether it is kept."""

    operands: tuple[str, ...]
    dtype: DType
    """The dtype of the weights; int8 where there are none."""
    weight: float | None
    ignored: int | float | None
    aligned: bool
    """Whether the other operands are known to have the shape of the labels."""

    def __call__(self, xp: Namespace, *operands: Array) -> tuple[Array]:
        """Return the weights of the positions."""
        given: dict[str, Array] = dict(zip(self.operands, operands, strict=True))
        keep = kept(xp, given["labels"], given.get("mask"), self.ignored)
        if self.ignored is None and not self.aligned:
            # Mask and weights may be smaller than the labels that they are counted for.
            everywhere = _cast(xp, xp.ones_like(given["labels"]), self.dtype) != 0
            keep = everywhere if keep is None else keep & everywhere
        if "weights" in given:
            return (select(xp, keep, _cast(xp, given["weights"], self.dtype), 0.0),)
        if self.weight is None:
            return (keep,)
        return (select(xp, keep, xp.astype(keep, self.dtype) * self.weight, 0.0),)


class QuotientProgram(NamedTuple):
    """The last step of a mean: sum over denominator, rounded to the dtype of the result."""

    result: DType
    number: str | None
    """The denominator if it is a number, as in `SigmoidProgram`."""

    def __call__(self, xp: Namespace, total: Array, *denominator: Array) -> tuple[Array]:
        """Return the quotient of 0-d arrays."""
        number = None if self.number is None else float.fromhex(self.number)
        mean = _divided(xp, total, denominator[0] if denominator else number)
        return (_cast(xp, mean, self.result),)

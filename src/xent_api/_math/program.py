"""What is computed of a family: mask, then terms, then outputs, from arrays that are aligned.

A program is a pure function of primitives and arrays. The sigmoid family's looks at one element at
a time, so that a backend may run it on whole arrays, on tiles or blocks of them, or fused; those of
the softmax families look at one row of classes at a time. Equal programs are the same function, so
that what is made of one can be kept.
"""

from collections.abc import Callable, Iterable
from math import nan
from typing import Any, NamedTuple, TypeAlias

from .._typing import Array, Constant, DType, Namespace
from . import sigmoid, softmax
from .masking import select, valid_positions
from .mean import divided
from .special import SpecialProgram

NEUTRAL: dict[str, Any] = {
    "logits": 0.0,
    "labels": 0.0,
    "weights": 1.0,
    "pos_weight": 1.0,
    "vector": 0.0,
}
"""What stands for each operand where a position is not kept."""
NEXT = {"loss": "gradient", "gradient": "hessian"}
"""The derivative of an output of the sigmoid family with respect to the logits."""
SLOPES: dict[str, Any] = {
    "logits": "gradient",
    "labels": "label_slope",
    "weights": "loss",
    "class_weights": "class_weight_slope",
}
"""The derivatives of the loss of the softmax families."""
WEIGHT_SLOPES = {"labels": "class_factor", "weights": "weight", "class_weights": "class_share"}
"""Those of the weights of their rows."""


class LossProgram(NamedTuple):
    """Loss, probabilities, derivatives or weights of a family.

    What belongs to a row of classes keeps the axis of the classes, the last one, with one element.
    """

    family: str
    """"sigmoid", "softmax" (a label for each class) or "sparse_softmax" (class indices)."""
    outputs: tuple[str, ...]
    operands: tuple[str, ...]
    """The names of the operands, in the order in which they will come. `classes` are the numbers 0
    to K - 1."""
    compute: DType
    result_dtypes: tuple[DType, ...]
    """The dtype of each output."""
    divided: tuple[bool, ...]
    """Whether each output is divided by the denominator, if there is one, and not summed first."""
    numbers: tuple[tuple[str, Constant], ...]
    """The operands that are Python numbers."""
    ignored: int | float | None
    smoothing: float
    wrt: str | None = None
    """The operand, other than the logits, that the outputs are differentiated by."""
    wide: DType = None
    """The dtype in which a row is summed."""
    size: Any = None
    """K, the number of classes: an int, or a symbol for one."""
    divides_last: bool = False
    """Whether a mean is divided element by element: by what may be 0 where an element is not."""

    @property
    def rowwise(self) -> bool:
        """Whether a row of classes is one thing."""
        return self.family != "sigmoid"

    @property
    def outweighs_its_total(self) -> bool:
        """Whether losses may have weight where the total has none: that of smoothed classes."""
        return bool(self.smoothing) and "class_weights" in self.operands

    def results(self, ops: Namespace, *operands: Array) -> tuple[Array, ...]:
        """Return the outputs."""
        given: dict[str, Array] = dict(zip(self.operands, operands, strict=True))
        keep = self._valid(ops, given)
        values: dict[str, Array] = {name: number for name, (number, _) in self.numbers}
        values |= {name: given[name] for name in ("smoothing", "size") if name in given}
        if "classes" in given:
            # Beyond that dtype an unsigned number becomes a negative one, which is no class either.
            values["classes"] = given["classes"]
            values["labels"] = ops.cast(given["labels"], given["classes"].dtype)
        for name, neutral in NEUTRAL.items():
            if name in given and name not in values:
                values[name] = select(ops, keep, ops.cast(given[name], self.compute), neutral)
        if "class_weights" in given:
            values["class_weights"] = ops.cast(given["class_weights"], self.compute)
        denominator = given.get("denominator", values.get("denominator"))
        denominator = denominator if True in self.divided else None
        formulas = self._elements if self.family == "sigmoid" else self._rows
        found = formulas(ops, values, keep, denominator)
        return tuple(
            ops.cast(select(ops, keep, found[name], 0.0), dtype)
            for name, dtype in zip(self.outputs, self.result_dtypes, strict=True)
        )

    def has_derivatives(self, operands: Iterable[str]) -> bool:
        """Tell whether `derivative` has those with respect to all these operands."""
        known, factors = all(name in NEXT for name in self.outputs), NEUTRAL
        if self.rowwise:
            known, factors = self.outputs == ("loss",), SLOPES
        return known and self.wrt is None and all(name in factors for name in operands)

    def derivative(self, output: int, operand: str) -> "LossProgram":
        """Return the program, of the same operands, of the derivative of an output."""
        name = self.outputs[output]
        if self.rowwise:
            name = (WEIGHT_SLOPES if name == "weight" else SLOPES)[operand]
        elif operand == "logits":
            name = NEXT[name]
        return self._with(
            outputs=(name,),
            result_dtypes=(self.compute,),
            divided=(self.divided[output],),
            wrt=None if operand == "logits" else operand,
        )

    def with_gradient(self, number: Constant | None, *, counted: bool) -> "LossProgram":
        """Return the program of a loss with its derivative with respect to the logits, besides.

        That is divided by a number, or by another operand (`counted`), as the sum of the losses is.
        """
        return self._with(
            operands=(*self.operands, "denominator") if counted else self.operands,
            numbers=self.numbers if number is None else (*self.numbers, ("denominator", number)),
            outputs=(*self.outputs, "gradient"),
            result_dtypes=(*self.result_dtypes, self.compute),
            divided=(*self.divided, True),
            divides_last=counted and self.outweighs_its_total,
        )

    def with_slope(self) -> "LossProgram":
        """Return the program of a loss with its derivative with respect to the logits."""
        return self.with_gradient(None, counted=False)

    def parametrized(self) -> tuple["LossProgram", dict[str, float]]:
        """Return the program with its Python numbers as operands after the others, and these.

        For compilers: it is equal for all values of the numbers, of which K is one. NaN, True and
        False among what is ignored are compared in other ways, and stay; as does the smoothing of
        rows that leaves nothing of the label.
        """
        numbers: dict[str, float] = {name: number for name, (number, _) in self.numbers}
        smoothing = self.smoothing if self.rowwise and self.smoothing == 1.0 else 0.0
        if self.smoothing and not smoothing:
            numbers["smoothing"] = self.smoothing
        if self.rowwise:
            numbers["size"] = float(self.size)
        kept = self.ignored
        if kept is not None and kept != kept:
            kept = nan  # one object: no other one is equal to it
        elif kept is not None and not isinstance(kept, bool):
            numbers["ignored"], kept = kept, None
        operands = (*self.operands, *numbers)
        general = self._with(operands=operands, numbers=(), smoothing=smoothing, ignored=kept)
        return general._with(size=None), numbers

    def with_division_last(self) -> "LossProgram":
        """Return the program that divides element by element."""
        return self._with(divides_last=True)

    def without_wide(self) -> "LossProgram":
        """Return the program for where rows have no wider dtype."""
        return self._with(wide=self.compute)

    def pulled(
        self, ops: Namespace, slope: Array, cotangent: Array, operands: tuple[Array, ...]
    ) -> Array:
        """Return the cotangent of an operand from that of the output and its derivative.

        0 where a position is not kept, whatever the two are there.
        """
        return slope * self.masked(ops, cotangent, *operands)

    def pushed(
        self,
        ops: Namespace,
        operand: str,
        slope: Array,
        tangent: Array,
        operands: tuple[Array, ...],
    ) -> Array:
        """Return the tangent of an output, from that of an operand and the derivative by it."""
        product = slope * self.masked(ops, tangent, *operands)
        of_rows = {
            "softmax": {"logits", "labels", "class_weights"},
            "sparse_softmax": {"logits", "class_weights"},
        }
        if operand not in of_rows.get(self.family, ()):
            return product
        return ops.plain_row_sum(product, product.dtype)

    def masked(self, ops: Namespace, value: Array, *operands: Array) -> Array:
        """Return `value`, a tangent or cotangent, where the operands are kept, else 0.

        The derivative is 0 there, but it would be NaN times a value that is not finite.
        """
        given = dict(zip(self.operands, operands, strict=True))
        return select(ops, self._valid(ops, given), value, 0.0)

    def _with(self, **changes: Any) -> "LossProgram":
        """Return the program with other fields; not every compiler traces `_replace`."""
        return LossProgram(
            *[changes.get(name, value) for name, value in zip(self._fields, self, strict=True)]
        )

    def _valid(self, ops: Namespace, given: dict[str, Array]) -> Array | None:
        ignored = given.get("ignored", self.ignored)
        return valid_positions(ops, given["labels"], given.get("mask"), ignored)

    def _elements(
        self,
        ops: Namespace,
        values: dict[str, Array],
        _: Array | None,
        denominator: Array | float | None,
    ) -> dict[str, Array]:
        x, z, q = values["logits"], values["labels"], values.get("pos_weight")
        a = values.get("smoothing", self.smoothing)
        terms = sigmoid.terms(ops, x, z, smoothing=a, pos_weight=q)
        if self.wrt == "labels":
            terms = sigmoid.label_terms(terms, smoothing=a, pos_weight=q)
        if self.wrt == "pos_weight":
            terms = sigmoid.pos_weight_terms(z, terms, smoothing=a)
        if self.wrt != "weights":
            terms = sigmoid.weighted(terms, values.get("weights"))
        values["terms"] = terms
        return {
            name: divided(ops, ELEMENTS[name](ops, values), denominator if divide else None)
            for name, divide in zip(self.outputs, self.divided, strict=True)
        }

    def _rows(
        self,
        ops: Namespace,
        values: dict[str, Array],
        keep: Array | None,
        denominator: Array | float | None,
    ) -> dict[str, Array]:
        of_loss = "loss" in self.outputs
        size, a = values.get("size", self.size), values.get("smoothing", self.smoothing)
        rows = softmax.Rows(size, a, self.compute, self.wide, of_loss)
        z, vector, classes = values["labels"], values.get("vector"), values.get("classes")
        weights, class_weights = [
            None if self.wrt == name else values.get(name) for name in ("weights", "class_weights")
        ]
        factors = class_weights, weights
        if self.outputs[0] in WEIGHT_SLOPES.values():
            (name,) = self.outputs
            if self.family == "softmax":
                return {name: DENSE[name](ops, rows, z, *factors)}
            return {name: SPARSE[name](ops, rows, classes, z, keep, *factors)}
        x, last = values["logits"], denominator if self.divides_last else None
        denominator = None if self.divides_last else denominator
        if self.family == "softmax":
            t = softmax.dense_terms(ops, rows, x, z, *factors, denominator)
            label, formulas = z, DENSE
        else:
            t, label = softmax.sparse_terms(ops, rows, x, classes, z, keep, *factors, denominator)
            formulas = SPARSE
        made = {
            name: formulas[name](ops, t, vector if name == PRODUCT else label)
            for name in self.outputs
        }
        if last is None:
            return made
        return {
            name: divided(ops, select(ops, keep, made[name], 0.0), last) if divide else made[name]
            for name, divide in zip(self.outputs, self.divided, strict=True)
        }


Differentiable: TypeAlias = LossProgram | SpecialProgram
ROW_OUTPUTS = ("loss", "weight", "logsumexp")
"""The outputs of programs of rows that are one number for each row."""
PRODUCT = "hessian_vector_product"
ELEMENTS: dict[str, Callable[[Namespace, dict[str, Any]], Array]] = {
    "loss": lambda ops, v: sigmoid.loss(ops, v["logits"], v["terms"]),
    "gradient": lambda ops, v: sigmoid.gradient(ops, v["terms"]),
    "hessian": lambda _, v: sigmoid.hessian(v["labels"], v["terms"]),
    "probabilities": lambda ops, v: sigmoid.probabilities(ops, v["terms"]),
    PRODUCT: lambda _, v: sigmoid.hessian(v["labels"], v["terms"]) * v["vector"],
}
DENSE: dict[str, Callable[..., Array]] = {
    "loss": softmax.dense_loss,
    "gradient": softmax.dense_gradient,
    "hessian": softmax.dense_hessian,
    "probabilities": softmax.probabilities,
    PRODUCT: softmax.hessian_vector_product,
    "label_slope": softmax.label_slope,
    "class_weight_slope": softmax.class_weight_slope,
    "weight": softmax.dense_weight,
    "class_share": softmax.dense_class_share,
    "class_factor": softmax.class_factor,
}
SPARSE: dict[str, Callable[..., Array]] = {
    "loss": softmax.sparse_loss,
    "gradient": softmax.sparse_gradient,
    "hessian": softmax.sparse_hessian,
    "probabilities": softmax.sparse_probabilities,
    PRODUCT: softmax.hessian_vector_product,
    "class_weight_slope": softmax.sparse_class_weight_slope,
    "weight": softmax.sparse_weight,
    "class_share": softmax.sparse_class_share,
}
"""Output → its formula, of the terms of a row, or of what it weighs."""

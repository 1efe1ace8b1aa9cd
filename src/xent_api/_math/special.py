r"""The functions that the losses are made of: sigmoid, softplus, softmax and their logarithms.

By the lines of the losses. With z = 0 the sigmoid loss is softplus(x), and with z = 1 it is
-log sigmoid(x). Of a row, with m, e and r as in `softmax`,

.. math:: \mathrm{softmax}(x) = e/(1+r), \qquad \log\mathrm{softmax}(x) = (x - m) - \log(1+r),
    \qquad \log\sum_k e^{x_k} = m + \log(1+r).
"""

from collections.abc import Callable, Iterable
from math import inf
from typing import Any, NamedTuple

from .._typing import Array, DType, Namespace
from . import sigmoid

SLOPES = {
    "softplus": "sigmoid",
    "log_sigmoid": "opposite",
    "sigmoid": "curvature",
    "softmax": "softmax",
    "log_softmax": "softmax",
    "logsumexp": "shares",
    "shares": "shares",
}
"""Function → the one that its derivative is made of."""
ROWS = ("softmax", "log_softmax", "logsumexp", "shares")


class SpecialProgram(NamedTuple):
    """A function of one operand, elementwise or of rows of classes, which are the last axis."""

    outputs: tuple[str, ...]
    compute: DType
    result_dtypes: tuple[DType, ...]
    wide: DType = None
    """The dtype in which a row is summed."""
    size: Any = None
    """K, the number of classes."""
    largest: float = inf
    """The largest number of `compute`."""

    @property
    def operands(self) -> tuple[str]:
        """The name of the operand."""
        return ("logits",)

    @property
    def family(self) -> str:
        """The family of losses whose lines these are."""
        return "softmax" if self.rowwise else "sigmoid"

    @property
    def rowwise(self) -> bool:
        """Whether a row of classes is one thing."""
        return self.outputs[0] in ROWS

    def results(self, ops: Namespace, *operands: Array) -> tuple[Array, ...]:
        """Return the function's value."""
        x = ops.cast(operands[0], self.compute)
        if self.rowwise:
            found = _rows(ops, self, x)
        else:
            found = [ELEMENTS[name](ops, x) for name in self.outputs]
        return tuple(
            ops.cast(value, dtype) for value, dtype in zip(found, self.result_dtypes, strict=True)
        )

    def has_derivatives(self, _: Iterable[str]) -> bool:
        """Tell whether `derivative` has that with respect to the operand."""
        return self.outputs[0] in SLOPES

    def derivative(self, _output: int, _operand: str) -> "SpecialProgram":
        """Return the program of what `pushed` and `pulled` take."""
        return self._with(outputs=(SLOPES[self.outputs[0]],), result_dtypes=(self.compute,))

    def with_slope(self) -> "SpecialProgram":
        """Return the program of a function with what its derivative is made of."""
        (name,) = self.outputs
        return self._with(
            outputs=(name, SLOPES[name]), result_dtypes=(*self.result_dtypes, self.compute)
        )

    def pushed(
        self, ops: Namespace, _operand: str, slope: Array, tangent: Array, _operands: object
    ) -> Array:
        """Return the tangent of the result, from that of the operand."""
        if not self.rowwise:
            return slope * tangent
        mean = ops.plain_row_sum(slope * tangent, slope.dtype)
        if self.outputs[0] == "logsumexp":
            return mean
        return tangent - mean if self.outputs[0] == "log_softmax" else slope * (tangent - mean)

    def pulled(self, ops: Namespace, slope: Array, cotangent: Array, _operands: object) -> Array:
        """Return the cotangent of the operand, from that of the result."""
        (name,) = self.outputs
        if name == "log_softmax":
            return cotangent - slope * ops.plain_row_sum(cotangent, slope.dtype)
        if name in ("softmax", "shares"):
            return slope * (cotangent - ops.plain_row_sum(slope * cotangent, slope.dtype))
        return slope * cotangent

    def parametrized(self) -> tuple["SpecialProgram", dict[str, float]]:
        """Return the program for any number of classes, and no numbers that it needs besides."""
        return self._with(size=None), {}

    def without_wide(self) -> "SpecialProgram":
        """Return the program for where rows have no wider dtype."""
        return self._with(wide=self.compute)

    def _with(self, **changes: Any) -> "SpecialProgram":
        return SpecialProgram(
            *[changes.get(name, value) for name, value in zip(self._fields, self, strict=True)]
        )


def _softplus(ops: Namespace, x: Array) -> Array:
    return sigmoid.loss(ops, x, sigmoid.terms(ops, x, 0.0))


def _log_sigmoid(ops: Namespace, x: Array) -> Array:
    return -sigmoid.loss(ops, x, sigmoid.terms(ops, x, 1.0))


def _sigmoid(ops: Namespace, x: Array) -> Array:
    return sigmoid.probabilities(ops, sigmoid.terms(ops, x, 0.0))


def _opposite(ops: Namespace, x: Array) -> Array:
    """Return 1 - sigmoid(x)."""
    return -sigmoid.gradient(ops, sigmoid.terms(ops, x, 1.0))


def _curvature(ops: Namespace, x: Array) -> Array:
    """Return sigmoid(x)*(1 - sigmoid(x))."""
    return sigmoid.hessian(0.0, sigmoid.terms(ops, x, 0.0))


ELEMENTS: dict[str, Callable[[Namespace, Array], Array]] = {
    "softplus": _softplus,
    "log_sigmoid": _log_sigmoid,
    "sigmoid": _sigmoid,
    "opposite": _opposite,
    "curvature": _curvature,
}


def _rows(ops: Namespace, program: SpecialProgram, x: Array) -> list[Array]:
    """Return functions of rows.

    A logarithm of a sum has limits at infinities, and so have its derivatives, the `shares`. With
    +inf in a row, it and the maximum are replaced by the largest number; in a row of -inf the
    maximum is replaced by the lowest one. Neither then makes inf - inf.
    """
    has_limits = program.outputs[0] in ("logsumexp", "shares")
    m = ops.stop_gradient(ops.row_max(x))
    top = m
    if has_limits:
        x = ops.where(x == inf, program.largest, x)
        top = ops.where(m == inf, program.largest, m)
        top = ops.where(top == -inf, -program.largest, top)
    u = ops.shift(x, top)
    e = ops.exp(u)
    r = ops.sum_excluding_max(e, program.wide)
    if has_limits:
        r = ops.where(r < 0.0, 0.0, r)
    return [_of_row(ops, program, name, (m, u, e, r)) for name in program.outputs]


def _of_row(ops: Namespace, program: SpecialProgram, name: str, terms: tuple[Array, ...]) -> Array:
    m, u, e, r = terms
    if name in ("softmax", "shares"):
        return e * ops.cast(1.0 / (1.0 + r), program.compute)
    softplus = ops.log1p_rest(r, program.size, program.compute)
    if name == "logsumexp":
        return ops.cast(m, program.wide) + softplus
    return u - ops.cast(softplus, program.compute)

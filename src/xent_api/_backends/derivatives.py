"""What libraries with derivative rules of their own have in common.

A program may know its derivatives in closed form; a library's rule then runs those programs instead
of differentiating the arithmetic: exact, with nothing to save but the operands.
"""

from collections.abc import Iterable
from typing import NamedTuple, Protocol, TypeGuard

from .._typing import Array, Namespace
from .base import Program, is_rowwise


class Differentiable(Program, Protocol):
    """A program that knows its derivatives."""

    operands: tuple[str, ...]

    def closed(self, names: Iterable[str]) -> bool:
        """Tell whether the derivatives with respect to all these operands are known."""

    def derivative(self, output: int, operand: str) -> "Differentiable":
        """Return the program, of the same operands, of the derivative of an output."""

    def beside_gradient(self) -> "Differentiable":
        """Return the program of a loss for a compiler that computes its gradient as well."""

    def undifferentiated(self) -> "Differentiable":
        """Return the program for where no library differentiates its lines: the same numbers."""

    def masked(self, xp: Namespace, value: Array, *operands: Array) -> Array:
        """Return a tangent or cotangent with 0 where the derivative is 0 whatever stands there."""

    def gathered(self, xp: Namespace, operand: str, product: Array) -> Array:
        """Return the tangent of an output, from the derivative times the tangent of an operand."""


class Scaled(NamedTuple):
    """A derivative times a cotangent, which is the first operand."""

    program: Differentiable

    @property
    def operands(self) -> tuple[str, ...]:
        """The names of the operands."""
        return "cotangent", *self.program.operands

    @property
    def rowwise(self) -> bool:
        """Whether it is a program over rows."""
        return is_rowwise(self.program)

    def of_classes(self) -> frozenset[str]:
        """Return the names of the operands that have all classes of each row."""
        return self.program.of_classes()  # type: ignore[attr-defined,no-any-return]

    def __call__(self, xp: Namespace, factor: Array, *operands: Array) -> tuple[Array]:
        """Return the product."""
        (derivative,) = self.program(xp, *operands)
        factor = xp.astype(factor, derivative.dtype)
        return (derivative * self.program.masked(xp, factor, *operands),)


def has_rule(program: Program, floating: Iterable[bool]) -> TypeGuard[Differentiable]:
    """Tell whether the derivatives with respect to all operands that are `floating` are known.

    All of them, because a library's nested transformations do not tell which ones they vary.
    """
    closed = getattr(program, "closed", None)
    if closed is None:
        return False
    names = program.operands  # type: ignore[attr-defined]
    known: bool = closed(name for name, wanted in zip(names, floating, strict=True) if wanted)
    return known

"""What libraries with derivative rules of their own have in common.

A program may know its derivatives in closed form; a library's rule then runs those programs instead
of differentiating the arithmetic: exact, with nothing to save but the operands.
"""

from collections.abc import Iterable
from typing import Protocol, TypeGuard, runtime_checkable

from .._typing import Array, Namespace
from .direct import Program


@runtime_checkable
class Differentiable(Protocol):
    """A program that knows its derivatives."""

    operands: tuple[str, ...]

    def __call__(self, xp: Namespace, *operands: Array) -> tuple[Array, ...]:
        """Return the results."""

    def closed(self, names: Iterable[str]) -> bool:
        """Tell whether the derivatives with respect to all these operands are known."""

    def derivative(self, output: int, operand: str) -> "Differentiable":
        """Return the program, of the same operands, of the derivative of an output."""


def has_rule(program: Program, varied: Iterable[bool]) -> TypeGuard[Differentiable]:
    """Tell whether the derivatives with respect to the operands that are `varied` are known."""
    if not isinstance(program, Differentiable):
        return False
    pairs = zip(program.operands, varied, strict=True)
    return program.closed([name for name, wanted in pairs if wanted])

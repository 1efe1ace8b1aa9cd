"""What libraries with derivative rules of their own have in common.

A program may know its derivatives in closed form; a library's rule then runs those programs instead
of differentiating the arithmetic: exact, with nothing to save but the operands.
"""

from collections.abc import Iterable
from typing import TypeGuard

from .._math.program import Differentiable
from .._typing import Program


def has_closed_form(program: Program, floating: Iterable[bool]) -> TypeGuard[Differentiable]:
    """Tell whether the derivatives with respect to all operands that are `floating` are known.

    All of them, because a library's nested transformations do not tell which ones they vary.
    """
    if not isinstance(program, Differentiable):
        return False
    pairs = zip(program.operands, floating, strict=True)
    return program.has_derivatives([name for name, wanted in pairs if wanted])


def no_derivative(outputs: tuple[str, ...]) -> NotImplementedError:
    """Return the error for a derivative that would be one of what is sent."""
    return NotImplementedError(
        f"`{'` and `'.join(outputs)}` over several devices must not be differentiated here: "
        "`loss_and_gradient` returns first derivatives, `hessian_vector_product` second ones"
    )

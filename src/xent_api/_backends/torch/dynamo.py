"""The rule of autograd inside ``torch.compile``; imported only while that is at work."""

import torch

from ..._typing import Array, Program
from .autograd import by_rule


@torch.compiler.allow_in_graph  # type: ignore[untyped-decorator,unused-ignore]
def in_graph(program: Program, *operands: Array) -> tuple[Array, ...]:
    """Run the program by the rule.

    The compiler's frontend leaves this call alone. (It would trace the rule itself, but stumbles
    over a warning of its own where warnings are errors.) The stages behind it see the operations of
    both passes, and fuse them with their neighbours: from the plain program they would make a
    backward pass ten times as long.
    """
    return by_rule(program, operands, final=True)

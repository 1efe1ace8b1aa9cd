"""What the libraries have in common whose tensors belong to no namespace of the standard.

Their sizes may be unknown until a graph runs, and then be compared by nobody: two operands of which
one has a single row would be broadcast.
"""

from typing import Any

from .._math.ops import DifferentiatedOps
from .._typing import Array, DType, Program
from .base import Backend, static_size
from .inspection import Inspection


class CompletedOps(DifferentiatedOps):
    """A library's functions under the names, and with the arguments, of the standard."""

    info: Inspection

    def __array_namespace_info__(self) -> Inspection:
        """Return the standard's inspection."""
        return self.info

    def isdtype(self, dtype: DType, kind: Any) -> bool:
        """Tell whether a dtype is of a kind."""
        return self.info.isdtype(dtype, kind)

    def where(self, condition: Array, x: Array, y: Array) -> Array:
        """Return x where the condition is true, else y; numbers get the dtype of the other."""
        if isinstance(x, (int, float)):
            x = self.number(x, y.dtype)
        if isinstance(y, (int, float)):
            y = self.number(y, x.dtype)
        return self._xp.where(condition, x, y)

    def number(self, value: float, dtype: DType) -> Array:
        """Return a tensor of one number."""
        raise NotImplementedError


class OwnerlessBackend(Backend):
    """Programs on tensors of which some sizes may be unknown."""

    def run(self, program: Program, operands: tuple[Array, ...]) -> tuple[Array, ...]:
        """Return the results of the program, of operands that have one shape when it runs."""
        if any(static_size(tuple(operand.shape)) is None for operand in operands):
            operands = self._compared(program, operands)
        return super().run(program, operands)

    def _compared(self, program: Program, operands: tuple[Array, ...]) -> tuple[Array, ...]:
        names: tuple[str, ...] = getattr(program, "operands", ())
        given = dict(zip(names, operands, strict=False))
        whole: Array = given.get("logits", operands[0])
        rows = whole[..., :1] if program.rowwise else whole
        for name, value in given.items():
            like = rows if tuple(value.shape)[-1:] == (1,) else whole
            if name == "labels":
                given[name] = self.of_shape(value, like)
            elif name in ("mask", "weights", "pos_weight"):
                given[name] = self.xp.broadcast_to(value, self.xp.shape(like))
        return tuple(given.values()) or operands

    def of_shape(self, labels: Array, like: Array) -> Array:
        """Return labels that have the shape of another tensor, or fail when that is known."""
        return self.xp.reshape(labels, self.xp.shape(like))

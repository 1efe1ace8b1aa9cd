"""CuPy: one kernel for a whole program, where `execution` asks for it."""

from collections.abc import Callable
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import cupy

from .._math.ops import Ops
from .._typing import Array, DType, Program
from .base import Backend
from .execution import current


class CupyBackend(Backend):
    """The direct way, or ``cupy.fuse`` over the same program."""

    def evaluate(
        self, program: Program, operands: tuple[Array, ...], summed: tuple[bool, ...]
    ) -> tuple[Array, ...]:
        """Run the program; loss and gradient come from one launch where it is fused."""
        shapes = {operand.shape for operand in operands}
        if not current.get().fuse or program.rowwise or len(shapes) > 1 or () in shapes:
            # Inside a fused kernel no array has a shape, so that `ones_like` of one that is larger
            # than the others could not do its work.
            return super().evaluate(program, operands, summed)
        results = fused(program, *[operand.dtype for operand in operands])(*operands)
        return self.totals(results if isinstance(results, tuple) else (results,), summed)


@lru_cache(maxsize=256)
def fused(program: Any, *_: DType) -> Callable[..., Any]:
    """Return the program on arrays of these dtypes as a fused function."""

    def xent_api(*operands: Any) -> Any:
        results = program.results(NAMESPACE, *operands)
        return results if len(results) > 1 else results[0]

    return cupy.fuse(xent_api)  # type: ignore[no-any-return,unused-ignore]


def _full_like(like: Any, value: float) -> Any:
    return (like != like).astype(like.dtype) * 0 + value


_FUNCTIONS = SimpleNamespace(
    abs=cupy.abs,
    exp=cupy.exp,
    log1p=cupy.log1p,
    isnan=cupy.isnan,
    where=cupy.where,
    astype=lambda value, dtype: value.astype(dtype),
    full_like=_full_like,
    zeros_like=lambda like: _full_like(like, 0),
    ones_like=lambda like: _full_like(like, 1),
)
NAMESPACE = Ops(_FUNCTIONS)
"""What programs use of a namespace, in the form that stand-ins for fused arrays take."""

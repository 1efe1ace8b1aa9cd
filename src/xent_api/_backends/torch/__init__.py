"""PyTorch: the closed-form derivatives as a rule of autograd."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import torch
from torch.autograd import forward_ad

from ..._typing import Array, DType, Program
from ..base import Backend
from ..derivatives import has_closed_form
from ..execution import current
from . import eager
from .autograd import by_rule
from .ops import FINAL_OPS, OPS, is_distributed, xp

Operands = tuple[Array, ...]
PLAIN = (torch.Tensor, torch.nn.Parameter)
"""And not what subclasses make of them."""


class TorchBackend(Backend):
    """Eager programs under a rule of autograd; plain ones where ``torch.compile`` sees them."""

    def __init__(self) -> None:
        super().__init__(xp)
        self.ops = OPS

    def plan_key(self, array: Array) -> tuple[object, ...] | None:
        """Return what matters of a tensor, where nobody traces or compiles the call."""
        if type(array) not in PLAIN or array.is_nested or is_traced():
            return None
        return array.dtype, array.shape, array.device, array.layout

    def as_supported(self, array: Array) -> Array:
        """Return the tensor, unless it is a sparse or a nested one."""
        if array.layout != torch.strided or array.is_nested:
            kind = "a nested one" if array.is_nested else f"layout {array.layout}"
            raise TypeError(f"a dense tensor; got {kind}: convert it with `to_dense`")
        return array

    def sized(self) -> bool:
        """Tell whether sizes are numbers: in a compiled function they may become symbols."""
        return not torch.compiler.is_compiling()

    def arange(self, size: int, dtype: DType, like: Array) -> Array:
        """Return the numbers 0 to size - 1, on every device where `like` is distributed."""
        numbers = super().arange(size, dtype, like)
        if not is_distributed(like):
            return numbers
        from torch.distributed.tensor import DTensor, Replicate

        mesh = like.device_mesh
        return DTensor.from_local(numbers, mesh, [Replicate()] * mesh.ndim, run_check=False)

    def accumulator(self, like: Array) -> DType | None:
        """Return the dtype of sums."""
        return eager.accumulator(like)

    def count_dtype(self, like: Array) -> DType:
        """Return the dtype that every sum of integers has."""
        return torch.int64

    def total(self, value: Array) -> Array:
        """Return the sum of all elements, or the number of those that are true."""
        return eager.total(value)

    def evaluate(
        self, program: Program, operands: Operands, summed: tuple[bool, ...]
    ) -> tuple[Array, ...]:
        """Run the program by the first of the `WAYS` that applies; add up what `summed` marks."""
        for way in WAYS:
            if way.applies(program, operands):
                return way.evaluate(program, operands, summed)
        raise AssertionError("the last way always applies")

    def run(self, program: Program, operands: Operands) -> tuple[Array, ...]:
        """Run the program, by the rule where autograd will want derivatives."""
        if is_traced():
            return _run_traced(program, operands)
        return (
            by_rule(program, operands)
            if is_differentiated(operands)
            else program.results(OPS, *operands)
        )


def is_traced() -> bool:
    """Tell whether torch notes what is done instead of doing it."""
    return bool(torch.compiler.is_compiling() or torch.jit.is_tracing())


def is_differentiated(operands: Operands) -> bool:
    """Tell whether autograd will want derivatives."""
    return torch.is_grad_enabled() and any(operand.requires_grad for operand in operands)


def is_fused(operands: Operands) -> bool:
    """Tell whether one kernel of each call is asked for, and can compute these operands."""
    wanted = current.get().fuse and any(v.ndim for v in operands)
    return wanted and eager.are_plain(operands)


class Way(NamedTuple):
    """One of the ways to evaluate a program, and when it is taken."""

    applies: Callable[[Program, Operands], bool]
    evaluate: Callable[[Program, Operands, tuple[bool, ...]], tuple[Array, ...]]


BACKEND = TorchBackend()


@lru_cache(maxsize=256)
def compiled(program: Any, summed: tuple[bool, ...], *_: DType) -> Callable[..., Any]:
    """Return what evaluates a program on tensors of these dtypes, by ``torch.compile``.

    Each is a function of its own: together they would reach the limit of recompilations. (Programs
    that ignore True and 1.0 are equal, but not the same for boolean labels and others.)
    """

    def evaluate(operands: Operands) -> tuple[Array, ...]:
        return Backend.evaluate(BACKEND, program, operands, summed)

    return torch.compile(evaluate, isolate_recompiles=True)  # type: ignore[no-any-return,unused-ignore]


def _evaluate_fused(
    program: Program, operands: Operands, summed: tuple[bool, ...]
) -> tuple[Array, ...]:
    dtypes = [operand.dtype for operand in operands]
    results: tuple[Array, ...] = compiled(program, summed, *dtypes)(operands)
    return results


WAYS = (
    # torch's compiler sees the program's lines, and the sums.
    Way(lambda *_: is_traced(), lambda *call: Backend.evaluate(BACKEND, *call)),
    # One compiled kernel, where `execution` asks for it.
    Way(lambda _, operands: is_fused(operands), _evaluate_fused),
    # The rule, in tiles or not; programs that have none run their lines under autograd.
    Way(lambda _, operands: is_differentiated(operands), by_rule),
    # No derivatives: in tiles where plain tensors are large.
    Way(lambda *_: True, eager.evaluate),
)
"""In this order; the first that applies is taken."""


def _run_traced(program: Program, operands: Operands) -> tuple[Array, ...]:
    """Run the program where the compiler looks on; exported ones may be differentiated later."""
    if not torch.compiler.is_dynamo_compiling() or torch.compiler.is_exporting():
        return program.results(OPS, *operands)
    if is_differentiated(operands):
        if not has_closed_form(program, [v.dtype.is_floating_point for v in operands]):
            return program.results(OPS, *operands)
        from .dynamo import in_graph

        results: tuple[Array, ...] = in_graph(program, *operands)
        return results
    final = not torch._C._are_functorch_transforms_active() and forward_ad._current_level < 0
    return program.results(FINAL_OPS if final else OPS, *operands)

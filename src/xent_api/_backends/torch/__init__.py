"""PyTorch: the closed-form derivatives as a rule of autograd."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import torch
from torch.autograd import forward_ad

from ..._math.program import Differentiable
from ..._math.shard import ShardProgram
from ..._math.totals import CountProgram, QuotientProgram
from ..._typing import Array, DType, Program
from ..base import Backend, Prepared, Spec
from ..derivatives import has_closed_form
from ..execution import current
from . import eager
from .autograd import by_rule
from .native import NativeCall, counted
from .ops import FINAL_OPS, OPS, is_distributed, xp
from .part import Part

Operands = tuple[Array, ...]
HALVES = (torch.float16, torch.bfloat16)


class TorchBackend(Backend):
    """Eager programs under a rule of autograd; plain ones where ``torch.compile`` sees them."""

    def __init__(self) -> None:
        super().__init__(xp)
        self.ops = OPS

    def plan_key(self, array: Array) -> tuple[object, ...] | None:
        """Return what matters of a tensor, where nobody traces or compiles the call."""
        if type(array) not in eager.PLAIN or array.is_nested or eager.is_traced():
            return None
        setting = current.get()
        key = array.dtype, array.shape, array.device, array.layout, setting.native
        return (*key, True) if _is_autocast(array) else key

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

    def positions(self, labels: Array, axis: int) -> Array:
        """Return an array with an element for each row, of which nothing has to be sent."""
        if not is_distributed(labels) or eager.is_traced():
            return super().positions(labels, axis)
        from .mesh import zeros_of_rows

        return zeros_of_rows(self.xp.moveaxis(labels, axis, -1))

    def accumulator(self, like: Array) -> DType | None:
        """Return the dtype of sums."""
        return eager.accumulator(like)

    def loss_dtype(self, logits: Array) -> DType:
        """Return float32 for half precision under autocast, as for the losses of PyTorch."""
        return torch.float32 if _is_autocast(logits) else logits.dtype

    def count_dtype(self, like: Array) -> DType:
        """Return the dtype that every sum of integers has."""
        return torch.int64

    def total(self, value: Array) -> Array:
        """Return the sum of all elements, or the number of those that are true."""
        return eager.total(value)

    def evaluate(
        self, program: Program, operands: Operands, summed: tuple[bool, ...]
    ) -> tuple[Array, ...]:
        """Run the program; add up those of its results that `summed` marks."""
        if eager.is_traced():
            return super().evaluate(program, operands, summed)
        if isinstance(program, CountProgram) and current.get().is_native():
            number = counted(program, operands)
            if number is not None:
                return (number,)
        if not is_fused(operands):
            return super().evaluate(program, operands, summed)
        dtypes = [operand.dtype for operand in operands]
        results: tuple[Array, ...] = compiled(program, summed, *dtypes)(operands)
        return results

    def prepared(
        self,
        program: Differentiable,
        finish: QuotientProgram,
        summed: tuple[bool, ...],
        specs: Sequence[Spec | None],
    ) -> Prepared | None:
        """Return what calls a kernel on plain tensors in this machine's memory."""
        if eager.is_traced() or not current.get().is_native():
            return None
        return NativeCall(program, finish, summed, specs)

    def run(self, program: Program, operands: Operands) -> tuple[Array, ...]:
        """Run the program, by the rule where autograd will want derivatives."""
        if eager.is_traced():
            return _run_traced(program, operands)
        found = self._by_parts(program, operands) if program.rowwise else None
        if found is not None:
            return found
        return (
            by_rule(program, operands)
            if eager.is_differentiated(operands)
            else program.results(OPS, *operands)
        )

    def _by_parts(self, program: Program, operands: Operands) -> tuple[Array, ...] | None:
        """Return the results of distributed tensors whose classes are split, or None."""
        if not isinstance(program, Differentiable) or not all(map(is_distributed, operands)):
            return None
        if eager.is_transformed(operands):
            return None
        names = zip(program.operands, operands, strict=True)
        varied = [name for name, value in names if eager.is_differentiated((value,))]
        if varied and not program.has_derivatives(varied):
            return None
        from .mesh import by_parts

        return by_parts(program, operands, self.run_part)

    def run_part(self, program: ShardProgram, operands: Operands) -> tuple[Array, ...]:
        """Run the program of rows of which other devices have classes, too."""
        if any(is_distributed(value) for value in operands):
            raise TypeError("`shard` must be None for distributed tensors, which know their parts")
        if eager.is_transformed(operands):  # whose derivatives would be those of what is sent
            raise NotImplementedError(
                "with `shard` there is no forward mode, and no transformation of torch.func: first "
                "derivatives are had by `backward` and torch.autograd.grad"
            )
        if not eager.is_differentiated(operands):
            return program.results(OPS, *operands)
        results: tuple[Array, ...] = Part.apply(program, *operands)
        return results


def _is_autocast(array: Array) -> bool:
    """Tell whether losses of such logits are to be those of float32."""
    if array.dtype not in HALVES:
        return False
    kind = array.device.type
    return bool(torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind))


def is_fused(operands: Operands) -> bool:
    """Tell whether one kernel of each call is asked for, and can compute these operands."""
    wanted = current.get().fuse and any(v.ndim for v in operands)
    return wanted and eager.are_plain(operands)


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


def _run_traced(program: Program, operands: Operands) -> tuple[Array, ...]:
    """Run the program where the compiler looks on; exported ones may be differentiated later."""
    if not torch.compiler.is_dynamo_compiling() or torch.compiler.is_exporting():
        return program.results(OPS, *operands)
    if eager.is_differentiated(operands):
        if not has_closed_form(program, [v.dtype.is_floating_point for v in operands]):
            return program.results(OPS, *operands)
        from .dynamo import in_graph

        results: tuple[Array, ...] = in_graph(program, *operands)
        return results
    final = not torch._C._are_functorch_transforms_active() and forward_ad._current_level < 0
    return program.results(FINAL_OPS if final else OPS, *operands)

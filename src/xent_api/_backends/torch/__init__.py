"""PyTorch: the closed-form derivatives as a rule of autograd."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch.autograd import forward_ad
from torch.utils._python_dispatch import is_in_torch_dispatch_mode

from ..._graph.executor import Runner
from ..._graph.rows import RowTiles
from ..._typing import Array, DType
from ..base import Backend, Program, is_rowwise
from ..derivatives import Differentiable, Scaled, has_rule
from ..execution import current
from ..registry import signatures
from . import ops as namespace
from .kernels import DIALECT
from .ops import fused, xp


class TorchBackend(Backend):
    """Eager programs under a rule of autograd; plain ones where ``torch.compile`` sees them."""

    def __init__(self) -> None:
        super().__init__(xp)

    constant = staticmethod(torch.Tensor.detach)

    def signature(self, array: Array) -> tuple[object, ...] | None:
        """Return what matters of a tensor, where nobody traces or compiles the call."""
        if _traced() or array.is_nested:
            return None
        return array.dtype, array.shape, array.device, array.layout

    def adopt(self, array: Array) -> Array:
        """Return the tensor, unless it is a sparse or a nested one."""
        if array.layout != torch.strided or array.is_nested:
            kind = "a nested one" if array.is_nested else f"layout {array.layout}"
            raise TypeError(f"a dense tensor; got {kind}: convert it with `to_dense`")
        return array

    def sized(self) -> bool:
        """Tell whether sizes are numbers: in a compiled function they may become symbols."""
        return not torch.compiler.is_compiling()

    def accumulator(self, like: Array) -> DType | None:
        """Return float64, which every device has but Apple's."""
        return None if like.device.type == "mps" else torch.float64

    def count_dtype(self, like: Array) -> DType:
        """Return the dtype that every sum of integers has."""
        return torch.int64

    def evaluate(
        self, program: Program, operands: tuple[Array, ...], summed: tuple[bool, ...]
    ) -> tuple[Array, ...]:
        """Run the program, in tiles where plain tensors are large; add up what `summed` marks."""
        if _traced():
            return super().evaluate(program, operands, summed)
        results: tuple[Array, ...]
        if current.get().fuse and _compilable(operands):
            results = compiled(program, summed)(operands)
        elif not _large(operands):
            results = super().evaluate(program, operands, summed)
        elif not _differentiated(operands):
            results = _tiled(program, operands, summed)
        elif has_rule(program, _floating(operands)):
            results = Tiled.apply(Leaf(program), summed, *operands)
        else:
            results = super().evaluate(program, operands, summed)
        return results

    def run(self, program: Program, operands: tuple[Array, ...]) -> tuple[Array, ...]:
        """Run the program, by the rule where autograd will want derivatives."""
        return _run(program, operands)


@lru_cache(maxsize=256)
def compiled(program: Any, summed: tuple[bool, ...]) -> Callable[..., Any]:
    """Return what evaluates a program as ``torch.compile`` makes it.

    Each program is a function of its own: together they would reach the limit of recompilations.
    """

    def evaluate(operands: tuple[Array, ...]) -> tuple[Array, ...]:
        return Backend.evaluate(BACKEND, program, operands, summed)

    return torch.compile(evaluate, isolate_recompiles=True)  # type: ignore[no-any-return,unused-ignore]


def _traced() -> bool:
    """Tell whether torch notes what is done instead of doing it."""
    return bool(torch.compiler.is_compiling() or torch.jit.is_tracing())


def _differentiated(operands: tuple[Array, ...]) -> bool:
    """Tell whether autograd will want derivatives."""
    return torch.is_grad_enabled() and any(operand.requires_grad for operand in operands)


def _floating(operands: tuple[Array, ...]) -> list[bool]:
    return [operand.dtype.is_floating_point for operand in operands]


def _run(program: Program, operands: tuple[Array, ...]) -> tuple[Array, ...]:
    if _traced():
        return _run_traced(program, operands)
    return (
        by_rule(program, operands) if _differentiated(operands) else program(namespace, *operands)
    )


def _run_traced(program: Program, operands: tuple[Array, ...]) -> tuple[Array, ...]:
    # An exported or traced program may be differentiated later.
    if torch.compiler.is_dynamo_compiling() and not torch.compiler.is_exporting():
        if _differentiated(operands):
            if not has_rule(program, _floating(operands)):
                return program(namespace, *operands)
            from .dynamo import in_graph

            results: tuple[Array, ...] = in_graph(undifferentiated(program), *operands)
            return results
        if not torch._C._are_functorch_transforms_active() and forward_ad._current_level < 0:
            program = undifferentiated(program)
    return program(_lines(program, operands), *operands)


def _lines(program: Program, operands: tuple[Array, ...]) -> Any:
    """Return the namespace for a program, which compilers and transformations may see."""
    final = not getattr(program, "differentiable", True)  # only programs of elements tell
    if final and torch.compiler.is_compiling() and operands[0].device.type == "cpu":
        return fused
    return namespace


def undifferentiated(program: Program) -> Program:
    """Return the program for where no library differentiates its lines."""
    change = getattr(program, "undifferentiated", None)
    changed: Program = program if change is None else change()
    return changed


def by_rule(program: Program, operands: tuple[Array, ...]) -> tuple[Array, ...]:
    """Run the program by the rule, if it has one for these operands."""
    if not has_rule(program, _floating(operands)):
        return program(namespace, *operands)
    try:
        results: tuple[Array, ...] = ClosedForm.apply(Leaf(program), *operands)
    except NotImplementedError:
        # The rule has no forward mode: within one, torch drops the tangents of an outer one without
        # an error (pytorch#197867). The plain program has all of them.
        return program(namespace, *operands)
    return results


TILE = 2**15
"""Elements of a tile for each of torch's threads, between which it divides no smaller ones."""
ROWS = 2**17
"""The same for rows of classes, of which some calls are made for each row."""
DIRECT = 2**13
"""Elements up to which whole arrays are as fast."""
BACKEND = TorchBackend()
RUNNER = Runner(DIALECT, BACKEND.total, nullcontext)


def _large(operands: tuple[Array, ...]) -> bool:
    """Tell whether tiles pay, and can write beside all operands."""
    if not all(map(_plain, operands)) or any(v.device.type != "cpu" for v in operands):
        return False
    sizes = [v.numel() for v in operands]
    return max(sizes) > DIRECT and 0 not in sizes and not _intercepted()


def _compilable(operands: tuple[Array, ...]) -> bool:
    """Tell whether a kernel of one's own can compute these operands, and is worth while."""
    return any(v.ndim for v in operands) and all(map(_plain, operands)) and not _intercepted()


def _plain(value: Array) -> bool:
    """Tell whether a tensor is nothing but numbers in memory.

    Subclasses, what the transformations of ``torch.func`` and forward mode wrap, and views that
    stand for the negative of their memory are not.
    """
    if type(value) not in (torch.Tensor, torch.nn.Parameter) or value.layout != torch.strided:
        return False
    try:
        value.data_ptr()
    except RuntimeError:
        return False
    return not value.is_neg() and forward_ad.unpack_dual(value).tangent is None


def _intercepted() -> bool:
    """Tell whether somebody wants to see each operation, in Python: a mode or a transformation."""
    within = torch._C._functorch.peek_interpreter_stack() is not None
    return within or is_in_torch_dispatch_mode()


def _tiled(
    program: Program, operands: tuple[Array, ...], summed: tuple[bool, ...]
) -> tuple[Array, ...]:
    program = undifferentiated(program)
    threads = torch.get_num_threads()
    if is_rowwise(program):
        found = RowTiles(RUNNER, program, operands, summed, ROWS * threads).run(1)
    else:
        found = RUNNER.tiled(program, operands, summed, TILE * threads)
    return tuple(torch.stack(v).sum() if isinstance(v, list) else v for v in found)


@dataclass(frozen=True, eq=False)
class Leaf:
    """Holds a program: torch's transformations would take a named tuple apart."""

    program: Differentiable


class ClosedForm(torch.autograd.Function):  # type: ignore[misc]  # Any where torch is missing
    """A program with its closed-form derivatives, which saves its operands and nothing else.

    The backward pass runs programs of the same kind, again by the rule where a second derivative
    will be wanted. Nothing works in place, so that `vmap` can take it from here.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(leaf: Leaf, *operands: Array) -> tuple[Array, ...]:
        """Return the results of the program."""
        # The lines that autograd may differentiate: there are tools that lose the rule.
        return leaf.program(_lines(leaf.program, operands), *operands)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], _: tuple[Array, ...]) -> None:
        """Save the operands."""
        leaf, *operands = inputs
        ctx.program = leaf.program
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(*operands)
        # There is no forward mode, but under `vmap` torch asks for this before it finds out.
        ctx.save_for_forward(*operands)

    @staticmethod
    def backward(ctx: Any, *cotangents: Array | None) -> tuple[Array | None, ...]:
        """Return the cotangents; autograd adds up those of operands that were broadcast."""
        found = _cotangents(ctx.program, ctx.saved_tensors, cotangents, ctx.needs_input_grad[1:])
        return (None, *found)


def _cotangents(
    program: Differentiable,
    operands: tuple[Array, ...],
    cotangents: tuple[Array | None, ...],
    wanted: tuple[bool, ...],
) -> tuple[Array | None, ...]:
    """Return the cotangents of those operands that want them, from those of the results."""
    found: list[Array | None] = []
    for name, want in zip(program.operands, wanted, strict=True):
        parts = [
            _product(program.derivative(output, name), operands, cotangent)
            for output, cotangent in enumerate(cotangents)
            if cotangent is not None and want
        ]
        found.append(sum(parts[1:], parts[0]) if parts else None)
    return tuple(found)


def _product(program: Differentiable, operands: tuple[Array, ...], factor: Array) -> Array:
    """Return a derivative times `factor`."""
    if not torch.is_grad_enabled() and _large((factor, *operands)):
        return _tiled(Scaled(program.undifferentiated()), (factor, *operands), (False,))[0]
    (derivative,) = _run(program, operands)
    return derivative * program.masked(namespace, factor.to(derivative.dtype), *operands)


class Tiled(torch.autograd.Function):  # type: ignore[misc]  # Any where torch is missing
    """The same rule for large plain tensors: both passes in tiles, sums included."""

    @staticmethod
    def forward(
        ctx: Any, leaf: Leaf, summed: tuple[bool, ...], *operands: Array
    ) -> tuple[Array, ...]:
        """Return the results of the program, or their sums; save the operands.

        Of rows, where only the logits are varied, the gradient too: an exponential of each class
        is then computed once, and not again for the gradient. (PyTorch's own losses save as much,
        of half precision half of it; that of the sigmoid saves nothing, nor does this rule there.)
        What hooks of saved tensors keep of it is written over by the last backward pass.
        """
        ctx.program, wanted = leaf.program, ctx.needs_input_grad[2:]
        ctx.set_materialize_grads(False)
        names = [n for n, want in zip(leaf.program.operands, wanted, strict=True) if want]
        ctx.early = is_rowwise(leaf.program) and names == ["logits"]
        if not ctx.early:
            ctx.save_for_backward(*operands)
            return _tiled(leaf.program, operands, summed)
        with_gradient = leaf.program.with_gradient()  # type: ignore[attr-defined]
        *results, gradient = _tiled(with_gradient, operands, (*summed, False))
        ctx.save_for_backward(*operands, gradient)
        return tuple(results)

    @staticmethod
    def backward(ctx: Any, *cotangents: Array | None) -> tuple[Array | None, ...]:
        """Return the cotangents of the operands."""
        saved, wanted, factor = ctx.saved_tensors, ctx.needs_input_grad[2:], cotangents[0]
        operands, gradient = saved[: len(wanted)], saved[-1] if ctx.early else None
        plain = not torch.is_grad_enabled() and factor is not None and _plain(factor)
        if gradient is None or factor is None or not plain or _intercepted():
            return (None, None, *_cotangents(ctx.program, operands, cotangents, wanted))
        factor = ctx.program.masked(namespace, factor.to(gradient.dtype), *operands)
        # Without `retain_graph` nobody else will read the gradient.
        last = not torch._C._autograd._get_current_graph_task_keep_graph()
        found = torch.mul(gradient, factor, out=gradient if last else None)
        return (None, None, *(found if want else None for want in wanted))


for _kind in (torch.Tensor, torch.nn.Parameter):  # and not what subclasses make of them
    signatures[_kind] = BACKEND.signature

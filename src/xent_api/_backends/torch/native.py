"""Tensors in this machine's memory by compiled kernels, with a rule of autograd for them."""

from collections.abc import Callable, Sequence
from ctypes import addressof, c_double
from functools import cache, cached_property
from importlib import import_module
from math import isfinite
from typing import Any, NamedTuple

import torch

from ..._math.mean import divided
from ..._math.program import Differentiable, LossProgram
from ..._math.totals import CountProgram, QuotientProgram
from ..._typing import Array, DType, Shape
from ..base import Backend, Spec
from ..derivatives import has_closed_form
from ..execution import current, set_to
from ..names import name_of
from . import eager
from .autograd import products
from .ops import OPS, xp

BASE = Backend(xp)
CPU = torch.device("cpu")
DIVISOR = torch.float64, ()

Operands = tuple[Array | None, ...]
"""None stands for the numbers of the classes, which kernels do not need."""


def _parts(count: int) -> Any:
    return (c_double * count)()  # of which a number is had in a tenth of the time of a tensor's


def _taken(operands: tuple[Any, ...]) -> tuple[tuple[Any, ...], bool]:
    for tensor in operands:
        if not tensor.is_contiguous():
            return operands, False
    return operands, True


def _addresses(arrays: tuple[Any, ...]) -> list[int]:
    return [v.data_ptr() if isinstance(v, torch.Tensor) else addressof(v) for v in arrays]


def _empty(shape: Shape, dtype: DType) -> Array:
    return torch.empty(shape, dtype=dtype, device=CPU)


def _ordered(shape: Shape, order: Sequence[int], dtype: DType) -> Array:
    return torch.empty_permuted(shape, order, dtype=dtype, device=CPU)  # which is no view


def _empty_like(like: Array, dtype: DType) -> Array:
    return torch.empty_like(like, dtype=dtype)


class Shared(NamedTuple):
    """What NumPy's room has for tensors, too."""

    find: Callable[..., Any]
    """Finds what serves a call."""
    quotient: Callable[..., Any]
    view: Callable[[Array], Any]
    backend: Backend


@cache
def _shared() -> Shared | None:
    """Return what kernels are called by. None where PyTorch goes without NumPy."""
    try:
        from ..numpy import memory, native, scalars
    except ImportError:
        return None

    def view(array: Any) -> Any:
        if not isinstance(array, torch.Tensor):
            return memory.of_buffer(array)
        tensor = array.detach()  # NumPy itself has no bfloat16
        return (tensor.view(torch.int16) if tensor.dtype == torch.bfloat16 else tensor).numpy()

    tensors = memory.Memory(
        fields=None,
        taken=_taken,
        view=view,
        pointers=lambda arrays: memory.packed(_addresses(arrays)),
        strides=torch.Tensor.stride,
        in_bytes=False,
        parts=_parts,
        scratch=lambda count: torch.empty(count, dtype=torch.float64, device=CPU),
        contiguous=lambda like, _, dtype: torch.empty_like(like, dtype=dtype),
        empty=_empty,
        empty_like=_empty_like,
        ordered=_ordered,
        workers=lambda: current.get().workers or torch.get_num_threads(),
    )
    # (By name: the registry imports this room.)
    registry = import_module("..registry", __package__)
    backend = registry.find_backend(memory.of_buffer(_parts(1)))  # no tensor: it may be wrapped
    assert backend is not None, "NumPy is there"
    return Shared(native.NativeCalls(tensors).find, scalars.quotient, view, backend)


def counted(program: CountProgram, operands: tuple[Array, ...]) -> Array | None:
    """Return the number of positions as NumPy counts them, or None where it cannot.

    In the thread that asks: PyTorch's own functions share so little among all of its threads, and
    wait for each other wherever another process is busy.
    """
    shared = _shared()
    halves = any(v.dtype == torch.bfloat16 for v in operands)
    if shared is None or halves or not eager.has_kernels(operands):
        return None
    if eager.is_differentiated(operands):
        return None
    program = program._replace(dtype=name_of(program.dtype))
    views = tuple([shared.view(operand) for operand in operands])
    (number,) = shared.backend.evaluate(program, views, (True,))
    return torch.from_numpy(number[...])


class NativeCall:
    """A program and its last step on tensors of these dtypes and shapes."""

    def __init__(
        self,
        program: Differentiable,
        finish: QuotientProgram,
        summed: tuple[bool, ...],
        specs: Sequence[Spec | None],
    ) -> None:
        self.program: Any = program
        self.summed, self.specs = summed, specs
        self.number = finish.number
        self.result_dtype = finish.result_dtype
        # As NumPy takes it, which itself has no bfloat16.
        half = finish.result_dtype == torch.bfloat16
        self.finish = finish._replace(
            result_dtype="float32" if half else name_of(finish.result_dtype)
        )
        floating = [spec is not None and spec[0].is_floating_point for spec in specs]
        self.has_closed_form = has_closed_form(program, floating)
        self.early: tuple[bool, ...] | None = None
        """Which operands want a derivative where the gradient is computed beside the loss."""
        if program.outputs == ("loss",) and (self.number is None or self.number[0] != 0.0):
            self.early = tuple([name == "logits" for name in program.operands])
        self.shared: Any = _shared()
        self._with_gradient: Any = None

    def __call__(self, operands: Operands, divisors: tuple[Array, ...]) -> tuple[Array, ...] | None:
        """Return the outputs; None where there is no kernel for these tensors."""
        given = [operand for operand in (*operands, *divisors) if operand is not None]
        if not eager.has_kernels(given) or self.kernel is None:
            return None
        wanted = eager.is_differentiated(given)
        if wanted and (not self.has_closed_form or eager.is_differentiated(divisors)):
            return None
        numbers = tuple([float(v.item()) for v in divisors])  # here that waits for no device
        if not wanted:
            return self.compute(operands, numbers)
        results: tuple[Array, ...] = _apply(self, numbers, *operands)
        return results

    @cached_property
    def kernel(self) -> Any:
        """What computes the program, or None."""
        if self.shared is None:
            return None
        return self.shared.find(self.program, self.summed, *self.specs)

    def _kernel_with_gradient(self, *, counted: bool) -> Any:
        """Return what computes a loss and its gradient, which is divided as the sum will be."""
        program = self.program.with_gradient(self.number, counted=counted)
        specs = [*self.specs, DIVISOR] if counted else self.specs
        return self.shared.find(program, (*self.summed, False), *specs)

    def compute(self, operands: Operands, divisors: tuple[float, ...]) -> tuple[Array, ...]:
        """Return the outputs."""
        return self._finished(self.kernel.run(operands), divisors)

    def compute_with_gradient(
        self, operands: Operands, divisors: tuple[float, ...]
    ) -> tuple[tuple[Array, ...], Array]:
        """Return the loss, and the gradient of what it is reduced to."""
        if self._with_gradient is None:
            self._with_gradient = self._kernel_with_gradient(counted=bool(divisors))
        if divisors:
            operands = (*operands, torch.tensor(divisors[0], dtype=torch.float64, device=CPU))
        loss, gradient = self._with_gradient.run(operands)
        return self._finished((loss,), divisors), gradient

    def with_classes(self, operands: Operands) -> tuple[Array, ...]:
        """Return the operands with the numbers of the classes."""
        known = dict(zip(self.program.operands, operands, strict=True))
        return tuple(
            [
                BASE.class_numbers(self.program.size, known["labels"]) if value is None else value
                for value in operands
            ]
        )

    def of_sums(
        self, cotangents: tuple[Array | None, ...], divisors: tuple[float, ...]
    ) -> tuple[Array | None, ...]:
        """Return the cotangents before the last step."""
        number = None if self.number is None else self.number[0]
        number = divisors[0] if divisors else number
        return tuple(
            [
                divided(OPS, value.to(torch.float64), number)
                if add and value is not None
                else value
                for value, add in zip(cotangents, self.summed, strict=True)
            ]
        )

    def is_0_over_0(self, results: tuple[Array, ...], divisors: tuple[float, ...]) -> bool:
        """Tell whether results are 0 because nothing was divided by 0."""
        if 0 not in divisors and (self.number is None or self.number[0] != 0.0):
            return False
        pairs = zip(results, self.summed, strict=True)
        return all(float(value) == 0.0 for value, add in pairs if add)

    def _finished(self, results: tuple[Any, ...], divisors: tuple[float, ...]) -> tuple[Array, ...]:
        if True not in self.summed:
            return results
        pairs = zip(results, self.summed, strict=True)
        return tuple([self._quotient(value, divisors) if add else value for value, add in pairs])

    def _quotient(self, total: Any, divisors: tuple[float, ...]) -> Array:
        """Return the last step of a sum."""
        found = torch.from_numpy(self.shared.quotient(self.finish, total, divisors)[...])
        return found.to(torch.bfloat16) if self.result_dtype == torch.bfloat16 else found


class Rule(torch.autograd.Function):  # type: ignore[misc]  # Any where torch is missing
    """A program with its last step, and its closed-form derivatives.

    Where the backward pass will want the gradient of the loss, and nothing else, it is computed
    beside the loss: the logits are read once, and the exponential is computed once. In the compute
    dtype, so that it does not underflow before a factor of the backward pass is in it.
    """

    @staticmethod
    def forward(
        ctx: Any, call: NativeCall, divisors: tuple[float, ...], *operands: Array | None
    ) -> tuple[Array, ...]:
        """Return the outputs. With a `setup_context` of its own this would take twice the time."""
        ctx.call, ctx.divisors, ctx.setting = call, divisors, current.get()
        # (Beside a divisor of 0 some terms of a gradient would be infinite, and cancel.)
        ctx.early = ctx.needs_input_grad[2:] == call.early and 0 not in divisors
        if not ctx.early:
            ctx.set_materialize_grads(False)
            ctx.save_for_backward(*operands)
            results = call.compute(operands, divisors)
            if call.is_0_over_0(results, divisors):
                ctx.divisors = (1.0,)  # as `quotient` has it, of which this is 0, too
            return results
        results, gradient = call.compute_with_gradient(operands, divisors)
        ctx.save_for_backward(*operands, gradient)
        return results

    @staticmethod
    def backward(ctx: Any, *cotangents: Array | None) -> tuple[Array | None, ...]:
        """Return the cotangents, by the forward pass's setting."""
        call, wanted, saved = ctx.call, ctx.needs_input_grad[2:], ctx.saved_tensors
        factor = cotangents[0]
        if ctx.early and _is_last(factor):
            *operands, gradient = saved
            value = _scaled(call.program, gradient, factor, operands)
            return (None, None, *[value if want else None for want in wanted])
        with set_to(lambda: ctx.setting):
            operands = call.with_classes(saved[: len(wanted)])
            factors = call.of_sums(cotangents, ctx.divisors)
            return (None, None, *products(call.program, operands, factors, wanted, _derivative))


# As in `autograd`: what `apply` does for transformations, no plain tensor needs.
_apply = super(torch.autograd.Function, Rule).apply


def _is_last(factor: Array | None) -> bool:
    """Tell whether nobody differentiates or watches this backward pass."""
    return factor is not None and not torch.is_grad_enabled() and eager.are_plain((factor,))


def _scaled(
    program: LossProgram, gradient: Array, factor: Array, operands: Sequence[Array | None]
) -> Array:
    """Return the gradient of the forward pass times the cotangent, which is 1 most often.

    To look at a number in this machine's memory waits for no device.
    """
    keep = torch._C._autograd._get_current_graph_task_keep_graph()
    if not factor.ndim:
        number = factor.item()
        if number == 1.0:
            return gradient.clone() if keep else gradient
        if isfinite(number):
            return gradient * number if keep else gradient.mul_(number)
    factor = program.masked(OPS, factor.to(gradient.dtype), *operands)
    # Without `retain_graph` nobody else will read the gradient.
    return torch.mul(gradient, factor, out=None if keep else gradient)


def _derivative(program: Differentiable, operands: tuple[Array, ...]) -> Array:
    """Return a derivative, by a kernel if there is one."""
    specs = [(operand.dtype, operand.shape) for operand in operands]
    call = NativeCall(program, QuotientProgram(program.compute, None), (False,), specs)
    found = call(operands, ())
    return (program.results(OPS, *operands) if found is None else found)[0]

"""Eager tensors: sums, and which of them are nothing but numbers in memory."""

from collections.abc import Iterable

import torch
from torch.autograd import forward_ad
from torch.utils._python_dispatch import is_in_torch_dispatch_mode

from ..._typing import Array, DType
from ..base import pairwise_sum
from .ops import xp

PLAIN = (torch.Tensor, torch.nn.Parameter)
"""And not what subclasses make of them."""


def accumulator(like: Array) -> DType | None:
    """Return float64, which every device has but Apple's."""
    return None if like.device.type == "mps" else torch.float64


def total(value: Array) -> Array:
    """Return the sum of all elements in float64, or the number of those that are true."""
    if value.dtype == torch.bool:
        return value.sum()
    dtype = accumulator(value)
    return pairwise_sum(xp, value) if dtype is None else value.sum(dtype=dtype)


def is_traced() -> bool:
    """Tell whether torch notes what is done instead of doing it."""
    return bool(torch.compiler.is_compiling() or torch._C._is_tracing())


def is_differentiated(operands: Iterable[Array]) -> bool:
    """Tell whether autograd will want derivatives."""
    if torch.is_grad_enabled():
        for operand in operands:  # `any` takes four times as long
            if operand.requires_grad:
                return True
    return False


def has_kernels(operands: Iterable[Array]) -> bool:
    """Tell whether kernels can read the operands, and nobody looks on."""
    for operand in operands:
        if not operand.is_cpu:
            return False
    return are_plain(operands)


def are_plain(operands: Iterable[Array]) -> bool:
    """Tell whether tensors are nothing but numbers in memory, and nobody watches operations.

    Subclasses, what the transformations of ``torch.func`` and forward mode wrap, and views that
    stand for the negative of their memory are not.
    """
    for value in operands:
        if type(value) not in PLAIN or value.layout != torch.strided:
            return False
        try:
            value.data_ptr()
        except RuntimeError:
            return False
        if value.is_neg():
            return False
        if forward_ad._current_level >= 0 and forward_ad.unpack_dual(value).tangent is not None:
            return False
    return not is_intercepted()


def is_transformed(operands: Iterable[Array]) -> bool:
    """Tell whether forward mode or a transformation of ``torch.func`` is at work."""
    if torch._C._are_functorch_transforms_active():  # which compilers trace, too
        return True
    if forward_ad._current_level < 0:
        return False
    return any(forward_ad.unpack_dual(value).tangent is not None for value in operands)


def is_intercepted() -> bool:
    """Tell whether somebody wants to see each operation, in Python: a mode or a transformation."""
    within = torch._C._functorch.peek_interpreter_stack() is not None
    return within or is_in_torch_dispatch_mode()

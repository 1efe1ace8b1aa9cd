"""Eager tensors without derivatives: whole, or in tiles where they are large."""

from contextlib import nullcontext

import torch
from torch.autograd import forward_ad
from torch.utils._python_dispatch import is_in_torch_dispatch_mode

from ..._graph.executor import Executor, Limits
from ..._graph.tiling import Tiling
from ..._typing import Array, DType, Program
from ..base import pairwise_sum
from .kernels import KERNELS
from .ops import OPS, xp


def accumulator(like: Array) -> DType | None:
    """Return float64, which every device has but Apple's."""
    return None if like.device.type == "mps" else torch.float64


def total(value: Array) -> Array:
    """Return the sum of all elements in float64, or the number of those that are true."""
    if value.dtype == torch.bool:
        return value.sum()
    dtype = accumulator(value)
    return pairwise_sum(xp, value) if dtype is None else value.sum(dtype=dtype)


LIMITS = Limits(
    direct_elements=2**13,
    tile_elements=2**15,
    shared_tile_bytes=0,  # torch shares each operation itself
    row_tile_elements=2**17,
)
"""Tiles are those of each of torch's threads, between which it divides no smaller ones. Tried by
hand: ``tools/measure_tiles.py`` is for NumPy."""
EXECUTOR = Executor(KERNELS, total, nullcontext, LIMITS)


def evaluate(
    program: Program, operands: tuple[Array, ...], summed: tuple[bool, ...]
) -> tuple[Array, ...]:
    """Run the program; add up those of its results that `summed` marks."""
    sizes, limits = [v.numel() for v in operands], EXECUTOR.limits
    few = max(sizes) <= limits.direct_elements
    if 0 in sizes or (few and program.rowwise) or not has_kernels(operands):
        # The lines that autograd may differentiate: there are tools that lose the rule.
        return EXECUTOR.totals(program.results(OPS, *operands), summed)
    if few:
        return EXECUTOR.evaluate(program, operands, summed)
    size = limits.row_tile_elements if program.rowwise else limits.tile_elements
    tiling = Tiling(EXECUTOR, program, operands, summed, size * torch.get_num_threads())
    found = tiling.evaluate(1)
    return tuple([torch.stack(v).sum() if isinstance(v, list) else v for v in found])


def is_large(operands: tuple[Array, ...]) -> bool:
    """Tell whether tiles pay, and can write beside all operands."""
    sizes = [v.numel() for v in operands]
    large = max(sizes) > EXECUTOR.limits.direct_elements and 0 not in sizes
    return large and has_kernels(operands)


def has_kernels(operands: tuple[Array, ...]) -> bool:
    """Tell whether the kernels can read the operands, and nobody looks on."""
    return all(v.is_cpu for v in operands) and are_plain(operands)


def are_plain(operands: tuple[Array, ...]) -> bool:
    """Tell whether tensors are nothing but numbers in memory, and nobody watches operations."""
    return all(map(is_plain, operands)) and not is_intercepted()


def is_plain(value: Array) -> bool:
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


def is_intercepted() -> bool:
    """Tell whether somebody wants to see each operation, in Python: a mode or a transformation."""
    within = torch._C._functorch.peek_interpreter_stack() is not None
    return within or is_in_torch_dispatch_mode()

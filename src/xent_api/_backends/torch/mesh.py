"""Distributed tensors whose classes are split over one dimension of a mesh, by their parts.

PyTorch's own operations are right for them, but there are four times as many messages, and some
derivatives gather logits. The rows of logits are left as they are split.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import torch
import torch.distributed as dist
from torch.distributed.tensor import DTensor, Partial, Replicate, Shard, zeros

from ..._math.program import ROW_OUTPUTS, Differentiable
from ..._math.shard import ShardProgram
from ..._shard import ClassShard
from ..._typing import Array

Run = Callable[[ShardProgram, tuple[Array, ...]], tuple[Array, ...]]


class Split(NamedTuple):
    """How classes and rows lie on a mesh."""

    mesh: Any
    dimension: int
    """The dimension of the mesh over which classes are split."""
    rows: list[Any]
    """The placements of what belongs to a row."""
    rank: int
    """The number of axes of rows with their classes."""

    def placements(self, tensor: Array, *, of_classes: bool) -> list[Any]:
        """Return how a tensor has to lie: split as rows and classes are, where it has them."""
        missing, found = self.rank - tensor.ndim, []
        for place in self.rows:
            axis = place.dim - missing if isinstance(place, Shard) else -1
            split = axis >= 0 and tensor.shape[axis] != 1
            found.append(Shard(axis) if split else Replicate())
        if of_classes:
            found[self.dimension] = Shard(tensor.ndim - 1)
        return found

    def local(self, tensor: Array, *, of_classes: bool) -> Array:
        """Return this device's part; a gradient is added up where each has one of its rows."""
        places = self.placements(tensor, of_classes=of_classes)
        slopes = [
            Partial() if isinstance(row, Shard) and isinstance(place, Replicate) else place
            for row, place in zip(self.rows, places, strict=True)
        ]
        return tensor.redistribute(self.mesh, places).to_local(grad_placements=slopes)

    def whole(self, part: Array, shape: tuple[int, ...], *, of_classes: bool) -> Array:
        """Return the distributed tensor of this shape that has such parts."""
        like = torch.empty(shape, device="meta")
        places = self.placements(like, of_classes=of_classes)
        given = {"shape": like.shape, "stride": like.stride()}
        return DTensor.from_local(part, self.mesh, places, run_check=False, **given)


def by_parts(
    program: Differentiable, operands: tuple[Array, ...], run: Run
) -> tuple[Array, ...] | None:
    """Return the results, or None where classes are not split over one dimension of a mesh."""
    given = dict(zip(program.operands, operands, strict=True))
    split = _split(program.size, given)
    if split is None:
        return None
    count, number = split.mesh.size(split.dimension), split.mesh.get_local_rank(split.dimension)
    each = -(-program.size // count)  # as `torch.chunk` has it
    first, last = (min(n * each, program.size) for n in (number, number + 1))
    parts = []
    for name, value in given.items():
        of_classes = name in ("logits", "class_weights", "vector", "classes")
        of_classes = of_classes or (name == "labels" and value.shape[-1] == program.size)
        part = split.local(value, of_classes=of_classes)
        parts.append(part - first if name == "classes" else part)
    reduced = partial(_reduced, split.mesh.get_group(split.dimension))
    shard = ClassShard(
        first=first,
        size=program.size,
        max=partial(reduced, dist.ReduceOp.MAX),
        sum=partial(reduced, dist.ReduceOp.SUM),
    )
    results = run(ShardProgram(program, shard, last - first), tuple(parts))
    rows = tuple(_like(given).shape[:-1])
    return tuple(
        [
            split.whole(value, (*rows, 1), of_classes=False)
            if name in ROW_OUTPUTS
            else split.whole(value, (*rows, program.size), of_classes=True)
            for name, value in zip(program.outputs, results, strict=True)
        ]
    )


def zeros_of_rows(rows: Array) -> Array:
    """Return a zero for each row, where the row lies."""
    classes = rows.ndim - 1
    places = [Replicate() if p.is_partial() or p == Shard(classes) else p for p in rows.placements]
    shape, mesh = (*rows.shape[:-1], 1), rows.device_mesh
    return zeros(shape, dtype=torch.bool, device_mesh=mesh, placements=places)


def _like(given: dict[str, Array]) -> Array:
    """Return what has all rows."""
    return given["logits" if "logits" in given else "labels"]


def _is_one(tensor: Array, place: Any) -> bool:
    """Tell whether an axis that is split has one element, as what is broadcast has."""
    return isinstance(place, Shard) and tensor.shape[place.dim] == 1


def _reduced(group: Any, operation: Any, value: Array) -> Array:
    dist.all_reduce(value, op=operation, group=group)
    return value


def _split(size: Any, given: dict[str, Array]) -> Split | None:
    """Return how the operands are split, if that is as it has to be."""
    if size == 1:
        return None
    like = _like(given)
    model = like if like.shape[-1] == size else given["class_weights"]
    if any(type(p) not in (Shard, Replicate) for p in (*like.placements, *model.placements)):
        return None
    over = [i for i, place in enumerate(model.placements) if place == Shard(model.ndim - 1)]
    if len(over) != 1:
        return None
    rows = [
        Replicate() if i == over[0] or _is_one(like, place) else place
        for i, place in enumerate(like.placements)
    ]
    return Split(like.device_mesh, over[0], rows, like.ndim)

"""How rows of classes lie in memory, and which lanes suit them."""

import struct
from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

from ..._typing import Shape
from .vectors import LANES

MIN_CLASSES = 32
"""From so many classes on, where they lie beside each other, lanes are classes."""
MIN_FAR_CLASSES = 256
"""From so many on lanes are classes where there are fewer rows than lanes, too."""
Steps = tuple[int, ...]
"""Bytes from one to the next."""


class Strided(NamedTuple):
    """Where the numbers of an array are."""

    size: int
    """Bytes of a number."""
    rows: Steps
    """In each axis of rows, 0 where it is broadcast."""
    classes: int
    """From one class to the next, 0 where they have the same number."""


class Axis(NamedTuple):
    """Axes of rows that all arrays can take as one."""

    size: int
    steps: Steps
    """Of each array."""


class Arrangement(NamedTuple):
    """Rows as a kernel takes them: an inner axis in an outer one, and others outside of these."""

    by_class: bool
    """Whether the lanes are the classes of a row."""
    dense: tuple[bool, ...]
    """Of which arrays the lanes lie beside each other."""
    classes: int
    class_steps: Steps
    outside: tuple[Axis, ...]
    outer: Axis
    inner: Axis

    @property
    def units(self) -> int:
        """The number of units in the inner axis."""
        return self.inner.size if self.by_class else -(-self.inner.size // LANES)

    def layouts(self, numbers: bytes) -> Iterator[tuple[bytes, int, int]]:
        """Yield layouts, each with its first unit and the one after the last."""
        units = self.units * self.outer.size
        each = list(zip(self.outer.steps, self.inner.steps, self.class_steps, strict=True))
        for place, index in enumerate(product(*[range(axis.size) for axis in self.outside])):
            sizes = [self.units, self.inner.size, self.classes]
            for k, steps in enumerate(each):
                offset = sum(n * axis.steps[k] for n, axis in zip(index, self.outside, strict=True))
                # The units of all layouts are numbered in one row.
                sizes += [offset - place * self.outer.size * steps[0], *steps]
            packed = struct.pack(f"={len(sizes)}q", *sizes) + numbers
            yield packed, place * units, (place + 1) * units


def arrange(batch: Shape, classes: int, arrays: list[Strided], logits: int) -> Arrangement:
    """Return how to take arrays of rows, the one at `logits` above all."""
    axes = _merged(batch, arrays, logits)
    none = Axis(1, (0,) * len(arrays))
    *others, inner = axes or [none]
    # Each row of the axes outside is a layout of its own, and each inner axis has lanes to fill.
    others.sort(key=lambda axis: axis.size)
    if others and inner.size < min(LANES, others[-1].size):
        inner, others[-1] = others[-1], inner
        others.sort(key=lambda axis: axis.size)
    *outside, outer = others or [none]
    few = inner.size < LANES
    beside = arrays[logits].classes == arrays[logits].size
    by_class = classes >= MIN_CLASSES if beside else few and classes >= MIN_FAR_CLASSES
    steps = [array.classes for array in arrays] if by_class else inner.steps
    dense = tuple(
        [
            step == array.size and (by_class or not few)
            for step, array in zip(steps, arrays, strict=True)
        ]
    )
    class_steps = tuple([array.classes for array in arrays])
    return Arrangement(by_class, dense, classes, class_steps, tuple(outside), outer, inner)


def _merged(batch: Shape, arrays: list[Strided], logits: int) -> list[Axis]:
    """Return as few axes as all rows can have, those of the largest steps first."""
    order = sorted(range(len(batch)), key=lambda n: -abs(arrays[logits].rows[n]))
    found: list[Axis] = []
    for n in order:
        size, steps = batch[n], tuple([array.rows[n] for array in arrays])
        if size == 1:
            continue
        if found and found[-1].steps == tuple([step * size for step in steps]):
            size *= found.pop().size
        found.append(Axis(size, steps))
    return found

"""Programs recorded as lists of NumPy calls, to be played without Python's or malloc's overhead.

A program is called once with stand-ins that note what is done to them. The list is then played on
each tile: the calls and their order are those of the program, so are their bits, but each one
writes into scratch memory that is laid out beforehand. On tiles that fit the cache this takes half
the time that NumPy's own temporaries take.
"""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

from .._typing import Array, DType, Shape
from .direct import Program
from .steps import cast, choose, fill

Spec = tuple[DType, Shape]
"""Dtype and shape of an array."""


class Step(NamedTuple):
    """A call: ``slots[slot] = function(*(slots[i] for i in inputs), out)``."""

    function: Callable[..., Array]
    inputs: tuple[int, ...]
    slot: int


class Recorded(np.lib.mixins.NDArrayOperatorsMixin):
    """Stands for an array while a program is recorded."""

    def __init__(self, recorder: "Recorder", slot: int, dtype: DType, shape: Shape) -> None:
        self.recorder, self.slot, self.dtype, self.shape = recorder, slot, dtype, shape

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> "Recorded":
        """Note the call of a ufunc, which is what operators and functions of NumPy come to."""
        if method != "__call__" or options:
            return NotImplemented
        samples = (np.empty(0, v.dtype) if isinstance(v, Recorded) else v for v in inputs)
        return self.recorder.record(ufunc, inputs, ufunc(*samples).dtype)


class Recorder:
    """The steps of one program, as they are noted."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.specs: list[Spec | None] = []
        self.constants: dict[int, Any] = {}

    def add(self, dtype: DType, shape: Shape) -> Recorded:
        """Return the next stand-in."""
        self.specs.append((dtype, shape))
        return Recorded(self, len(self.specs) - 1, dtype, shape)

    def record(self, function: Any, inputs: tuple[Any, ...], dtype: DType) -> Recorded:
        """Note a call and return what stands for its result."""
        slots = tuple(self._slot(value) for value in inputs)
        shapes = (value.shape for value in inputs if isinstance(value, Recorded))
        result = self.add(dtype, np.broadcast_shapes(*shapes))
        self.steps.append(Step(function, slots, result.slot))
        return result

    def _slot(self, value: Any) -> int:
        if isinstance(value, Recorded):
            return value.slot
        self.constants[len(self.specs)] = value
        self.specs.append(None)
        return len(self.specs) - 1


def _where(condition: Recorded, one: Any, other: Any) -> Recorded:
    dtype = one.dtype if isinstance(one, Recorded) else other.dtype
    return condition.recorder.record(choose, (condition, one, other), dtype)


def _full_like(like: Recorded, value: Any) -> Recorded:
    return like.recorder.record(fill, (like, value), like.dtype)


NAMESPACE = SimpleNamespace(
    exp=np.exp,
    log1p=np.log1p,
    isinf=np.isinf,
    isnan=np.isnan,
    astype=lambda value, dtype: value.recorder.record(cast, (value, dtype), dtype),
    where=_where,
    full_like=_full_like,
    zeros_like=lambda like: _full_like(like, 0),
    ones_like=lambda like: _full_like(like, 1),
)
"""What elementwise programs use of a namespace."""


class Tape(NamedTuple):
    """A recorded program."""

    steps: tuple[Step, ...]
    slots: tuple[Any, ...]
    """What stands in the slots before a step has run: the constants, else None."""
    specs: tuple[Spec | None, ...]
    outputs: tuple[int, ...]


def record(program: Program, operands: tuple[Spec, ...]) -> Tape:
    """Return the tape of a program for operands of these dtypes and shapes."""
    recorder = Recorder()
    given = [recorder.add(dtype, shape) for dtype, shape in operands]
    outputs = tuple(value.slot for value in program(NAMESPACE, *given))
    slots = tuple(recorder.constants.get(k) for k in range(len(recorder.specs)))
    return Tape(tuple(recorder.steps), slots, tuple(recorder.specs), outputs)


def play(tape: Tape, operands: tuple[Array, ...]) -> tuple[Array, ...]:
    """Return the results of a program, in arrays that NumPy makes."""
    slots = list(tape.slots)
    slots[: len(operands)] = operands
    for function, inputs, slot in tape.steps:
        slots[slot] = function(*[slots[k] for k in inputs])
    return tuple(slots[k] for k in tape.outputs)

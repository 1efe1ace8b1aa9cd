"""Programs recorded as lists of calls, to be played without the overhead of making arrays.

A program is called once with stand-ins that note what is done to them. The list is then played on
each tile: the calls and their order are those of the program, and so are their bits, but each one
writes into scratch memory that is laid out beforehand. On tiles that fit the cache this takes half
the time that new temporaries take.
"""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, NamedTuple, cast

from .._backends.base import Program
from .._math.log1p import log1p
from .._typing import Array, DType, Shape
from .simplify import (
    Step,
    added_at_labels,
    apart_from,
    shortened,
)
from .tiles import broadcast

Spec = tuple[DType, Shape]
"""Dtype and shape of an array."""
BOOLEAN = frozenset({"equal", "not_equal", "greater_equal", "less", "isnan"})


class Dialect(NamedTuple):
    """How a library makes arrays and carries out the calls of a tape."""

    functions: dict[str, Callable[..., Array]]
    """Name of a call → function of its operands and `out`, which returns its result."""
    empty: Callable[[Shape, DType], Array]
    constant: Callable[[Any, DType], Any]
    """What stands for a number beside arrays of a dtype."""
    dtype: Callable[[DType], DType]
    """The one of several names of a dtype that its arrays have."""
    boolean: DType
    integer: Callable[[DType], DType]
    """The integers as wide as the numbers of a dtype."""
    contiguous: Callable[[Array], bool]
    empty_like: Callable[[Array, DType], Array]
    """Memory laid out like an array."""
    broadcast_to: Callable[[Array, Shape], Array]
    last_first: Callable[[Array], Array]
    """The array with its last axis first, as a view."""
    index: DType
    """The integers that index arrays."""
    no_log1p: frozenset[DType] = frozenset()
    """The dtypes of which the library has no `log1p` in vectors; it is made of other calls."""


class Tape(NamedTuple):
    """A recorded program, or what it needs of one for a stage of its sums (`stages.py`)."""

    steps: tuple[Step, ...]
    slots: tuple[Any, ...]
    """What stands in the slots before a step has run: the constants, else None."""
    specs: tuple[Spec | None, ...]
    """What stands there afterwards; None for constants."""
    outputs: tuple[int, ...]
    reductions: tuple["Reduction", ...] = ()


def record(
    program: Program,
    operands: tuple[Spec, ...],
    dialect: Dialect,
    axis: int = -1,
    stage: int | None = None,
    classes: int | None = None,
) -> Tape:
    """Return the tape of a program for operands of these dtypes and shapes, or patterns of them.

    `axis` is where arrays of two axes have the classes, which are the last axis of a program, and
    `classes` the operand with their numbers. With a `stage` the outputs are what that stage
    reduces, or those of the program after the last one.
    """
    recorder = Recorder(dialect, axis, stage)
    given = [recorder.add(dtype, shape) for dtype, shape in operands]
    recorder.classes = None if classes is None else given[classes]
    found = program(NAMESPACE, *given)
    if stage is not None and any(r.stage == stage for r in recorder.reductions):
        outputs = tuple(r.value for r in recorder.reductions if r.stage == stage)
    else:
        outputs = tuple(value.slot for value in found)
    slots = tuple(recorder.constants.get(k) for k in range(len(recorder.specs)))
    specs, reductions = tuple(recorder.specs), tuple(recorder.reductions)
    return Tape(tuple(recorder.steps), slots, specs, outputs, reductions)


class Reduction(NamedTuple):
    """A maximum or a sum over the classes."""

    name: str
    stage: int
    """How many others it needs, one after the other, before it can begin."""
    value: int
    """The slot of what is reduced."""
    slot: int
    """The slot of the result."""


class Recorder:
    """The steps of one program, as they are noted."""

    def __init__(self, dialect: Dialect, axis: int = -1, stage: int | None = None) -> None:
        self.dialect, self.axis, self.stage = dialect, axis, stage
        self.classes: Recorded | None = None
        self.reductions: list[Reduction] = []
        self.stages: dict[int, int] = {}
        """Slot → the number of reductions that it needs, one after the other; 0 where missing."""
        self.steps: list[Step] = []
        self.specs: list[Spec | None] = []
        self.constants: dict[int, Any] = {}
        self.made: dict[int, Step] = {}
        self._bits: dict[tuple[int, DType], Recorded] = {}
        self._spots: dict[int, Recorded] = {}

    def add(self, dtype: DType, shape: Shape) -> "Recorded":
        """Return the next stand-in."""
        self.specs.append((dtype, shape))
        return Recorded(self, len(self.specs) - 1, dtype, shape)

    def record(self, name: str, *inputs: Any, dtype: DType | None = None) -> "Recorded":
        """Note a call and return what stands for its result."""
        arrays = [value for value in inputs if isinstance(value, Recorded)]
        own = arrays[-1].dtype
        slots = tuple(self._slot(value, own) for value in inputs)
        name, slots = self._shorter(name, slots)
        if dtype is None:
            dtype = self.dialect.boolean if name in BOOLEAN else own
        return self.append(name, slots, dtype, broadcast(*(value.shape for value in arrays)))

    def _shorter(self, name: str, slots: tuple[int, ...]) -> tuple[str, tuple[int, ...]]:
        """Return a call that gives the same, and takes less time."""
        if name == "multiply" and self._same_pattern(slots[0], slots[1]):
            labels = apart_from(slots[1], self.made, self.constants)
            if labels is not None:
                return self._within("clear"), (self._spot(labels).slot, slots[0])
        if name == "subtract":
            labels, row = added_at_labels(slots[1], self.made, self.constants)
            if labels is not None and self._same_pattern(row, labels):
                return self._within("add_at"), (self._spot(labels).slot, row, slots[0])
        shorter, operands = shortened(name, slots, self.made, self.constants)
        return (shorter, operands) if shorter in self.dialect.functions else (name, slots)

    def _same_pattern(self, one: int, other: int) -> bool:
        first, second = self.specs[one], self.specs[other]
        return first is not None and second is not None and first[1] == second[1]

    def _within(self, name: str) -> str:
        return name if self.stage is None else f"{name}_within"

    def stands_for(self, slot: int) -> "Recorded":
        """Return what stands for the value in a slot."""
        spec = self.specs[slot]
        assert spec is not None, "a constant"
        return Recorded(self, slot, *spec)

    def append(self, name: str, slots: tuple[int, ...], dtype: DType, shape: Shape) -> "Recorded":
        """Note a call on the values in these slots."""
        result = self.add(dtype, shape)
        self.stages[result.slot] = max(self.stages.get(slot, 0) for slot in slots)
        self.made[result.slot] = Step(name, slots, result.slot)
        self.steps.append(self.made[result.slot])
        return result

    def reduce(self, name: str, value: "Recorded", dtype: DType) -> "Recorded":
        """Note a reduction over the classes; in a stage its result is given, or not there yet."""
        shape = list(value.shape)
        shape[self.axis] = 1
        stage = self.stages.get(value.slot, 0)
        if self.stage is not None:
            result = self.add(dtype, tuple(shape))
            self.reductions.append(Reduction(name, stage, value.slot, result.slot))
        else:
            result = self.append(f"{name}{self.axis}", (value.slot,), dtype, tuple(shape))
        self.stages[result.slot] = stage + 1
        return result

    def take(self, array: "Recorded", labels: "Recorded") -> "Recorded":
        """Note that each row has its value at the label: of pieces it is the sum of one."""
        if self.stage is None:
            shape = labels.shape
            slots = self._spot(labels.slot).slot, array.slot
            return self.append("gather", slots, array.dtype, shape)
        chosen = _where(self.record("equal", self.classes, labels), array, 0.0)
        return self.reduce("sum", chosen, array.dtype)

    def _spot(self, labels: int) -> "Recorded":
        """Return where the labels are in the memory of arrays with all classes."""
        if labels not in self._spots:
            spec = self.specs[labels]
            assert spec is not None
            assert self.classes is not None, "labels are among classes"
            name = f"{self._within('spot')}{self.axis}"
            slots, dtype = (self.classes.slot, labels), self.dialect.index
            self._spots[labels] = self.append(name, slots, dtype, spec[1])
        return self._spots[labels]

    def bits(self, condition: "Recorded", dtype: DType) -> "Recorded":
        """Return the condition as integers as wide as `dtype`, made once for all choices by it."""
        key = condition.slot, dtype
        if key not in self._bits:
            integer = self.dialect.integer(dtype)
            self._bits[key] = self.append("bits", (condition.slot,), integer, condition.shape)
        return self._bits[key]

    def _slot(self, value: Any, dtype: DType) -> int:
        if isinstance(value, Recorded):
            return value.slot
        self.constants[len(self.specs)] = self.dialect.constant(value, dtype)
        self.specs.append(None)
        return len(self.specs) - 1


def _operator(name: str) -> tuple[Callable[..., Any], Callable[..., Any]]:
    def forward(self: "Recorded", other: Any) -> "Recorded":
        return self.recorder.record(name, self, other)

    def reflected(self: "Recorded", other: Any) -> "Recorded":
        return self.recorder.record(name, other, self)

    return forward, reflected


class Recorded:
    """Stands for an array while a program is recorded."""

    def __init__(self, recorder: Recorder, slot: int, dtype: DType, shape: Shape) -> None:
        self.recorder, self.slot, self.dtype, self.shape = recorder, slot, dtype, shape

    __add__, __radd__ = _operator("add")
    __sub__, __rsub__ = _operator("subtract")
    __mul__, __rmul__ = _operator("multiply")
    __truediv__, __rtruediv__ = _operator("divide")
    __and__, _ = _operator("bitwise_and")
    __ge__, _ = _operator("greater_equal")
    __lt__, _ = _operator("less")
    __eq__, _ = _operator("equal")
    __ne__, _ = _operator("not_equal")
    __hash__ = None  # type: ignore[assignment]

    def __neg__(self) -> "Recorded":
        return self.recorder.record("negative", self)

    def __invert__(self) -> "Recorded":
        return self.recorder.record("bitwise_invert", self)


def _call(name: str) -> Callable[[Recorded], Recorded]:
    return lambda value: value.recorder.record(name, value)


def _astype(value: Recorded, dtype: DType) -> Recorded:
    recorder = value.recorder
    dtype = recorder.dialect.dtype(dtype)
    step = recorder.made.get(value.slot)
    if step is not None and step.name in BOOLEAN:
        # A comparison can write numbers itself. The one that writes booleans is then left out,
        # unless they are needed as well.
        return recorder.append(step.name, step.inputs, dtype, value.shape)
    return recorder.record("astype", value, dtype=dtype)


def _where(condition: Recorded, one: Any, other: Any) -> Recorded:
    """Note a choice between an array and a number."""
    recorder = condition.recorder
    if isinstance(one, Recorded) and isinstance(other, Recorded):
        raise TypeError("programs choose between an array and a number only")
    if isinstance(one, Recorded):
        return recorder.record("pick", recorder.bits(condition, one.dtype), one, other)
    return recorder.record("pick", recorder.bits(~condition, other.dtype), other, one)


def _log1p_unit(value: Recorded) -> Recorded:
    if value.dtype not in value.recorder.dialect.no_log1p:
        return value.recorder.record("log1p", value)
    return cast("Recorded", log1p(value, single=value.dtype.itemsize == 4))


def _zero_if_infinite(x: Recorded, factor: Recorded) -> Recorded:
    """Note the one call that looks for infinities first: most tiles have none."""
    return x.recorder.record("guard", factor, x, 0.0)


def _full_like(like: Recorded, value: Any) -> Recorded:
    return like.recorder.record("full_like", like, value)


def _sum(value: Recorded, *, axis: int, keepdims: bool, dtype: DType) -> Recorded:
    assert axis == -1, "the axis of the classes"
    assert keepdims, "by which the result stays aligned"
    return value.recorder.reduce("sum", value, value.recorder.dialect.dtype(dtype))


def _max(value: Recorded, *, axis: int, keepdims: bool) -> Recorded:
    assert axis == -1, "the axis of the classes"
    assert keepdims, "by which the result stays aligned"
    return value.recorder.reduce("max", value, value.dtype)


def _argmax(value: Recorded, *, axis: int, keepdims: bool) -> Recorded:
    recorder = value.recorder
    assert axis == -1, "the axis of the classes"
    assert keepdims, "by which the result stays aligned"
    assert (recorder.axis, recorder.stage) == (1, None), "whole rows"
    return recorder.append("argmax1", (value.slot,), recorder.dialect.index, (value.shape[0], 1))


def _clip(value: Recorded, low: float, high: float) -> Recorded:
    return value.recorder.record("clip", value, low, high)


def _take_along_axis(value: Recorded, index: Recorded, *, axis: int) -> Recorded:
    assert axis == -1, "the axis of the classes"
    made = value.recorder.made[index.slot]
    assert made.name == "clip", "labels that are among the classes"
    labels = value.recorder.stands_for(made.inputs[0])
    return value.recorder.take(value, labels)


NAMESPACE = SimpleNamespace(
    **{name: _call(name) for name in ("abs", "exp", "floor", "isnan", "log1p")},
    log1p_unit=_log1p_unit,
    zero_if_infinite=_zero_if_infinite,
    product_or_zero=lambda factor, x: factor * _zero_if_infinite(x, factor),
    astype=_astype,
    where=_where,
    clip=_clip,
    minimum=lambda one, other: one.recorder.record("minimum", one, other),
    subtract=lambda one, other: one - other,
    take_along_axis=_take_along_axis,
    max=_max,
    argmax=_argmax,
    sum=_sum,
    full_like=_full_like,
    zeros_like=lambda like: _full_like(like, 0),
    ones_like=lambda like: _full_like(like, 1),
)
"""What programs use of a namespace."""

"""Where the steps of a tape write: results in their place, all else in few reused buffers."""

from collections.abc import Callable

from .._typing import Array, DType, Shape
from .simplify import Step
from .tiles import broadcast, sized
from .trace import Dialect, Spec, Tape

CHOICES = frozenset({"pick", "guard"})
"""Calls that may return their second operand, or write `out` before they have read the others."""
Laid = tuple[Callable[..., Array], int, int | None, int | None, int, int]
"""Function, slots of its one to three operands, slot of its result, number of its buffer."""

Shapes = list[tuple[Shape, DType]]


class Layout:
    """The buffer of each step of a tape, found backwards from the outputs.

    A step writes over an operand that nobody needs after it. Found backwards, an output's own
    memory is what the steps before it work in, so that arithmetic hides the time of fetching it.
    """

    def __init__(self, tape: Tape, dialect: Dialect) -> None:
        self.tape, self.dialect = tape, dialect
        self.buffers: list[Spec] = [_spec(tape, slot) for slot in tape.outputs]
        """What is allocated: first a place for each output, then scratch."""
        self.whole = broadcast(*[spec[1] for spec in tape.specs if spec])
        """The pattern of all that is as large as the operands together."""
        self.steps: list[Laid] = []
        """The steps that an output needs."""
        self._place: dict[int, int] = {}
        self._free: dict[Spec, list[int]] = {}
        # What may be the same as a slot must live as long.
        self._same = {s.slot: s.inputs[1] for s in tape.steps if s.name in CHOICES}
        self._made = {step.slot for step in tape.steps}
        for number, slot in enumerate(tape.outputs):
            self._place.setdefault(slot, number)
        self.sure = all(s in self._made and s not in self._same for s in tape.outputs)
        """Whether every result is written where it should be, and is no operand."""
        for slot in tape.outputs:
            self._need(slot)
        for step in reversed(tape.steps):
            if step.slot in self._place:
                self._lay(step)
        self.steps.reverse()

    def shapes(self, shape: Shape) -> Shapes:
        """Return shape and dtype of all buffers where the operands together have this shape."""
        whole = self.whole
        return [(shape if spec == whole else sized(spec, shape), d) for d, spec in self.buffers]

    def _lay(self, step: Step) -> None:
        number = self._place[step.slot]
        one, *others = step.inputs
        two, three = (*others, None, None)[:2]
        function = self.dialect.functions[step.name]
        self.steps.append((function, one, two, three, step.slot, number))
        freed = self._free.setdefault(self.buffers[number], [])
        if step.name not in CHOICES:
            freed.append(number)
        # The first one gets the memory that the step writes to. A choice might leave it unused.
        for slot in sorted(step.inputs, key=self._same.__contains__):
            self._need(slot)
        if step.name in CHOICES:
            freed.append(number)

    def _need(self, slot: int) -> None:
        """Give a slot, and what it may be the same as, a buffer if a step fills it."""
        if slot not in self._made:
            return
        if slot not in self._place:
            spec = _spec(self.tape, slot)
            free = self._free.setdefault(spec, [])
            if not free:
                self.buffers.append(spec)
            self._place[slot] = free.pop() if free else len(self.buffers) - 1
        if slot in self._same:
            self._need(self._same[slot])


def _spec(tape: Tape, slot: int) -> Spec:
    spec = tape.specs[slot]
    assert spec is not None, "a constant is no result"
    return spec


class Player:
    """A layout of patterns with memory of its own, for one thread and operands of one shape.

    Of which `shapes` are those of the layout: to find them takes as long as to make the arrays.
    """

    def __init__(self, layout: Layout, shapes: Shapes) -> None:
        self.layout = layout
        empty = layout.dialect.empty
        self.buffers = [empty(shape, dtype) for shape, dtype in shapes]
        self.outputs = tuple(self.buffers[: len(layout.tape.outputs)])
        self.none = (None,) * len(self.outputs)

    def play(
        self,
        operands: tuple[Array, ...],
        places: tuple[Array | None, ...],
        reduced: tuple[Array, ...] = (),
    ) -> tuple[Array, ...]:
        """Run the program on operands of the dtypes and patterns of the tape.

        A result is written to its place; where that is None, it lies in scratch memory, or in an
        operand, until the next call. `reduced` are the results of the first reductions.
        """
        tape, buffers = self.layout.tape, self.buffers
        if places is not self.outputs:
            for number, place in enumerate(places):
                if place is not None:
                    buffers[number] = place
        slots = list(tape.slots)
        slots[: len(operands)] = operands
        if reduced:
            for reduction, value in zip(tape.reductions, reduced, strict=False):
                slots[reduction.slot] = value
        # No loop over the inputs: it would cost as much as the call. 0.55 us a step this way, 1.05
        # with `*inputs`, 0.52 by generated code.
        for function, one, two, three, slot, number in self.layout.steps:
            if two is None:
                slots[slot] = function(slots[one], out=buffers[number])
            elif three is None:
                slots[slot] = function(slots[one], slots[two], out=buffers[number])
            else:
                slots[slot] = function(slots[one], slots[two], slots[three], out=buffers[number])
        if self.layout.sure and places is self.outputs:
            return self.outputs
        results = tuple([slots[slot] for slot in tape.outputs])
        for result, place in zip(results, places, strict=True):
            if place is not None and result is not place:
                place[...] = result
        return results

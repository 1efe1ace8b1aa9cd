"""Tapes: what is recorded, where it is written, and that nothing is written over too early."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from helpers.tapes import patched
from hypothesis import given, settings
from hypothesis import strategies as st

from xent_api import sigmoid_xent
from xent_api._backends.numpy import NumpyBackend
from xent_api._backends.numpy.kernels import DIALECT
from xent_api._backends.registry import find_backend
from xent_api._graph.buffers import Layout, Player
from xent_api._graph.tiles import broadcast, pattern, sized
from xent_api._graph.trace import NAMESPACE, record
from xent_api._math.ops import Ops
from xent_api._math.sigmoid_program import SigmoidProgram

SINGLE = np.dtype(np.float32)
SPEC = (SINGLE, (2,))
"""Of vectors: `tiles.pattern`."""
Move = tuple[str, int, int]
MOVES = (
    *("add", "subtract", "multiply", "abs", "step", "keep", "replace", "guard", "mask"),
    "minimum",
)


def _program(moves: list[Move], outputs: tuple[int, int]) -> Callable[..., tuple[Any, ...]]:
    """Return a program that makes a value of each move, of any values before it."""

    def program(xp: Any, x: Any, y: Any, mask: Any) -> tuple[Any, ...]:
        values, masks = [x, y], [mask]
        for name, i, j in moves:
            a, b, m = values[i % len(values)], values[j % len(values)], masks[j % len(masks)]
            if name == "mask":
                masks.append(m & (a >= b))
                continue
            values.append(_value(xp, name, a, b, m))
        return tuple(values[k % len(values)] for k in outputs)

    return program


def _value(xp: Any, name: str, a: Any, b: Any, mask: Any) -> Any:
    made: dict[str, Callable[[], Any]] = {
        "add": lambda: a + b,
        "subtract": lambda: 1.0 - a,
        "multiply": lambda: a * b,
        "abs": lambda: xp.abs(a),
        "step": lambda: xp.astype(a >= 0.0, SINGLE),
        "keep": lambda: xp.where(mask, a, 1.0),
        "replace": lambda: xp.where(mask, 0.0, a),
        "minimum": lambda: xp.minimum(a, b),
        "guard": lambda: xp.zero_if_infinite(a, b),
    }
    return made[name]()


class Functions:
    """The namespace itself."""

    abs = staticmethod(np.abs)
    floor = staticmethod(np.floor)
    minimum = staticmethod(np.minimum)
    ones_like = staticmethod(np.ones_like)
    sum = staticmethod(np.sum)
    where = staticmethod(np.where)
    zeros_like = staticmethod(np.zeros_like)

    @staticmethod
    def astype(value: Any, dtype: Any) -> Any:
        """Return the value in a dtype."""
        return value.astype(dtype)


DIRECT: Any = Ops(Functions)
moves = st.lists(
    st.tuples(st.sampled_from(MOVES), st.integers(0, 20), st.integers(0, 20)), max_size=25
)
numbers = st.sampled_from([0.0, -0.0, 1.0, -2.5, np.inf, -np.inf, np.nan])


@settings(max_examples=300, deadline=None)
@given(
    moves,
    st.tuples(st.integers(0, 30), st.integers(0, 30)),
    st.lists(numbers, min_size=12, max_size=12),
    st.lists(st.booleans(), min_size=6, max_size=6),
)
def test_any_program_gives_what_it_gives_directly(
    steps: list[Move], outputs: tuple[int, int], values: list[float], kept: list[bool]
) -> None:
    program: Any = _program(steps, outputs)
    x, y = np.asarray(values, dtype=np.float32).reshape(2, 6)
    operands = (x.copy(), y.copy(), np.asarray(kept))
    tape = record(program, (SPEC, SPEC, (np.dtype(bool), (2,))), DIALECT)
    layout = Layout(tape, DIALECT)
    player = Player(layout, layout.shapes((6,)))
    with np.errstate(all="ignore"):
        wanted = program(DIRECT, x, y, np.asarray(kept))
        for _ in range(2):  # the second time over what the first one left
            targets = tuple(np.full(6, 77, dtype=SINGLE) for _ in wanted)
            player.play(operands, targets)
            for got, right in zip(targets, wanted, strict=True):
                np.testing.assert_array_equal(got, right)
    np.testing.assert_array_equal(operands[0], x)
    np.testing.assert_array_equal(operands[1], y)


@pytest.mark.parametrize("shape", [(), (1,), (5,), (3, 1), (1, 4), (2, 3, 4), (0, 1, 7)])
def test_patterns_stand_for_shapes(shape: tuple[int, ...]) -> None:
    for small in [(), (1,), (1,) * len(shape), shape[1:], (*shape[:-1], 1)[: len(shape)], shape]:
        together = broadcast(shape, small)
        assert sized(pattern(small), together) == small
        assert sized(broadcast(pattern(shape), pattern(small)), together) == together


def test_one_tape_serves_all_sizes() -> None:
    with patched():
        backend = find_backend(np.zeros(1))
        assert isinstance(backend, NumpyBackend)
        layout = backend.runner.layout
        for shape in [(2,), (3,), (300,), (4, 5), (6, 7), (0,), (1,), (5,)]:
            sigmoid_xent.loss(labels=np.zeros(shape), logits=np.zeros(shape))
        # Vectors, matrices, and one element.
        assert layout.cache_info().misses == 3


@pytest.fixture
def loss() -> SigmoidProgram:
    """The plain loss in float32."""
    operands, no = ("logits", "labels"), (False,)
    return SigmoidProgram(("loss",), operands, SINGLE, (SINGLE,), no, (), None, 0.0)


def test_the_loss_is_guarded_in_one_call(loss: SigmoidProgram) -> None:
    steps = Layout(record(loss, (SPEC, SPEC), DIALECT), DIALECT).steps
    called = [function for function, *_ in steps]
    assert called.count(DIALECT.functions["guard"]) == 1
    assert DIALECT.functions["equal"] not in called
    assert len(steps) <= 11


def test_few_buffers_serve_many_steps(loss: SigmoidProgram) -> None:
    layout = Layout(record(loss, (SPEC, SPEC), DIALECT), DIALECT)
    # The result's own, the residual, and what a guard might have to write.
    assert layout.buffers == [SPEC, SPEC, SPEC]


def test_a_choice_between_two_arrays_is_no_part_of_programs() -> None:
    def program(xp: Any, x: Any) -> tuple[Any, ...]:
        return (xp.where(x >= 0.0, x, x),)

    with pytest.raises(TypeError, match="a number only"):
        record(program, (SPEC,), DIALECT)
    assert not hasattr(NAMESPACE, "mean")


def _sum(xp: Any, value: Any) -> Any:
    return xp.sum(value, axis=-1, keepdims=True, dtype=SINGLE)


NEAR_MISSES: dict[str, Callable[[Any, Any], Any]] = {
    "two ones": lambda xp, e: _sum(xp, e - xp.floor(e)) + (_sum(xp, xp.floor(e)) - 2.0),
    "no floor": lambda xp, e: _sum(xp, e - xp.abs(e)) + (_sum(xp, xp.abs(e)) - 1.0),
    "not its floor": lambda xp, e: _sum(xp, e - xp.floor(e)) + (_sum(xp, xp.abs(e)) - 1.0),
    "no sum": lambda xp, e: _sum(xp, e - xp.floor(e)) + (xp.abs(_sum(xp, e)) - 1.0),
    "an operand": lambda xp, e: _sum(xp, e) + (_sum(xp, e) - 1.0),
    "a product": lambda xp, e: xp.product_or_zero(e - 1.0, e / 0.0),
    "no zeros": lambda xp, e: e / (xp.abs(e) + 2.0),
    "no number": lambda xp, e: e / (xp.zeros_like(e) + e),
    "zeros and a number": lambda xp, e: e / (xp.zeros_like(e) + 2.0),
    "ones and a number": lambda xp, e: e / (xp.ones_like(e) + 2.0),
    "no distance": lambda xp, e: _sum(xp, e * xp.minimum(e, xp.ones_like(e))),
    "no least": lambda xp, e: _sum(xp, e * xp.minimum(xp.abs(e - 1.0), xp.abs(e))),
    "no numbers": lambda xp, e: _sum(xp, e * xp.minimum(xp.abs(e - 1.0), xp.ones_like(e))),
    "no cast": lambda xp, e: _sum(xp, e * xp.minimum(xp.abs(1.0 - e * e), xp.ones_like(e))),
    "no difference": lambda xp, e: _sum(xp, e * xp.minimum(xp.abs(e), xp.ones_like(e))),
}
"""Programs that look like one that is shortened, and must not be taken for it."""


@pytest.mark.parametrize("name", NEAR_MISSES)
def test_near_misses_are_computed_as_they_stand(name: str) -> None:
    def program(xp: Any, e: Any) -> tuple[Any, ...]:
        return (NEAR_MISSES[name](xp, e),)

    e = np.asarray([[0.25, 1.0, 1.0, 0.5], [1.0, 0.125, 0.75, 0.375]], dtype=np.float32)
    with np.errstate(all="ignore"):
        (wanted,) = program(DIRECT, e)
        tape = record(program, ((SINGLE, (3, 2)),), DIALECT, 1)
        layout = Layout(tape, DIALECT)
        (got,) = Player(layout, layout.shapes(e.shape)).play((e.copy(),), (None,))
    np.testing.assert_array_equal(got, wanted)


AT_LABELS: dict[str, tuple[str | None, Callable[[Any, Any, Any], Any]]] = {
    "left out": ("clear", lambda e, _, apart: e * apart),
    "more": ("add_at", lambda e, row, apart: e - row * (apart - 1.0)),
    "a row": (None, lambda _, row, apart: row * apart),
    "of each class": (None, lambda e, _, apart: e - e * (apart - 1.0)),
    "less": (None, lambda e, row, apart: e - row * (1.0 - apart)),
    "twice": (None, lambda e, row, apart: e - row * (apart - 2.0)),
    "a sum": (None, lambda e, row, apart: e + row * (apart - 1.0)),
}
"""What is done to an array with a row's number at the label, and the call that does it."""


@pytest.mark.parametrize("name", AT_LABELS)
def test_what_is_done_at_labels_is_done_there_alone(name: str) -> None:
    call, move = AT_LABELS[name]

    def program(xp: Any, e: Any, row: Any, classes: Any, labels: Any) -> tuple[Any, ...]:
        distance = xp.abs(xp.astype(classes, SINGLE) - xp.astype(labels, SINGLE))
        return (move(e, row, xp.minimum(distance, xp.ones_like(distance))),)

    e = np.asarray([[0.25, 1.0, 1.0, 0.5], [1.0, 0.125, 0.75, 0.375]], dtype=np.float32)
    row = np.asarray([[3.0], [-5.0]], dtype=np.float32)
    operands = e, row, np.arange(4)[None], np.asarray([[2], [0]])
    (wanted,) = program(DIRECT, *operands)
    specs = tuple((v.dtype, pattern(v.shape)) for v in operands)
    for stage, suffix in ((None, ""), (0, "_within")):
        layout = Layout(record(program, specs, DIALECT, 1, stage, 2), DIALECT)
        called = [function for function, *_ in layout.steps]
        wholly = called[-1] is DIALECT.functions[f"{call}{suffix}"] if call else len(called) > 5
        assert wholly, "the call that gives the same in less time"
        (got,) = Player(layout, layout.shapes(e.shape)).play((e.copy(), *operands[1:]), (None,))
        np.testing.assert_array_equal(got, wanted)

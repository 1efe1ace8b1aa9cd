"""Graphs: what is traced, where it is written, and that nothing is written over too early."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from graph_page import buffers, instructions, listing
from helpers.caches import patched
from hypothesis import given, settings
from hypothesis import strategies as st
from limits import numpy_backend

from xent_api import execution, sigmoid_xent
from xent_api._backends.numpy.kernels import KERNELS
from xent_api._graph.buffers import BufferAssignment
from xent_api._graph.interpret import Interpreter
from xent_api._graph.simplify import simplify
from xent_api._graph.tiles import broadcast, signature, sized
from xent_api._graph.trace import FUNCTIONS, trace
from xent_api._math.ops import Ops
from xent_api._math.program import LossProgram

SINGLE = np.dtype(np.float32)
SPEC = (SINGLE, (2,))
"""Of vectors: `tiles.signature`."""
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
ROOT = Path(__file__).parents[2]
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
    graph = trace(program, (SPEC, SPEC, (np.dtype(bool), (2,))), KERNELS)
    assignment = BufferAssignment(simplify(graph), KERNELS)
    interpreter = Interpreter(assignment, assignment.shapes((6,)))
    with np.errstate(all="ignore"):
        wanted = program(DIRECT, x, y, np.asarray(kept))
        for _ in range(2):  # the second time over what the first one left
            targets = tuple(np.full(6, 77, dtype=SINGLE) for _ in wanted)
            interpreter.run(operands, targets)
            for got, right in zip(targets, wanted, strict=True):
                np.testing.assert_array_equal(got, right)
    np.testing.assert_array_equal(operands[0], x)
    np.testing.assert_array_equal(operands[1], y)


@pytest.mark.parametrize("shape", [(), (1,), (5,), (3, 1), (1, 4), (2, 3, 4), (0, 1, 7)])
def test_signatures_stand_for_shapes(shape: tuple[int, ...]) -> None:
    for small in [(), (1,), (1,) * len(shape), shape[1:], (*shape[:-1], 1)[: len(shape)], shape]:
        together = broadcast(shape, small)
        assert sized(signature(small), together) == small
        assert sized(broadcast(signature(shape), signature(small)), together) == together


def test_one_graph_serves_all_sizes() -> None:
    with patched(), execution(native=False):
        assignment = numpy_backend().executor.assignment
        for shape in [(2,), (3,), (300,), (4, 5), (6, 7), (0,), (1,), (5,)]:
            sigmoid_xent.loss(labels=np.zeros(shape), logits=np.zeros(shape))
        # Vectors, matrices, and one element.
        assert assignment.cache_info().misses == 3


@pytest.fixture
def loss() -> LossProgram:
    """The plain loss in float32."""
    operands, no = ("logits", "labels"), (False,)
    return LossProgram("sigmoid", ("loss",), operands, SINGLE, (SINGLE,), no, (), None, 0.0)


def _assigned(results: Any, *specs: Any, axis: int = -1) -> Any:
    return BufferAssignment(simplify(trace(results, specs, KERNELS, axis)), KERNELS)


def test_the_loss_looks_for_infinities_in_one_kernel(loss: LossProgram) -> None:
    calls = _assigned(loss.results, SPEC, SPEC).steps
    called = [kernel for kernel, *_ in calls]
    assert called.count(KERNELS.kernels["zero_if_infinite"]) == 1
    assert KERNELS.kernels["equal"] not in called
    assert len(calls) <= 11


def test_few_buffers_serve_many_nodes(loss: LossProgram) -> None:
    # The result's own, the residual, and what a guard might have to write.
    assert _assigned(loss.results, SPEC, SPEC).buffers == [SPEC, SPEC, SPEC]


def test_the_page_shows_the_nodes_of_the_loss(loss: LossProgram) -> None:
    page = (ROOT / "src" / "xent_api" / "_graph" / "README.md").read_text(encoding="utf-8")
    traced = trace(loss.results, (SPEC, SPEC), KERNELS)
    for graph in (traced, simplify(traced)):
        assert listing(graph) in page
    assert buffers(BufferAssignment(simplify(traced), KERNELS)) in page


def test_the_page_on_kernels_shows_the_loop_of_the_loss() -> None:
    assert instructions() in (ROOT / "docs" / "kernels.md").read_text(encoding="utf-8")


def test_equal_nodes_are_merged() -> None:
    def program(ops: Any, x: Any, mask: Any) -> tuple[Any, ...]:
        kept = ops.where(mask, x, 0.0)
        return kept * 2.0, ops.where(mask, x, 0.0) * 2.0, ops.where(mask, x, -0.0) * 2.0

    graph = simplify(trace(program, (SPEC, (np.dtype(bool), (2,))), KERNELS))
    names = ["lane_mask", "select", "multiply", "select", "multiply"]
    assert [node.op for node in graph.nodes] == names
    first, second, third = graph.outputs
    assert first == second != third
    x, mask = np.asarray([1.0, 2.0], SINGLE), np.asarray([True, False])
    assignment = BufferAssignment(graph, KERNELS)
    interpreter = Interpreter(assignment, assignment.shapes((2,)))
    results = interpreter.run((x, mask), interpreter.outputs)
    assert [value.tolist() for value in results] == [[2.0, 0.0]] * 3
    assert np.signbit(results[2]).tolist() == [False, True]


def test_a_choice_between_two_arrays_is_no_part_of_programs() -> None:
    def program(ops: Any, x: Any) -> tuple[Any, ...]:
        return (ops.where(x >= 0.0, x, x),)

    with pytest.raises(TypeError, match="a number only"):
        trace(program, (SPEC,), KERNELS)
    assert not hasattr(FUNCTIONS, "mean")


ROWS: dict[str, Callable[[Any, Any, Any, Any], Any]] = {
    "sum": lambda ops, e, _, __: ops.row_sum(e, np.float64),
    "sum in two parts": lambda ops, e, _, __: ops.row_sum(e, SINGLE),
    "all but one": lambda ops, e, _, __: ops.sum_excluding_max(e, np.float64),
    "all but one in two parts": lambda ops, e, _, __: ops.sum_excluding_max(e, SINGLE),
    "largest": lambda ops, e, _, __: ops.row_max(e),
    "at the label": lambda ops, e, _, at: ops.take_label(e, at),
    "0 at the label": lambda ops, e, _, at: ops.zero_at_label(e, at),
    "a number at the label": lambda ops, e, row, at: ops.set_at_label(e, at, row),
    "product": lambda ops, e, row, _: ops.product_or_zero(e - 1.0, row / 0.0),
    "division": lambda ops, e, _, __: ops.divided_by(e, 3.0),
}
"""Primitives of rows."""


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("axis", [0, 1])
def test_primitives_of_rows(name: str, axis: int) -> None:
    def program(ops: Any, e: Any, row: Any, classes: Any, labels: Any) -> tuple[Any, ...]:
        return (ROWS[name](ops, e, row, ops.place(classes, labels, SINGLE)),)

    e = np.asarray([[0.25, 1.0, 1.0, 0.5], [1.0, 0.125, 0.75, 0.375]], dtype=np.float32)
    row = np.asarray([[3.0], [-5.0]], dtype=np.float32)
    operands = e, row, np.arange(4)[None], np.asarray([[2], [0]])
    with np.errstate(all="ignore"):
        (wanted,) = program(Ops(np), *operands)
        turned = tuple([np.ascontiguousarray(v.T) if axis == 0 else v.copy() for v in operands])
        shapes = [tuple([1 if n == 1 else 3 - k for k, n in enumerate(v.shape)]) for v in turned]
        specs = [(v.dtype, shape) for v, shape in zip(turned, shapes, strict=True)]
        assignment = _assigned(program, *specs, axis=axis)
        interpreter = Interpreter(assignment, assignment.shapes(turned[0].shape))
        (got,) = interpreter.run(turned, (None,))
    np.testing.assert_array_equal(got.T if axis == 0 else got, wanted)

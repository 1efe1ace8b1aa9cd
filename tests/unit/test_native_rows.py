"""Compiled kernels of rows: their numbers, every layout, and lanes of either kind."""

import itertools
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from flint import arb, ctx
from helpers.layouts import laid_out

from xent_api import execution, softmax_xent, sparse_softmax_xent
from xent_api._backends import numpy as room
from xent_api._backends.numpy import memory, native
from xent_api._backends.numpy.native import NativeCalls
from xent_api._graph.codegen import kernels as codegen
from xent_api._graph.codegen.arrange import MIN_CLASSES, MIN_FAR_CLASSES, Strided, arrange
from xent_api._graph.codegen.compiler import Compiler
from xent_api._graph.codegen.vectors import LANES
from xent_api.testing import ulp_error

pytest.importorskip("llvmlite")
RANDOM = np.random.default_rng(0)
DTYPES = {
    "float16": np.float16,
    "bfloat16": ml_dtypes.bfloat16,
    "float32": np.float32,
    "float64": np.float64,
}
SIZES = [1, 2, LANES - 1, LANES, LANES + 1, MIN_CLASSES - 1, MIN_CLASSES, 100, MIN_FAR_CLASSES]


def _given(shape: tuple[int, ...], dtype: Any = np.float32) -> dict[str, Any]:
    """Return arguments of which rows have everything that can happen to one."""
    logits = (RANDOM.normal(size=shape) * 4.0).astype(dtype)
    rows = shape[:-1]
    logits[..., 0] = np.where(RANDOM.random(rows) < 0.2, -np.inf, logits[..., 0])
    return {
        "logits": logits,
        "labels": RANDOM.integers(0, shape[-1], rows),
        "mask": np.asarray(RANDOM.random(rows) < 0.8),
        "weights": RANDOM.choice([0.0, 0.5, 3.0], rows).astype(np.float32),
    }


def _layouts(array: Any) -> Iterator[Any]:
    """Yield an array as it may lie in memory, with the classes in each axis first."""
    for axis in range(array.ndim - 1):
        yield np.moveaxis(np.ascontiguousarray(np.moveaxis(array, -1, axis)), axis, -1)
    yield from laid_out(array)


def _all(family: Any, **given: Any) -> list[Any]:
    return [
        family.loss(**given),
        *family.loss_and_gradient(**given),
        *family.gradient_and_hessian(**given),
    ]


def _more(family: Any, **given: Any) -> list[Any]:
    logits = given["logits"].astype(np.float64)
    vector = np.cos(np.where(np.isfinite(logits), logits, 0.0))
    vector = vector if given["logits"].dtype == np.float64 else vector.astype(np.float32)
    return [
        *family.gradient_and_probabilities(**given)[1:],
        family.hessian_vector_product(vector=vector, **given),
    ]


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("reduction", ["none", "mean"])
@pytest.mark.parametrize("shape", [(7,), (300,), (5, 3), (20, 40), (3, 17, 5), (2, 3, 4, 5, 33)])
def test_every_layout_gives_the_same_numbers(
    shape: tuple[int, ...], reduction: Any, smoothing: float
) -> None:
    """Which lanes are taken depends on the layout, and so does the last bit of a sum of float64."""
    given = _given(shape) | {"reduction": reduction, "label_smoothing": smoothing}
    given["logits"] = np.where(given["logits"] == -np.inf, -9.0, given["logits"])
    dense = given | {"labels": RANDOM.random(shape).astype(np.float32)}
    for family, arguments in ((sparse_softmax_xent, given), (softmax_xent, dense)):
        wanted = _all(family, **arguments)
        for logits in _layouts(arguments["logits"]):
            found = _all(family, **arguments | {"logits": logits})
            for one, other in zip(found, wanted, strict=True):
                assert one.dtype == other.dtype
                np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("dtype", DTYPES.values(), ids=list(DTYPES))
@pytest.mark.parametrize("classes", SIZES)
def test_as_without_kernels(classes: int, dtype: Any) -> None:
    given = _given((33, classes), dtype)
    given["labels"][:3] = [-1, classes, -7]
    given["logits"][3:7] = [[np.nan], [np.inf], [-np.inf], [0.0]]
    options: list[dict[str, Any]] = [{}, {"ignore_index": -7}, {"label_smoothing": 0.25}]
    bar = 0.02 if dtype == ml_dtypes.bfloat16 else 2e-3 if dtype == np.float16 else 2e-5
    pairs = [(_all, option) for option in options] + [(_more, options[1])]
    for function, option in pairs:
        found = function(sparse_softmax_xent, **given, **option)
        with execution(native=False):
            wanted = function(sparse_softmax_xent, **given, **option)
        for one, other in zip(found, wanted, strict=True):
            assert (one.dtype, one.shape) == (other.dtype, other.shape)
            np.testing.assert_allclose(
                one.astype(np.float64), other.astype(np.float64), rtol=bar, atol=bar / 10
            )


@pytest.mark.parametrize("name", ["mask", "weights"])
@pytest.mark.parametrize("shape", [(), (1,), (4,), (3, 1), (1, 1, 4), (2, 1, 1), (2, 3, 1)])
@pytest.mark.parametrize("classes", [3, 40])
def test_operands_that_broadcast(classes: int, shape: tuple[int, ...], name: str) -> None:
    given = _given((2, 3, 4, classes))
    part = RANDOM.random(shape) < 0.5 if name == "mask" else RANDOM.random(shape)
    part = np.asarray(part, np.bool_ if name == "mask" else np.float32)
    whole: Any = np.broadcast_to(part, (2, 3, 4))
    found = _all(sparse_softmax_xent, **given | {name: part})
    for one, other in zip(found, _all(sparse_softmax_xent, **given | {name: whole}), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("kind", ["int8", "uint8", "int16", "uint32", "int64", "uint64"])
@pytest.mark.parametrize("classes", [5, 50])
def test_labels_of_every_kind(classes: int, kind: str) -> None:
    given = _given((40, classes))
    given["labels"] = given["labels"].astype(kind)
    given["labels"][0] = np.iinfo(kind).max
    loss, gradient = sparse_softmax_xent.loss_and_gradient(**given | {"mask": None})
    assert (
        np.isnan(loss).tolist() == np.isnan(gradient).all(axis=1).tolist() == [True] + [False] * 39
    )


@pytest.mark.parametrize("shape", [(6001, 100), (70_001, 10), (4, 128, 130, 21)])
@pytest.mark.parametrize("reduction", ["none", "mean"])
def test_the_same_bits_with_several_workers(shape: tuple[int, ...], reduction: Any) -> None:
    given = _given(shape) | {"reduction": reduction}
    if len(shape) > 2:
        given["logits"] = next(itertools.islice(_layouts(given["logits"]), 1, None))
    wanted = sparse_softmax_xent.loss_and_gradient(**given)
    with execution(workers=3):
        found = sparse_softmax_xent.loss_and_gradient(**given)
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("classes", SIZES)
def test_a_row_does_not_depend_on_the_others(classes: int) -> None:
    given = _given((70, classes))
    whole = sparse_softmax_xent.loss_and_gradient(**given)
    for part in (slice(0, 1), slice(5, 21), slice(30, 63)):
        found = sparse_softmax_xent.loss_and_gradient(**{k: v[part] for k, v in given.items()})
        for one, other in zip(found, whole, strict=True):
            np.testing.assert_allclose(one, other[part], rtol=2e-7)


def test_other_numbers_of_classes_need_no_other_kernel() -> None:
    def call(classes: int, smoothing: float) -> None:
        given = _given((20, classes))
        sparse_softmax_xent.gradient(**given, label_smoothing=smoothing, ignore_index=classes)

    call(60, 0.1)
    before = len(native.CALLS.kernels.found)
    for classes in (61, 100, 500):
        call(classes, 0.2)
    assert len(native.CALLS.kernels.found) == before


@lru_cache
def _exact(row: tuple[float, ...], label: int) -> tuple[arb, list[arb], list[arb]]:
    """Return loss, gradient and Hessian of a row by ball arithmetic, from their definitions."""
    e = [arb(x).exp() for x in row]
    total = sum(e, arb(0))
    rest = [sum((v for k, v in enumerate(e) if k != n), arb(0)) for n in range(len(e))]
    gradient = [-rest[n] / total if n == label else e[n] / total for n in range(len(e))]
    return (
        (rest[label] / e[label]).log1p(),
        gradient,
        [v * r / total**2 for v, r in zip(e, rest, strict=True)],
    )


BARS = {"float32": (0.51, 0.51, 0.51), "float64": (1.75, 3.25, 3.25)}
"""Loss, gradient, Hessian."""


@pytest.mark.parametrize("name", BARS)
@pytest.mark.parametrize("scale", [0.3, 3.0, 10.0])
@pytest.mark.parametrize("classes", [2, 3, 10, 33, 100])
def test_the_bars_of_kernels(classes: int, scale: float, name: str) -> None:
    rows = 400 // classes + 2
    logits = (RANDOM.normal(size=(rows, classes)) * scale).astype(name)
    logits[0] = logits[0, 0]  # ties
    logits[1, 1] += np.asarray(30.0, name)  # a confident row
    labels = RANDOM.integers(0, classes, rows)
    labels[1::2] = logits[1::2].argmax(axis=1)
    loss, gradient = sparse_softmax_xent.loss_and_gradient(labels=labels, logits=logits)
    _, hessian = sparse_softmax_xent.gradient_and_hessian(labels=labels, logits=logits)
    worst = [0.0] * 3
    before, ctx.prec = ctx.prec, 200
    try:
        for n in range(rows):
            exact = _exact(tuple(map(float, logits[n])), int(labels[n]))
            pairs = [
                (0, loss[n], exact[0]),
                *((1, g, w) for g, w in zip(gradient[n], exact[1], strict=True)),
                *((2, g, w) for g, w in zip(hessian[n], exact[2], strict=True)),
            ]
            for k, got, wanted in pairs:
                error = ulp_error(float(got), wanted.str(40, radius=False), name)
                worst[k] = max(worst[k], error)
    finally:
        ctx.prec = before
    assert all(found < bar for found, bar in zip(worst, BARS[name], strict=True)), worst
    assert max(worst) > 0.3


@pytest.mark.parametrize(("processor", "fused"), [("haswell", True), ("x86-64", False)])
@pytest.mark.parametrize("shape", [(40, 10), (9, 70), (2, 5, 40)])
def test_processors_with_fewer_registers(
    shape: tuple[int, ...], processor: str, fused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if processor == "haswell" and not codegen.compiler().fused:
        pytest.skip("this processor has no fma")
    given = _given(shape)
    given["logits"] = next(_layouts(given["logits"]))
    wanted = _all(sparse_softmax_xent, **given)
    other = Compiler(processor, fused=fused)
    monkeypatch.setattr(codegen, "compiler", lambda: other)
    monkeypatch.setattr(room, "CALLS", NativeCalls(memory.NUMPY))
    found = _all(sparse_softmax_xent, **{k: v[None] for k, v in given.items()})  # of no known plan
    for one, other_one in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one[0], other_one, rtol=2e-7)


@pytest.mark.parametrize("classes", [5, 50])
def test_arm_needs_no_function_of_a_library(classes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    from llvmlite import binding

    texts: list[str] = []
    make = codegen.text

    def noted(*given: Any, **options: Any) -> str:
        texts.append(make(*given, **options))
        return texts[-1]

    monkeypatch.setattr(codegen, "text", noted)
    monkeypatch.setattr(room, "CALLS", NativeCalls(memory.NUMPY))
    _all(sparse_softmax_xent, **_given((1, 3, classes)))
    binding.initialize_all_targets()
    binding.initialize_all_asmprinters()
    target = binding.Target.from_triple("aarch64-unknown-linux-gnu")
    assert texts
    for text in texts:
        code = target.create_target_machine().emit_assembly(binding.parse_assembly(text))
        assert "fmla" in code
        assert re.findall(r"\tbl\t(\w+)", code) == []


def test_axes_that_follow_each_other_are_one() -> None:
    whole, broadcast = Strided(4, (240, 80, 40), 4), Strided(8, (0, 16, 8), 0)
    found = arrange((5, 3, 2), 10, [whole], 0)
    assert (found.outside, found.outer.size, found.inner.size) == ((), 1, 30)
    found = arrange((5, 3, 2), 10, [whole, broadcast], 0)
    assert (found.outside, found.outer.size, found.inner.size) == ((), 5, 6)


def test_lanes_are_filled_by_the_largest_axis() -> None:
    """And the smallest ones are outside: each of their rows is a call of its own."""
    gaps, whole = Strided(4, (960, 160, 40), 4), Strided(4, (240, 80, 40), 4)
    found = arrange((5, 3, 2), 10, [gaps, whole], 0)
    assert ([axis.size for axis in found.outside], found.outer.size, found.inner.size) == (
        [2],
        3,
        5,
    )
    assert found.inner.steps == (960, 240)
    gaps, whole = Strided(4, (9999, 3200, 40), 4), Strided(4, (2500, 800, 40), 4)
    found = arrange((5, 3, 20), 10, [gaps, whole], 0)
    assert ([axis.size for axis in found.outside], found.outer.size, found.inner.size) == (
        [3],
        5,
        20,
    )


@pytest.mark.parametrize(
    ("classes", "rows", "steps", "by_class"),
    [
        (MIN_CLASSES - 1, 100, (4 * (MIN_CLASSES - 1), 4), False),
        (MIN_CLASSES, 100, (4 * MIN_CLASSES, 4), True),
        (1000, 100, (4, 400), False),
        (MIN_FAR_CLASSES - 1, LANES - 1, (4, 64), False),
        (MIN_FAR_CLASSES, LANES - 1, (4, 64), True),
        (MIN_FAR_CLASSES, LANES, (4, 64), False),
    ],
)
def test_which_lanes(classes: int, rows: int, steps: tuple[int, int], by_class: bool) -> None:
    assert arrange((rows,), classes, [Strided(4, steps[:1], steps[1])], 0).by_class is by_class

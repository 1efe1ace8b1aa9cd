"""Classes over several devices, for which threads stand in here."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.parts import ROWS, Threads, check_references

import xent_api as xa
from xent_api.testing import Unavailable, find_target


def _threads(count: int) -> Threads:
    return Threads(count, np)


@pytest.mark.parametrize("count", [2, 5])
@pytest.mark.parametrize("family", ROWS)
def test_every_reference_value_holds_over_uneven_and_empty_parts(family: str, count: int) -> None:
    dtypes = ["float32", "float64", "float16"]
    assert check_references("numpy", dtypes, _threads(count).call, [family]) > 1000


@pytest.mark.parametrize("family", ROWS)
@pytest.mark.parametrize("name", ["array_api_strict", "torch"])
def test_other_libraries_hold_them_too(name: str, family: str) -> None:
    try:
        target = find_target(name)
    except Unavailable as reason:
        pytest.skip(str(reason))
    check_references(target, ["float32"], Threads(3, target.xp).call, [family])


def _given(family: Any) -> dict[str, Any]:
    random = np.random.default_rng(0)
    labels = np.asarray([[0, 11], [7, -1], [-100, 12]])
    if family is xa.softmax_xent:
        labels = random.dirichlet(np.ones(12), (3, 2)).astype("f")
    return {
        "labels": labels,
        "logits": random.normal(size=(3, 2, 12)).astype("f"),
        "class_weights": random.uniform(size=12).astype("f"),
        "weights": random.uniform(size=(3, 2)).astype("f"),
        "mask": np.asarray([[True, True], [True, False], [True, True]]),
    }


LOCAL = {"logits", "class_weights", "vector"}
ENDS = [(0, 5), (5, 5), (5, 6), (6, 12)]


def _over_devices(
    function: Any, given: dict[str, Any], axis: int = -1, threads: Threads | None = None
) -> tuple[list[Any], Any]:
    """Return what each device has, of classes in an axis, and what was sent."""
    threads = threads or _threads(len(ENDS))
    dense = given["labels"].ndim == given["logits"].ndim

    def device(rank: int) -> Any:
        begin, end = ENDS[rank]
        part = dict(given)
        for name in LOCAL | ({"labels"} if dense else set()):
            if name in given:
                along = 0 if name == "class_weights" else axis
                part[name] = np.take(given[name], range(begin, end), axis=along)
        return function(**part, axis=axis, shard=threads.shard(rank, begin, 12))

    return threads.run(device), threads.sent


@pytest.mark.parametrize("reduction", ["none", "sum", "mean", "weighted_mean"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1, 1.0])
@pytest.mark.parametrize(
    "family", [xa.softmax_xent, xa.sparse_softmax_xent], ids=["dense", "sparse"]
)
def test_the_parts_are_those_of_the_whole(family: Any, smoothing: float, reduction: Any) -> None:
    """Also where a label is no class, and where rows are ignored; in any axis."""
    given = _given(family) | {"label_smoothing": smoothing, "reduction": reduction}
    if family is xa.sparse_softmax_xent:
        given["ignore_index"] = -100
    vector = {"vector": np.random.default_rng(1).normal(size=(3, 2, 12))}
    for axis in (-1, 0):
        moved = {
            name: np.moveaxis(value, -1, axis) if getattr(value, "ndim", 0) == 3 else value
            for name, value in given.items()
        }
        for name in family.__all__:
            more = {}
            if name == "hessian_vector_product":
                more = {"vector": np.moveaxis(vector["vector"], -1, axis).astype("f")}
            function = getattr(family, name)
            parts, sent = _over_devices(function, moved | more, axis)
            assert set(sent) <= {(3, 2)}
            with xa.execution(native=False):
                exact = function(**moved, **more, axis=axis)
            if not isinstance(exact, tuple):
                exact, parts = (exact,), [(part,) for part in parts]
            for wanted, values in zip(exact, zip(*parts, strict=True), strict=True):
                found = [np.concatenate(values, axis=axis)] if wanted.ndim == 3 else values
                assert {value.dtype for value in found} == {wanted.dtype}
                for value in found:
                    np.testing.assert_allclose(value, wanted, rtol=2e-6, atol=1e-7)


def test_a_loss_sends_three_numbers_of_each_row() -> None:
    """The maximum, the logit of the label, the sum of the others; the gradient comes with it."""
    given = {"labels": np.asarray([3, 4]), "logits": np.zeros((2, 12))}
    for name in ("loss", "gradient", "loss_and_gradient"):
        _, sent = _over_devices(getattr(xa.sparse_softmax_xent, name), given)
        assert sent == [(2,)] * 3


WEIGHTS = {"class_weights": np.ones(12, "f")}
SENT: dict[str, tuple[str, dict[str, Any], int]] = {
    "`loss`, `gradient` or `loss_and_gradient` against class indices": (
        "loss_and_gradient",
        {},
        16,
    ),
    "with `class_weights`": ("loss_and_gradient", WEIGHTS, 20),
    "with `label_smoothing`": ("loss_and_gradient", {"label_smoothing": 0.1}, 24),
    "with both": ("loss_and_gradient", WEIGHTS | {"label_smoothing": 0.1}, 48),
    "`gradient_and_hessian` against class indices": ("gradient_and_hessian", {}, 28),
    "`loss` against a probability for each class": ("loss", {}, 32),
}
"""As on the page about growth: call → function, options, bytes a row."""


@pytest.mark.parametrize("call", SENT)
def test_the_page_says_how_much_is_sent(call: str) -> None:
    name, options, most = SENT[call]
    dense = "probability" in call
    labels = np.ones((2, 12), "f") if dense else np.asarray([3, 4])
    module, threads = xa.softmax_xent if dense else xa.sparse_softmax_xent, _threads(len(ENDS))
    given = {"labels": labels, "logits": np.zeros((2, 12), "f")} | options
    _over_devices(getattr(module, name), given, threads=threads)
    assert sum(dtype.itemsize for dtype in threads.dtypes) == most
    page = Path(__file__).parents[2] / "docs" / "growth.md"
    assert f"| {call} | {most} |" in page.read_text(encoding="utf-8")


def test_a_row_of_no_axis() -> None:
    given = {
        "labels": np.asarray(3),
        "logits": np.zeros(12, "f"),
        "class_weights": np.ones(12, "f"),
    }
    parts, sent = _over_devices(xa.sparse_softmax_xent.loss, given | {"label_smoothing": 0.5})
    assert {float(value) for value in parts} == {float(np.log(np.float32(12)))}
    assert set(sent) == {()}


def test_everything_ignored() -> None:
    given = {"labels": np.asarray([-1, -1]), "logits": np.full((2, 12), np.nan), "ignore_index": -1}
    for name in ("loss", "gradient"):
        function = getattr(xa.sparse_softmax_xent, name)
        parts, _ = _over_devices(function, given | {"reduction": "mean"})
        assert all(np.all(value == 0.0) for value in parts)


@pytest.mark.parametrize("infinity", [-np.inf, np.inf])
def test_limits_at_infinities(infinity: float) -> None:
    x = np.random.default_rng(0).normal(size=(3, 12))
    x[0], x[1, 5], x[2, 7] = infinity, infinity, np.nan
    threads = _threads(len(ENDS))
    for function in (xa.special.logsumexp, xa.special.softmax, xa.special.log_softmax):

        def device(rank: int, function: Any = function) -> Any:
            begin, end = ENDS[rank]
            return function(x[:, begin:end], shard=threads.shard(rank, begin, 12))

        parts, exact = threads.run(device), function(x)
        found = parts[0] if exact.ndim == 1 else np.concatenate(parts, axis=-1)
        np.testing.assert_allclose(found, exact, rtol=1e-14, atol=1e-14)


def _alone(**changed: Any) -> xa.ClassShard:
    given: dict[str, Any] = {"first": 0, "size": 4, "max": np.copy, "sum": np.copy}
    return xa.ClassShard(**given | changed)


@pytest.mark.parametrize(
    ("changed", "kind", "text"),
    [
        ({"size": 4.0}, TypeError, "`size` must be an int; got float"),
        ({"size": True}, TypeError, "`size` must be an int; got bool"),
        ({"size": 0}, ValueError, "`size` must be at least 1, the number of all classes; got 0"),
        ({"first": 0.5}, TypeError, "`first` must be an int or a 0-d integer array; got float"),
        ({"first": True}, TypeError, "`first` must be an int or a 0-d integer array; got bool"),
        ({"max": None}, TypeError, "`max` must be callable, a collective; got NoneType"),
        ({"sum": 3}, TypeError, "`sum` must be callable, a collective; got int"),
    ],
)
def test_a_shard_that_is_none(changed: dict[str, Any], kind: type[Exception], text: str) -> None:
    with pytest.raises(kind) as caught:
        _alone(**changed)
    assert str(caught.value) == text


@pytest.mark.parametrize(
    ("shard", "kind", "text"),
    [
        (3, TypeError, "`shard` must be a ClassShard or None; got int"),
        (
            _alone(size=2),
            ValueError,
            "`logits` must have at most 2 classes, the `size` of `shard`; ",
        ),
        (_alone(first=1), ValueError, "`first` must lie in [0, 0], so that 4 local classes are "),
        (_alone(first=-1), ValueError, "`first` must lie in [0, 0], so that 4 local classes are "),
        (
            _alone(first=np.zeros(1, int)),
            TypeError,
            "`first` must be an int or a 0-d integer array",
        ),
        (_alone(first=np.zeros(())), TypeError, "`first` must be an int or a 0-d integer array; "),
        (
            _alone(sum=lambda v: v[None]),
            ValueError,
            "`sum` must return an array of the shape and dtype that it takes, (2,), float64; ",
        ),
        (
            _alone(sum=lambda v: v.astype("f")),
            ValueError,
            "`sum` must return an array of the shape",
        ),
        (
            _alone(max=lambda _: None),
            ValueError,
            "`max` must return an array of the shape and dtype that it takes, (2,), float64; ",
        ),
    ],
)
def test_a_shard_that_does_not_fit(shard: Any, kind: type[Exception], text: str) -> None:
    given: dict[str, Any] = {"labels": np.asarray([0, 1]), "logits": np.zeros((2, 4))}
    with pytest.raises(kind) as caught:
        xa.sparse_softmax_xent.loss(**given, shard=shard)
    assert str(caught.value).startswith(text)
    with pytest.raises(kind):
        xa.special.softmax(given["logits"], shard=shard)


def test_a_number_of_the_first_class_that_nobody_could_check() -> None:
    """Where it may be traced it is not read: beyond all classes the rows are NaN."""
    given: dict[str, Any] = {"labels": np.asarray([0, 1]), "logits": np.zeros((2, 3))}
    for first, is_right in ((0, True), (1, True), (2, False), (-1, False)):
        for dtype in ("int64", "int8"):
            shard = _alone(first=np.asarray(first, dtype))
            value = xa.sparse_softmax_xent.loss(**given, shard=shard)
            assert np.isnan(value).any() != is_right
        weights: dict[str, Any] = {"labels": np.asarray([2, 3]), "class_weights": np.ones(3)}
        total = xa.sparse_softmax_xent.total_weight(**weights, shard=shard)
        assert np.isnan(total) != is_right
    narrow = np.zeros((), "int8") + np.int8(2)
    many = xa.ClassShard(first=narrow, size=400, max=np.copy, sum=np.copy)
    given = {"labels": np.asarray([2, 3]), "logits": np.zeros((2, 3))}
    assert np.isfinite(xa.sparse_softmax_xent.loss(**given, shard=many)).all()


def test_more_class_weights_than_classes() -> None:
    given: dict[str, Any] = {"labels": np.asarray([0, 1]), "class_weights": np.ones(5)}
    with pytest.raises(ValueError, match="`class_weights` must have at most 4 classes"):
        xa.sparse_softmax_xent.total_weight(**given, shard=_alone())


def test_it_tells_what_it_is() -> None:
    assert repr(_alone(first=np.int64(2))) == "ClassShard(first=2, size=4)"

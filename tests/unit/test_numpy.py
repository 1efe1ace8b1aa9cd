"""What is NumPy's own: warnings, scalars, subclasses and unusual dtypes."""

import math
import re
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from xent_api import execution, sigmoid_xent, softmax_xent, sparse_softmax_xent

EXTREME = np.asarray([0.0, 1e-30, 1e3, -1e3, 3e38, -3e38, np.inf, -np.inf, np.nan, 88.0, -104.0])


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("label", [0.0, 1.0, 0.5, np.nan, 1e-30])
def test_no_floating_point_warning_even_where_numpy_is_told_to_raise(
    dtype: str, label: float
) -> None:
    with np.errstate(all="ignore"):
        logits, labels = EXTREME.astype(dtype), np.full(EXTREME.shape, label, dtype=dtype)
    options: list[dict[str, Any]] = [
        {},
        {"weights": 1e30, "pos_weight": 1e30},
        {"weights": np.asarray(6e4, dtype=dtype), "label_smoothing": 0.1},
        {"mask": np.isfinite(logits), "reduction": "mean"},
        {"mask": np.zeros(logits.shape, dtype=bool), "reduction": "mean"},
        {"reduction": "mean", "denominator": 0},
        {"reduction": "mean", "denominator": 1e39 if dtype != "float64" else 1e-320},
        {"reduction": "sum", "ignore_index": 1e6},
    ]
    with np.errstate(all="raise"):
        for given in options:
            sigmoid_xent.loss_and_gradient(labels=labels, logits=logits, **given)
            sigmoid_xent.gradient_and_hessian(labels=labels, logits=logits, **given)
        sigmoid_xent.total_weight(labels=labels, weights=logits)


def test_elementwise_results_are_arrays_and_reductions_what_numpy_returns() -> None:
    logits, labels = np.asarray(0.5), np.asarray(1.0)
    assert type(sigmoid_xent.loss(labels=labels, logits=logits)) is np.ndarray
    assert type(sigmoid_xent.gradient(labels=labels, logits=logits)) is np.ndarray
    for reduction in ("sum", "mean"):
        loss = sigmoid_xent.loss(labels=labels, logits=logits, reduction=reduction)
        assert type(loss) is type(np.sum(logits))


def test_scalars_count_as_0_dimensional_arrays() -> None:
    loss = sigmoid_xent.loss(
        labels=np.float32(1), logits=np.float32(0), mask=np.True_, weights=np.float32(2)
    )
    assert loss.shape == ()
    assert loss.dtype == np.float32
    assert abs(float(loss) - 2 * np.log(2)) < 1e-6


def test_a_python_float_is_a_number_whatever_its_subclass() -> None:
    labels, logits = np.ones(2, dtype=np.float32), np.zeros(2, dtype=np.float32)
    factor = np.float64(0.1)  # a float, too: no array that would be too wide
    found = sigmoid_xent.loss(labels=labels, logits=logits, weights=factor)
    wanted = sigmoid_xent.loss(labels=labels, logits=logits, weights=0.1)
    np.testing.assert_array_equal(found, wanted)
    mean = sigmoid_xent.loss(
        labels=labels, logits=logits, reduction="mean", denominator=np.int64(2)
    )
    assert abs(float(mean) - np.log(2)) < 1e-6


def test_a_number_that_the_dtype_does_not_hold() -> None:
    single = np.ones(2, dtype=np.float32)
    for name in ("weights", "pos_weight"):
        options: dict[str, Any] = {name: 1e39}
        with pytest.raises(ValueError, match=f"`{name}` must be a number that float32 can hold"):
            sigmoid_xent.loss(labels=single, logits=single, **options)


def test_a_tiny_denominator_leaves_masked_positions_0() -> None:
    arrays: dict[str, Any] = {
        "labels": np.asarray([1.0, 0.0], dtype=np.float32),
        "logits": np.asarray([0.5, np.nan], dtype=np.float32),
        "mask": np.asarray([True, False]),
    }
    options: dict[str, Any] = {"reduction": "mean", "denominator": 1e-50}
    assert sigmoid_xent.gradient(**arrays, **options).tolist() == [-np.inf, 0.0]


def test_results_share_no_memory_with_the_arguments() -> None:
    logits, labels, weights = np.zeros(3), np.ones(3), np.ones(3)
    given: dict[str, Any] = {"labels": labels, "logits": logits, "weights": weights}
    for function in (sigmoid_xent.loss_and_gradient, sigmoid_xent.gradient_and_hessian):
        for result in function(**given):
            assert not any(np.shares_memory(result, array) for array in given.values())


def test_a_number_that_no_float_holds() -> None:
    with pytest.raises(ValueError, match="`weights` must be a number that a float can hold"):
        sigmoid_xent.loss(labels=np.ones(2), logits=np.zeros(2), weights=10**400)


class Tagged(np.ndarray):
    """A subclass that means nothing to a loss."""


def test_subclasses_give_base_arrays() -> None:
    logits = np.zeros(3).view(Tagged)
    slope = sigmoid_xent.gradient(labels=np.ones(3).view(np.recarray), logits=logits)
    assert type(slope) is np.ndarray


def _matrix(values: Any) -> Any:
    with pytest.warns(PendingDeprecationWarning):
        return np.matrix(values)


REFUSED: list[tuple[Callable[[], Any], str]] = [
    (lambda: _matrix([[0.0, 1.0]]), "got numpy.matrix|got matrix"),
    (lambda: np.ma.masked_array([0.0, 1.0], mask=[True, False]), "pass what .* hides as `mask`"),
    (lambda: np.asarray([0.0, None], dtype=object), "got object"),
    (lambda: np.asarray(["0", "1"]), "got <U1"),
    (lambda: np.zeros(2, dtype=[("a", "f4")]), "got "),
    (lambda: np.zeros(2, dtype="datetime64[s]"), "got datetime64"),
    (lambda: np.zeros(2, dtype=">f4"), "got >f4"),
    (lambda: np.zeros(2, dtype=np.longdouble), "got float128|got longdouble"),
    (lambda: np.zeros(2, dtype=complex), "got complex128"),
]


@pytest.mark.parametrize(("make", "text"), REFUSED)
def test_unsuitable_arrays_are_refused(make: Callable[[], Any], text: str) -> None:
    value = make()
    other = np.zeros(value.shape)
    with pytest.raises(TypeError, match=f"`logits` must .*({text})"):
        sigmoid_xent.loss(labels=other, logits=value)
    with pytest.raises(TypeError, match=f"`labels` must .*({text})"):
        sigmoid_xent.loss(labels=value, logits=other)


def test_bfloat16_and_float8_of_ml_dtypes() -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")
    values = np.asarray([0.5, -2.0, 20.0])
    logits, labels = values.astype(ml_dtypes.bfloat16), np.ones(3).astype(ml_dtypes.bfloat16)
    loss = sigmoid_xent.loss(labels=labels, logits=logits)
    wide = sigmoid_xent.loss(labels=np.ones(3, dtype=np.float32), logits=values.astype(np.float32))
    np.testing.assert_array_equal(loss, wide.astype(ml_dtypes.bfloat16))
    assert loss.dtype == ml_dtypes.bfloat16
    narrow = values.astype(ml_dtypes.float8_e5m2)
    with pytest.raises(TypeError, match=r"`logits` must have dtype .* got float8"):
        sigmoid_xent.loss(labels=labels, logits=narrow)
    with pytest.raises(
        TypeError,
        match=r"`labels` must be real, of a dtype of the standard or bfloat16; got float8",
    ):
        sigmoid_xent.loss(labels=narrow, logits=logits)


FAMILIES: dict[str, tuple[Any, Any]] = {
    "sigmoid": (sigmoid_xent, np.asarray([1.0, 0.0, 1.0])),
    "softmax": (softmax_xent, np.asarray([[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]])),
    "sparse": (sparse_softmax_xent, np.asarray([0, 1, 1])),
}


@pytest.mark.parametrize("name", FAMILIES)
def test_bfloat16_of_ml_dtypes_in_every_argument(name: str) -> None:
    bfloat16 = pytest.importorskip("ml_dtypes").bfloat16
    family, labels = FAMILIES[name]
    shape = (3,) if name == "sigmoid" else (3, 2)
    numbers: dict[str, Any] = {
        "labels": labels,
        "logits": np.linspace(-3.0, 3.0, math.prod(shape)).reshape(shape),
        "weights": np.asarray([0.5, 2.0, 3.0]),
        "denominator": np.asarray(4.0),
    }
    if name == "sigmoid":
        numbers["pos_weight"] = np.asarray([2.0])
    narrow = {n: v if v.dtype.kind == "i" else v.astype(bfloat16) for n, v in numbers.items()}
    single = {n: v if v.dtype.kind == "i" else v.astype(np.float32) for n, v in narrow.items()}
    mask = np.asarray([True, False, True])
    for function in (family.loss_and_gradient, family.gradient_and_hessian):
        found = function(**narrow, mask=mask, reduction="mean")
        wanted = function(**single, mask=mask, reduction="mean")
        for got, exact in zip(found, wanted, strict=True):
            np.testing.assert_array_equal(got, exact.astype(bfloat16))
    given = {n: narrow[n] for n in ("labels", "weights")}
    total = family.total_weight(**given)
    assert (total.dtype, total) == (np.float32, 5.5)
    assert family.total_weight(**given, mask=mask) == 3.5
    assert family.total_weight(**(given | {"weights": narrow["weights"][:1]})) == 1.5
    assert family.total_weight(labels=narrow["labels"], mask=mask) == 2
    if name != "softmax":
        assert family.total_weight(**given, ignore_index=1) == (2.0 if name == "sigmoid" else 0.5)


def _call_with(name: str, value: Any) -> None:
    given: dict[str, Any] = {"labels": np.zeros(2, np.int8), "logits": np.zeros(2)}
    sigmoid_xent.loss(**(given | {name: value}), reduction="mean")


def _swapped(code: str) -> str:
    return (">" if sys.byteorder == "little" else "<") + code


@pytest.mark.parametrize("code", ["f4", "f8", "i4"])
@pytest.mark.parametrize("name", ["labels", "logits", "weights", "pos_weight", "denominator"])
def test_another_byte_order_is_refused_with_the_remedy(name: str, code: str) -> None:
    if (name, code) == ("logits", "i4"):
        return  # the next test
    value = np.ones(() if name == "denominator" else 2, _swapped(code))
    with pytest.raises(TypeError, match=f"`{name}` must .* not in native byte order") as caught:
        _call_with(name, value)
    (remedy,) = re.findall(r"pass `(.*)`", str(caught.value))
    converted = eval(remedy, {name: value})
    assert converted.dtype.isnative
    _call_with(name, converted)


@pytest.mark.parametrize(
    ("name", "code"),
    [("logits", "i4"), ("labels", "U3"), ("labels", "c8"), ("mask", "i4"), ("weights", "c16")],
)
def test_the_byte_order_is_not_blamed_for_what_it_is_not(name: str, code: str) -> None:
    with pytest.raises(TypeError, match=f"`{name}` must ") as caught:
        _call_with(name, np.ones(2, _swapped(code)))
    assert "byte order" not in str(caught.value)


def test_class_indices_in_another_byte_order_are_refused_with_the_remedy() -> None:
    swapped = np.zeros(2, np.int64).astype(np.dtype(np.int64).newbyteorder())
    with pytest.raises(TypeError, match=r"`labels` must be integer class .* native byte order"):
        sparse_softmax_xent.loss(labels=swapped, logits=np.zeros((2, 3)))
    with pytest.raises(TypeError, match=r"got >f4|got <f4") as caught:
        sparse_softmax_xent.loss(labels=np.zeros(2, _swapped("f4")), logits=np.zeros((2, 3)))
    assert "cast class indices to int64" in str(caught.value)


def test_several_threads_at_once() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(16, 200_000)).astype(np.float32)  # enough for several tiles
    labels = rng.random(size=(16, 200_000)).astype(np.float32)

    def mean(i: int) -> float:
        return float(sigmoid_xent.loss(labels=labels[i], logits=logits[i], reduction="mean"))

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(mean, range(16))) == [mean(i) for i in range(16)]


@pytest.mark.parametrize("size", [3, 300_000])
def test_weights_of_0_and_of_minus_0_are_not_confused(size: int) -> None:
    # What was checked and recorded for a call is kept for those that are like it. (The signs of
    # kernels' zeros tell nothing: they add a product of the other sign.)
    logits, labels = np.zeros(size), np.zeros(size)
    for weights in (0.0, -0.0, 0.0):
        with execution(native=False):
            loss = sigmoid_xent.loss(labels=labels, logits=logits, weights=weights)
        assert (np.copysign(1.0, loss) == math.copysign(1.0, weights)).all()

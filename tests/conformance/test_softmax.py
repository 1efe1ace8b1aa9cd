"""The softmax families: meaning of the arguments, special values, shapes."""

import itertools
import math
from typing import Any

import pytest

from xent_api import sigmoid_xent, softmax_xent, sparse_softmax_xent
from xent_api._checks.dtypes import FLOATING
from xent_api.facades import tensorflow
from xent_api.testing import ulp_error
from xent_api.testing.suite import Suite

INF, NAN = math.inf, math.nan
FUNCTIONS = ("loss", "gradient", "loss_and_gradient", "gradient_and_hessian")
LOGITS = [
    [1.0, -2.0, 0.5],
    [3.0, 3.0, -1.0],
    [-40.0, 0.0, 20.0],
    [0.0, 0.0, 0.0],
]
NUMBERS = [0, 1, 2, 1]


def _one_hot(suite: Suite, numbers: list[int], size: int, dtype: str) -> Any:
    return suite.array([[float(j == n) for j in range(size)] for n in numbers], dtype)


def _all(suite: Suite, module: Any, arrays: dict[str, Any], **options: Any) -> list[Any]:
    """Return loss, gradient and Hessian."""
    loss, slope = suite.call(module.loss_and_gradient, arrays, **options)
    _, curvature = suite.call(module.gradient_and_hessian, arrays, **options)
    return [loss, slope, curvature]


def _close(suite: Suite, got: Any, wanted: Any, dtype: str, bar: float = 4.0) -> None:
    for a, b in zip(suite.floats(got), suite.floats(wanted), strict=True):
        assert ulp_error(a, b, dtype) <= bar, (a, b)


def _near(suite: Suite, got: Any, wanted: list[float], dtype: str) -> None:
    for a, b in zip(suite.floats(got), wanted, strict=True):
        assert ulp_error(a, b, dtype) <= 4, (a, b)


@pytest.mark.eager
def test_class_indices_are_labels_of_one_class(suite: Suite, dtype: str) -> None:
    logits = suite.array(LOGITS, dtype)
    dense = {"logits": logits, "labels": _one_hot(suite, NUMBERS, 3, dtype)}
    sparse = {"logits": logits, "labels": suite.array(NUMBERS, "int32")}
    for options in ({}, {"label_smoothing": 0.25}, {"weights": 3.0}, {"reduction": "mean"}):
        one = _all(suite, softmax_xent, dense, **options)
        other = _all(suite, sparse_softmax_xent, sparse, **options)
        for a, b in zip(one, other, strict=True):
            assert a.shape == b.shape
            _close(suite, a, b, dtype)


@pytest.mark.parametrize("smoothing", [0.0, 0.25])
def test_the_gradient_alone_is_that_beside_the_loss(
    suite: Suite, dtype: str, smoothing: float
) -> None:
    logits = suite.array(LOGITS, dtype)
    dense = {"logits": logits, "labels": _one_hot(suite, NUMBERS, 3, dtype)}
    sparse = {"logits": logits, "labels": suite.array(NUMBERS, "int32")}
    for module, arrays in ((softmax_xent, dense), (sparse_softmax_xent, sparse)):
        alone = suite.call(module.gradient, arrays, label_smoothing=smoothing)
        _, slope = suite.call(module.loss_and_gradient, arrays, label_smoothing=smoothing)
        assert alone.shape == slope.shape
        _close(suite, alone, slope, dtype, 1.0)


@pytest.mark.eager
def test_two_classes_are_the_sigmoid_family(suite: Suite, dtype: str) -> None:
    values = [0.0, 1.0, -1.0, 0.5, -3.0, 7.0, 20.0, -20.0, 40.0, -40.0]
    labels = [1.0, 0.0, 0.25, 1.0, 0.0, 0.75, 1.0, 1.0, 0.0, 0.0]
    binary = {"logits": suite.array(values, dtype), "labels": suite.array(labels, dtype)}
    double = {
        "logits": suite.array([[x, 0.0] for x in values], dtype),
        "labels": suite.array([[z, 1.0 - z] for z in labels], dtype),
    }
    one = _all(suite, sigmoid_xent, binary)
    other = _all(suite, softmax_xent, double)
    bar = 0.51 * 2 if dtype in ("float16", "bfloat16") else 8.0
    _close(suite, other[0], one[0], dtype, bar)
    eps = 2.0 ** (1 - FLOATING[dtype].digits)
    for a, b in zip(suite.floats(other[1][:, 0]), suite.floats(one[1]), strict=True):
        assert abs(a - b) <= 8 * eps
    for column in (0, 1):
        _close(suite, other[2][:, column], one[2], dtype, bar)


@pytest.mark.dtypes("float32")
@pytest.mark.parametrize("classes", [3, 70, 300])
def test_classes_that_share_the_maximum(suite: Suite, dtype: str, classes: int) -> None:
    counts = [1, 2, 3, classes]
    tail = [-2.0 - j / 128.0 for j in range(classes)]
    rows = [[2.0] * count + tail[count:] for count in counts]
    logits = suite.array(rows, dtype)
    r = [math.fsum(math.exp(x - 2.0) for x in row[1:]) for row in rows]
    sparse = {"logits": logits, "labels": suite.array([0] * 4, "int32")}
    dense = {"logits": logits, "labels": _one_hot(suite, [0] * 4, classes, dtype)}
    for module, arrays in ((sparse_softmax_xent, sparse), (softmax_xent, dense)):
        loss, slope, curvature = _all(suite, module, arrays)
        for row, rest in enumerate(r):
            e = [math.exp(x - 2.0) for x in rows[row]]
            others = [rest, *(1.0 + rest - each for each in e[1:])]
            _near(suite, loss[row : row + 1], [math.log1p(rest)], dtype)
            _near(
                suite, slope[row, :], [-rest / (1 + rest), *(v / (1 + rest) for v in e[1:])], dtype
            )
            pairs = zip(e, others, strict=True)
            _near(suite, curvature[row, :], [v * n / (1 + rest) ** 2 for v, n in pairs], dtype)


@pytest.mark.eager
def test_a_confident_prediction_keeps_its_digits(suite: Suite, dtype: str) -> None:
    tail = "4.248354255291588986304977843631582181878e-18"
    arrays = {
        "logits": suite.array([[40.0, 0.0]], dtype),
        "labels": suite.array([0], "int32"),
    }
    loss, slope, curvature = _all(suite, sparse_softmax_xent, arrays)
    suite.assert_ulp(loss, [tail], dtype)
    suite.assert_ulp(slope, ["-" + tail, tail], dtype, shape=(1, 2))
    suite.assert_ulp(curvature, [tail, tail], dtype, shape=(1, 2))


@pytest.mark.everywhere
@pytest.mark.eager
@pytest.mark.parametrize("smoothing", [0.0, 0.25])
def test_numbers_of_no_class_make_their_row_nan(suite: Suite, dtype: str, smoothing: float) -> None:
    wrong = [-1, 3, -(2**31), 2**31 - 1]
    arrays = {
        "logits": suite.array([[0.5, -1.0, 2.0]] * 6, dtype),
        "labels": suite.array([1, *wrong, 2], "int32"),
    }
    for value in _all(suite, sparse_softmax_xent, arrays, label_smoothing=smoothing):
        found = suite.floats(value)
        step = len(found) // 6
        rows = [found[i : i + step] for i in range(0, len(found), step)]
        assert all(v == v for row in (rows[0], rows[-1]) for v in row)
        assert all(v != v for row in rows[1:-1] for v in row)
    loss = sparse_softmax_xent.loss(**arrays, ignore_index=-1, label_smoothing=smoothing)
    assert suite.floats(loss)[1] == 0.0


@pytest.mark.everywhere
@pytest.mark.eager
@pytest.mark.dtypes("float32")
@pytest.mark.parametrize("kind", ["uint8", "int8", "int16", "int64", "uint16", "uint32", "uint64"])
def test_class_indices_of_every_integer_dtype(suite: Suite, kind: str) -> None:
    if not suite.has(kind):
        pytest.skip(f"{suite} has no {kind}")
    high = 2 ** (int(kind.strip("uint")) - (not kind.startswith("u"))) - 1
    if suite.target.name == "mlx" and kind == "uint64":
        high = 2**63 - 1  # it reads no larger Python number
    size = 300
    logits = suite.array([[math.sin(i * j) for j in range(size)] for i in range(3)], "float32")
    labels = suite.array([0, 100, high], kind)
    losses = suite.floats(sparse_softmax_xent.loss(logits=logits, labels=labels))
    wanted = suite.array([0, 100, high if high < size else -1], "int32")
    others = suite.floats(sparse_softmax_xent.loss(logits=logits, labels=wanted))
    assert [str(v) for v in losses] == [str(v) for v in others]


@pytest.mark.everywhere
@pytest.mark.eager
@pytest.mark.parametrize("family", [softmax_xent, sparse_softmax_xent], ids=["dense", "sparse"])
def test_what_stands_at_masked_rows_does_not_matter(suite: Suite, dtype: str, family: Any) -> None:
    rows = [[1.0, 2.0, 3.0], [NAN, 1.0, INF], [-INF, -INF, -INF], [0.5, 0.0, 0.0]]
    mask = [True, False, False, True]
    sparse = family is sparse_softmax_xent
    arrays = {
        "logits": suite.array(rows, dtype),
        "labels": suite.array([2, 99, -5, 0], "int32")
        if sparse
        else suite.array([[0.0, 0.0, 1.0], [NAN] * 3, [INF] * 3, [1.0, 0.0, 0.0]], dtype),
        "mask": suite.array(mask, "bool"),
        "weights": suite.array([2.0, NAN, INF, 3.0], dtype),
    }
    kept = {
        "logits": suite.array([rows[0], rows[3]], dtype),
        "labels": suite.array([2, 0], "int32")
        if sparse
        else suite.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]], dtype),
        "weights": suite.array([2.0, 3.0], dtype),
    }
    for reduction in ("none", "mean"):
        found = _all(suite, family, arrays, reduction=reduction)
        wanted = _all(suite, family, kept, reduction=reduction)
        for got, value in zip(found, wanted, strict=True):
            flat, right = suite.floats(got), suite.floats(value)
            if len(flat) == 1:
                assert ulp_error(flat[0], right[0], dtype) <= 1
                continue
            step = len(flat) // 4
            assert flat[:step] + flat[3 * step :] == right
            assert flat[step : 3 * step] == [0.0] * (2 * step)


@pytest.mark.eager
@pytest.mark.parametrize("axis", [0, pytest.param(1, marks=pytest.mark.everywhere), 2, -1, -2, -3])
def test_every_axis(suite: Suite, dtype: str, axis: int) -> None:
    xp, shape = suite.target.xp, (3, 2, 4)
    logits = suite.shaped([math.sin(3 * k) * 5 for k in range(24)], shape, dtype)
    dense = suite.shaped([(k % 5) / 8 for k in range(24)], shape, dtype)
    last = xp.moveaxis(logits, axis, -1)
    count = math.prod(last.shape[:-1])
    rows = tuple(last.shape[:-1])
    labels = suite.shaped([k % last.shape[-1] for k in range(count)], rows, "int32")
    mask = suite.shaped([k % 3 > 0 for k in range(count)], rows, "bool")
    weights = suite.shaped([0.5 + k % 2 for k in range(rows[-1])], rows[-1:], dtype)
    options = {"mask": mask, "weights": weights}
    for family, one, other in (
        (softmax_xent, dense, xp.moveaxis(dense, axis, -1)),
        (sparse_softmax_xent, labels, labels),
    ):
        found = _all(suite, family, {"logits": logits, "labels": one} | options, axis=axis)
        wanted = _all(suite, family, {"logits": last, "labels": other} | options)
        assert tuple(found[0].shape) == rows
        assert [tuple(value.shape) for value in found[1:]] == [shape, shape]
        for got, value in zip(found, wanted, strict=True):
            same = got if got is found[0] else xp.moveaxis(got, axis, -1)
            _close(suite, same, value, dtype, 0.0 if suite.target.name != "mlx" else 1.0)


@pytest.mark.eager
def test_few_rows(suite: Suite, dtype: str) -> None:
    row = suite.array([1.0, 3.0], dtype)
    label = suite.array(1, "int32")
    loss, slope = sparse_softmax_xent.loss_and_gradient(logits=row, labels=label)
    assert (tuple(loss.shape), tuple(slope.shape)) == ((), (2,))
    wanted = sparse_softmax_xent.loss(
        logits=suite.array([[1.0, 3.0]], dtype), labels=suite.array([1], "int32")
    )
    assert suite.floats(loss) == suite.floats(wanted)
    nothing = suite.array([[1.0, 3.0]], dtype)[:0, :]
    none = suite.array([1], "int32")[:0]
    for reduction in ("none", "sum", "mean"):
        loss, slope = sparse_softmax_xent.loss_and_gradient(
            logits=nothing, labels=none, reduction=reduction
        )
        assert tuple(slope.shape) == (0, 2)
        assert suite.floats(loss) == ([] if reduction == "none" else [0.0])
    with pytest.raises(ValueError, match="`logits` must have at least one class"):
        softmax_xent.loss(logits=nothing[:, :0], labels=nothing[:, :0])


@pytest.mark.everywhere
@pytest.mark.eager
def test_reductions_and_total_weight(suite: Suite, dtype: str) -> None:
    arrays = {
        "logits": suite.array(LOGITS, dtype),
        "labels": suite.array([0, 1, -1, 1], "int32"),
    }
    weights = suite.array([1.0, 0.5, 7.0, 2.0], dtype)
    each = suite.floats(suite.call(sparse_softmax_xent.loss, arrays, ignore_index=-1))
    total = suite.call(sparse_softmax_xent.loss, arrays, ignore_index=-1, reduction="sum")
    mean = suite.call(sparse_softmax_xent.loss, arrays, ignore_index=-1, reduction="mean")
    narrow = dtype in ("float16", "bfloat16")
    assert ulp_error(suite.floats(total)[0], math.fsum(each), dtype) <= (2 if narrow else 4)
    assert ulp_error(suite.floats(mean)[0], math.fsum(each) / 3, dtype) <= (2 if narrow else 4)
    given = {"labels": arrays["labels"]}
    number = suite.call(sparse_softmax_xent.total_weight, given, ignore_index=-1)
    assert suite.floats(number) == [3]
    number = suite.call(
        sparse_softmax_xent.total_weight, given | {"weights": weights}, ignore_index=-1
    )
    assert suite.floats(number) == [3.5]
    dense = {"labels": _one_hot(suite, NUMBERS, 3, dtype), "mask": weights > 0.75}
    assert suite.floats(suite.call(softmax_xent.total_weight, dense)) == [3]
    del dense["mask"]
    assert suite.floats(suite.call(softmax_xent.total_weight, dense, axis=0)) == [3]
    ignored = suite.call(
        sparse_softmax_xent.loss_and_gradient,
        {"logits": arrays["logits"], "labels": suite.array([-1] * 4, "int32")},
        ignore_index=-1,
        reduction="mean",
    )
    assert suite.floats(ignored[0]) == [0.0]
    assert suite.floats(ignored[1]) == [0.0] * 12


@pytest.mark.eager
def test_explicit_defaults_change_no_bit(suite: Suite, dtype: str) -> None:
    logits = suite.array([[math.sin(7 * i + j) * 9 for j in range(5)] for i in range(40)], dtype)
    labels = suite.array([i % 5 for i in range(40)], "int32")
    dense = suite.array([[(i + j) % 4 / 4 for j in range(5)] for i in range(40)], dtype)
    ones = suite.array([1.0] * 40, dtype)
    everything = suite.array([True] * 40, "bool")
    explicit: list[dict[str, Any]] = [
        {"weights": 1},
        {"weights": ones, "mask": everything},
        {"weights": suite.array(1.0, dtype), "axis": 1},
        {"label_smoothing": 0},
    ]
    for (family, z), options in itertools.product(
        ((softmax_xent, dense), (sparse_softmax_xent, labels)), explicit
    ):
        arrays = {"logits": logits, "labels": z}
        plain = _all(suite, family, arrays)
        for got, wanted in zip(_all(suite, family, arrays, **options), plain, strict=True):
            suite.assert_equal(got, wanted)


@pytest.mark.eager
@pytest.mark.dtypes("float32")
def test_a_weight_of_0_gives_0_where_the_loss_is_infinite(suite: Suite, dtype: str) -> None:
    logits = suite.array([[-INF, 1.0], [-INF, 1.0], [NAN, 1.0]], dtype)
    weights = suite.array([0.0, 1.0, 0.0], dtype)
    for family, labels in (
        (sparse_softmax_xent, suite.array([0, 0, 0], "int32")),
        (softmax_xent, _one_hot(suite, [0, 0, 0], 2, dtype)),
    ):
        loss, slope = family.loss_and_gradient(logits=logits, labels=labels, weights=weights)
        assert [str(abs(v)) for v in suite.floats(loss)] == ["0.0", "inf", "nan"]
        assert [str(abs(v)) for v in suite.floats(slope)] == ["0.0"] * 2 + ["1.0"] * 2 + ["nan"] * 2
        number = family.loss(logits=logits, labels=labels, weights=0)
        assert [str(abs(v)) for v in suite.floats(number)] == ["0.0", "0.0", "nan"]


@pytest.mark.eager
@pytest.mark.dtypes("float32")
def test_a_weight_that_only_float32_takes_for_0_keeps_an_infinite_loss(
    suite: Suite, dtype: str
) -> None:
    if "float64" not in suite.target.dtypes():
        pytest.skip(f"{suite.target.name} has no float64")
    labels, logits = suite.array([[1.0, 0.0]], dtype), suite.array([[-math.inf, 0.0]], dtype)
    for weight, loss in ((1e-60, math.inf), (0.0, 0.0)):
        found = softmax_xent.loss(labels=labels, logits=logits, weights=weight)
        assert suite.floats(found) == [loss]


@pytest.mark.eager
@pytest.mark.dtypes("float64")
def test_a_loss_near_the_largest_number(suite: Suite, dtype: str) -> None:
    """Its sum is taken in two parts, of which one would be infinite."""
    logits = suite.array([[1e308, -2e307, 0.0], [1.7e308, 0.0, 0.0]], dtype)
    labels = suite.array([[0.0, 1.0, 0.0], [0.0, 0.5, 0.5]], dtype)
    losses = softmax_xent.loss(labels=labels, logits=logits)
    for got, wanted in zip(suite.floats(losses), [1.2e308, 1.7e308], strict=True):
        assert ulp_error(got, wanted, dtype) <= 4.0


@pytest.mark.dtypes("float32")
def test_an_axis_that_is_numpys_int(suite: Suite, dtype: str) -> None:
    np = pytest.importorskip("numpy")
    arrays = {"logits": suite.array(LOGITS, dtype), "labels": suite.array(NUMBERS, "int32")}
    found = sparse_softmax_xent.loss(**arrays, axis=np.int64(-1))
    suite.assert_equal(found, sparse_softmax_xent.loss(**arrays))


@pytest.mark.eager
@pytest.mark.dtypes("float32")
def test_errors(suite: Suite, dtype: str) -> None:
    logits = suite.array(LOGITS, dtype)
    labels = suite.array(NUMBERS, "int32")
    dense = _one_hot(suite, NUMBERS, 3, dtype)
    three = suite.array([1.0, 1.0, 1.0], dtype)
    labels_of_all = suite.array([[0, 1, 0]] * 4, "int32")
    one = suite.array(1.0, dtype)
    cases: list[tuple[Any, dict[str, Any], type[Exception], str]] = [
        (sparse_softmax_xent, {"labels": three}, TypeError, "integer.*: cast class indices to"),
        (
            sparse_softmax_xent,
            {"labels": dense > 0},
            TypeError,
            "integer class indices; got .*bool",
        ),
        (
            sparse_softmax_xent,
            {"labels": labels_of_all},
            ValueError,
            ": softmax_xent takes a label",
        ),
        (sparse_softmax_xent, {"labels": labels > 0}, TypeError, "`labels` must be integer"),
        (sparse_softmax_xent, {"labels": labels[:2]}, ValueError, r"\(4, 3\), without `axis`"),
        (sparse_softmax_xent, {"axis": 0}, ValueError, r"`labels` must have the shape"),
        (sparse_softmax_xent, {"axis": 1.0}, TypeError, "`axis` must be an int; got float"),
        (sparse_softmax_xent, {"axis": True}, TypeError, "`axis` must be an int; got bool"),
        (sparse_softmax_xent, {"axis": 2}, ValueError, r"`axis` must lie in \[-2, 2\)"),
        (softmax_xent, {"axis": -3}, ValueError, r"`axis` must lie in \[-2, 2\)"),
        (softmax_xent, {"labels": labels}, ValueError, "of `logits`.*: sparse_softmax_xent takes"),
        (softmax_xent, {"labels": labels_of_all[:2, ...]}, ValueError, r"of `logits`, .*\(2, 3\)$"),
        (
            softmax_xent,
            {"logits": one, "labels": one},
            ValueError,
            "`axis` must lie among .*none; got -1",
        ),
        (softmax_xent, {"labels": [[1.0]]}, TypeError, "`labels` must be an array"),
        (softmax_xent, {"mask": labels}, TypeError, "`mask` must have dtype bool"),
        (softmax_xent, {"mask": dense > 0}, ValueError, "`mask` must broadcast into the shape of"),
        (softmax_xent, {"weights": three}, ValueError, "`weights` must broadcast into the shape"),
        (softmax_xent, {"weights": labels > 0}, TypeError, "`weights` must be real; got bool"),
        (softmax_xent, {"reduction": "avg"}, ValueError, "`reduction` must be"),
        (softmax_xent, {"denominator": 2}, ValueError, "`denominator` must be None"),
        (softmax_xent, {"label_smoothing": 2}, ValueError, "`label_smoothing` must lie"),
        (softmax_xent, {"logits": labels}, TypeError, "`logits` must have dtype"),
    ]
    for family, changed, error, text in cases:
        given = {"logits": logits, "labels": dense if family is softmax_xent else labels} | changed
        for name in FUNCTIONS:
            with pytest.raises(error, match=text):
                getattr(family, name)(**given)
    with pytest.raises(ValueError, match="`axis` must lie"):
        softmax_xent.total_weight(labels=dense, axis=2)
    with pytest.raises(TypeError, match="`labels` must be integer"):
        sparse_softmax_xent.total_weight(labels=three)


@pytest.mark.eager
@pytest.mark.dtypes("float32")
def test_facades(suite: Suite, dtype: str) -> None:
    logits, dense = suite.array(LOGITS, dtype), _one_hot(suite, NUMBERS, 3, dtype)
    labels = suite.array(NUMBERS, "int32")
    full, sparse = (
        tensorflow.softmax_cross_entropy_with_logits,
        tensorflow.sparse_softmax_cross_entropy_with_logits,
    )
    suite.assert_equal(full(dense, logits), softmax_xent.loss(labels=dense, logits=logits))
    suite.assert_equal(
        full(dense, logits, 0, "n"), softmax_xent.loss(labels=dense, logits=logits, axis=0)
    )
    wanted = sparse_softmax_xent.loss(labels=labels, logits=logits)
    suite.assert_equal(sparse(labels, logits, "n"), wanted)
    for function in (full, sparse):
        with pytest.raises(ValueError, match="must be given; got None"):
            function(None, logits)
    with pytest.raises(TypeError, match="`labels` must have the dtype of `logits`"):
        full(labels, logits)
    with pytest.raises(ValueError, match="`axis` must lie"):
        sparse(labels[0], logits[0, 0])


@pytest.mark.dtypes("float32")
def test_traced_calls_give_what_eager_ones_do(suite: Suite, dtype: str) -> None:
    if not suite.traced:
        pytest.skip("for traced calls only")
    rows = {
        "logits": suite.array([*LOGITS, [NAN, 0.0, 1.0]], dtype),
        "mask": suite.array([True, True, True, True, False], "bool"),
        "weights": suite.array([1.0, 0.5, 2.0, 0.0, NAN], dtype),
    }
    dense = suite.array([[0.5, 0.25, 0.25]] * 5, dtype)
    labels = suite.array([0, 5, 2, -1, 1], "int32")
    for family, z, options in (
        (softmax_xent, dense, {"label_smoothing": 0.25}),
        (sparse_softmax_xent, labels, {"ignore_index": -1, "reduction": "mean"}),
    ):
        arrays = rows | {"labels": z}
        found = suite.call(family.loss_and_gradient, arrays, **options)
        for got, wanted in zip(found, family.loss_and_gradient(**arrays, **options), strict=True):
            for a, b in zip(suite.floats(got), suite.floats(wanted), strict=True):
                assert a == pytest.approx(b, rel=1e-6, nan_ok=True)


@pytest.mark.eager
@pytest.mark.dtypes("float32")
def test_the_same_call_again(suite: Suite, dtype: str) -> None:
    """What was checked and planned once is not planned again, with numbers as with arrays."""
    logits, labels = suite.array(LOGITS, dtype), suite.array(NUMBERS, "int32")
    for options in ({"weights": 2.0}, {"weights": 2, "reduction": "mean", "denominator": 3}):
        first, second = (
            sparse_softmax_xent.loss_and_gradient(labels=labels, logits=logits, **options)
            for _ in range(2)
        )
        for one, other in zip(first, second, strict=True):
            suite.assert_equal(one, other)


@pytest.mark.eager
@pytest.mark.dtypes("float32")
def test_wide_class_indices_do_not_become_others(suite: Suite, dtype: str) -> None:
    if not suite.has("int64"):
        pytest.skip(f"{suite} has no int64")
    labels = suite.array([2**32 + 1, -(2**32), 1], "int64")
    losses = sparse_softmax_xent.loss(
        logits=suite.array([[1.0, 2.0, 3.0]] * 3, dtype), labels=labels
    )
    assert [v == v for v in suite.floats(losses)] == [False, False, True]


@pytest.mark.eager
@pytest.mark.only("numpy")
@pytest.mark.dtypes("float32")
def test_no_rows_of_many_classes(suite: Suite, dtype: str) -> None:
    logits = suite.target.xp.zeros((0, 5, 300_000), dtype=suite.target.xp.float32)
    labels = suite.target.xp.zeros((0, 5), dtype=suite.target.xp.int64)
    for reduction in ("sum", "mean"):
        loss = sparse_softmax_xent.loss(logits=logits, labels=labels, reduction=reduction)
        assert suite.floats(loss) == [0.0]


@pytest.mark.eager
@pytest.mark.only("numpy")
@pytest.mark.dtypes("float32")
def test_more_classes_than_float32_has_integers(suite: Suite, dtype: str) -> None:
    xp, size = suite.target.xp, 2**24 + 4
    logits = xp.zeros((1, size), dtype=xp.float32)
    logits[0, 2**24] = 60.0
    labels = suite.array([2**24 + 1], "int64")
    assert suite.floats(sparse_softmax_xent.loss(logits=logits, labels=labels)) == [60.0]


@pytest.mark.parametrize("classes", [1, 10, 100])
def test_no_rows(suite: Suite, dtype: str, classes: int) -> None:
    logits = suite.target.xp.reshape(suite.array([], dtype), (0, classes))
    sparse = {"logits": logits, "labels": suite.array([], "int32")}
    dense = {"logits": logits, "labels": logits}
    for module, arrays in ((sparse_softmax_xent, sparse), (softmax_xent, dense)):
        loss, slope, curvature = _all(suite, module, arrays)
        assert tuple(loss.shape) == (0,)
        assert tuple(slope.shape) == tuple(curvature.shape) == (0, classes)

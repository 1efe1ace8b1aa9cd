"""Bad input: the errors of the contract, each naming the argument, and nothing touched."""

import re
from typing import Any

import pytest

from xent_api import sigmoid_xent, softmax_xent, sparse_softmax_xent
from xent_api.facades import paddle, tensorflow, tensorflow_v1
from xent_api.testing.suite import Suite

pytestmark = [pytest.mark.eager, pytest.mark.dtypes("float32")]

FUNCTIONS = ("loss", "gradient", "loss_and_gradient", "gradient_and_hessian")


class Foreign:
    """An array of no namespace."""

    shape = (2,)
    dtype = "float32"


@pytest.fixture
def arrays(suite: Suite, dtype: str) -> dict[str, Any]:
    return {
        "logits": suite.array([0.5, -1.5], dtype),
        "labels": suite.array([1.0, 0.0], dtype),
    }


def raises(
    error: type[Exception], parts: list[str], arrays: dict[str, Any], **changed: Any
) -> None:
    """Assert that each function raises an error whose text has all parts."""
    for name in FUNCTIONS:
        with pytest.raises(error) as caught:
            getattr(sigmoid_xent, name)(**(arrays | changed))
        text = str(caught.value)
        assert all(part in text for part in parts), text


@pytest.mark.everywhere
@pytest.mark.parametrize("value", [[1.0, 0.0], (1.0, 0.0), 1.0, 1, True, None, "ab", Foreign()])
@pytest.mark.parametrize("name", ["labels", "logits"])
def test_not_an_array(suite: Suite, arrays: dict[str, Any], name: str, value: Any) -> None:
    raises(TypeError, [f"`{name}` must be an array", "got "], arrays, **{name: value})


@pytest.mark.parametrize("module", ["tensorflow.python.framework.ops", "paddle"])
def test_tensors_of_no_namespace(suite: Suite, arrays: dict[str, Any], module: str) -> None:
    members = {"__module__": module, "numpy": lambda self: self}
    tensor = type("Tensor", (Foreign,), members)()
    parts = ["`labels` must be an array", f"got {module}.Tensor", "`tensor.numpy()`"]
    raises(TypeError, parts, arrays, labels=tensor)


@pytest.mark.parametrize("name", ["mask", "weights", "pos_weight", "denominator"])
@pytest.mark.parametrize("value", [True, "ab", [1.0], 1j])
def test_not_an_array_or_number(
    suite: Suite, arrays: dict[str, Any], name: str, value: Any
) -> None:
    raises(TypeError, [f"`{name}` must be ", "got "], arrays, reduction="mean", **{name: value})
    if isinstance(value, str) and name != "mask":
        parts = [f"`{name}` must be a Python number or an array", "got str"]
        raises(TypeError, parts, arrays, reduction="mean", **{name: value})


def test_a_mask_is_no_number(suite: Suite, arrays: dict[str, Any]) -> None:
    raises(TypeError, ["`mask` must be an array", "got int"], arrays, mask=1)


@pytest.mark.everywhere
@pytest.mark.parametrize("name", ["labels", "mask", "weights", "pos_weight", "denominator"])
def test_another_namespace(suite: Suite, arrays: dict[str, Any], name: str) -> None:
    np, strict = (pytest.importorskip(name) for name in ("numpy", "array_api_strict"))
    other: Any = np.asarray([1.0, 0.0], dtype=np.float32)
    if isinstance(arrays["logits"], np.ndarray):  # NumPy, or a namespace of its arrays
        other = strict.asarray(other)
    parts = [f"`{name}` must be of the same array namespace as `logits`", "got one of", ".asarray"]
    raises(TypeError, parts, arrays, reduction="mean", **{name: other})


@pytest.mark.parametrize("kind", ["bool", "int32", "complex64"])
def test_logits_are_real_floating(suite: Suite, arrays: dict[str, Any], kind: str) -> None:
    if not suite.has(kind):
        pytest.skip(f"{suite} has no {kind}")
    values = [True, False] if kind == "bool" else [1, 0]
    logits = suite.array(values, kind)
    raises(TypeError, ["`logits` must have dtype", kind], arrays, logits=logits)


@pytest.mark.parametrize("name", ["labels", "weights", "pos_weight", "denominator"])
def test_nothing_is_complex(suite: Suite, arrays: dict[str, Any], name: str) -> None:
    if not suite.has("complex64"):
        pytest.skip(f"{suite} has no complex64")
    value = suite.array(1.0 if name == "denominator" else [1.0, 0.0], "complex64")
    parts = [f"`{name}` must be real", "got", "complex64"]
    raises(TypeError, parts, arrays, reduction="mean", **{name: value})


@pytest.mark.parametrize("name", ["weights", "pos_weight"])
def test_weights_are_no_booleans(suite: Suite, arrays: dict[str, Any], name: str) -> None:
    value = suite.array([True, False], "bool")
    raises(TypeError, [f"`{name}` must be real", "got bool", "`mask`"], arrays, **{name: value})


@pytest.mark.parametrize("kind", ["int32", "float32"])
def test_the_mask_is_boolean(suite: Suite, arrays: dict[str, Any], kind: str) -> None:
    mask = suite.array([1, 0], kind)
    raises(TypeError, ["`mask` must have dtype bool", "got", kind], arrays, mask=mask)


def test_shapes_of_labels_and_logits(suite: Suite, arrays: dict[str, Any]) -> None:
    for values in ([1.0, 0.0, 1.0], [1.0], [[1.0, 0.0]], 1.0):
        labels = suite.array(values, "float32")
        parts = ["`labels` must have the shape of `logits`, (2,)", f"got {tuple(labels.shape)}"]
        raises(ValueError, parts, arrays, labels=labels)


@pytest.mark.parametrize("name", ["mask", "weights", "pos_weight"])
def test_nothing_enlarges_the_shape(suite: Suite, arrays: dict[str, Any], name: str) -> None:
    kind = "bool" if name == "mask" else "float32"
    for values in ([1, 1, 1], [[1, 1], [1, 1]], [[1], [1]], [[1, 1]]):
        value = suite.array(
            [[bool(v) if kind == "bool" else float(v) for v in _flat(values)]], kind
        )
        value = suite.target.xp.reshape(value, _shape(values))
        parts = [f"`{name}` must broadcast into the shape of `logits`, (2,)", "got ("]
        raises(ValueError, parts, arrays, **{name: value})


def test_options_outside_their_range(suite: Suite, arrays: dict[str, Any]) -> None:
    for reduction in ("avg", "NONE", None, 1):
        raises(ValueError, ["`reduction` must be", repr(reduction)], arrays, reduction=reduction)
    for smoothing in (-0.1, 1.5, float("nan"), float("inf")):
        raises(
            ValueError, ["`label_smoothing` must lie in [0, 1]"], arrays, label_smoothing=smoothing
        )
    for value in ("0.1", None, arrays["logits"], True, 1j):
        parts = ["`label_smoothing` must be a Python number"]
        raises(TypeError, parts, arrays, label_smoothing=value)
    for reduction in ("none", "sum"):
        raises(
            ValueError, ["`denominator` must be None"], arrays, reduction=reduction, denominator=2
        )
    two = arrays["logits"]
    raises(ValueError, ["`denominator` must be", "(2,)"], arrays, reduction="mean", denominator=two)
    for ignored in ("0", True, [0], 1j, arrays["logits"]):
        raises(TypeError, ["`ignore_index` must be"], arrays, ignore_index=ignored)


def test_all_arguments_are_keywords(suite: Suite, arrays: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="positional"):
        sigmoid_xent.loss(arrays["labels"], arrays["logits"])  # type: ignore[call-arg]


def test_python_s_own_messages_have_a_hint(suite: Suite, arrays: dict[str, Any]) -> None:
    # From 3.13 on Python has a suggestion of its own between the name and the hint.
    row = (
        r" \(one for each position is called `weights` here, one for each class `class_weights`\)$"
    )
    every = r"the arguments are `labels`, `logits`, `mask`"
    calls: list[tuple[dict[str, Any], str]] = [
        ({"weight": 1.0}, f"argument 'weight'.*{row}"),
        ({"input": 1, "target": 1}, "`input` is called `logits` here; `target` is called `labels`"),
        ({"dim": 1}, rf"argument 'dim'.* \({every}"),
        ({"class_weights": 1}, r"\(`pos_weight` is the weight of the positive term\)$"),
        ({"from_logits": True}, r"\(`logits` are always logits\)$"),
        ({"nonsense": True, "weight": 1}, f"`class_weights`; {every}"),
    ]
    for given, text in calls:
        with pytest.raises(TypeError, match=text):
            sigmoid_xent.loss(**arrays, **given)
    with pytest.raises(TypeError, match=r"argument 'dim'.* \(`dim` is called `axis` here\)$"):
        softmax_xent.gradient(**arrays, dim=1)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match=r"`class_weight` is called `class_weights` here\)$"):
        softmax_xent.gradient(**arrays, class_weight=1)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match=rf"2 were given \({every}.*; all by keyword\)$"):
        sigmoid_xent.gradient(arrays["labels"], arrays["logits"])  # type: ignore[call-arg]
    with pytest.raises(TypeError, match=r"argument: 'logits'$"):
        sigmoid_xent.loss(labels=arrays["labels"])  # type: ignore[call-arg]
    with pytest.raises(TypeError, match=r"`label_smoothing` must be a Python number.*got str$"):
        sigmoid_xent.loss(**arrays, label_smoothing="0.1")  # type: ignore[arg-type]


def test_class_indices_at_the_wrong_place(suite: Suite, arrays: dict[str, Any]) -> None:
    images = suite.shaped([0.0] * 120, (2, 3, 4, 5), "float32")
    pixels = suite.shaped([0] * 40, (2, 4, 5), "int32")
    given: dict[str, Any] = {"labels": pixels, "logits": images}
    with pytest.raises(ValueError, match=r"axis 1 holds the classes, pass `axis=1`$"):
        sparse_softmax_xent.loss(**given)
    assert sparse_softmax_xent.loss(**given, axis=1).shape == (2, 4, 5)
    for family in (sigmoid_xent, softmax_xent):
        with pytest.raises(ValueError, match=r"4, 5\): sparse_softmax_xent takes class indices$"):
            family.loss(**given)
    # A batch axis, or a column, that was forgotten is no number of classes.
    with pytest.raises(ValueError, match=r"got \(4, 5\)$"):
        sigmoid_xent.loss(
            labels=pixels[0, ...], logits=suite.shaped([0.0] * 60, (3, 4, 5), "float32")
        )
    with pytest.raises(ValueError, match=r"got \(2,\)$"):
        softmax_xent.loss(labels=arrays["labels"], logits=images[:, 0, 0, :])
    with pytest.raises(ValueError, match=r"got \(2,\)$"):
        sigmoid_xent.loss(
            labels=suite.array([1, 0], "int32"), logits=suite.array([[0.5], [1.5]], "float32")
        )


@pytest.mark.parametrize("method", ["toarray", "to_numpy"])
def test_what_becomes_an_array(suite: Suite, arrays: dict[str, Any], method: str) -> None:
    # SciPy's sparse arrays, pandas' and polars' columns.
    value = type("Column", (Foreign,), {method: lambda self: self})()
    parts = ["`labels` must be an array", f"Column: pass `labels.{method}()`"]
    raises(TypeError, parts, arrays, labels=value)


def test_total_weight(suite: Suite, arrays: dict[str, Any]) -> None:
    labels = arrays["labels"]
    with pytest.raises(TypeError, match="`labels` must be an array"):
        sigmoid_xent.total_weight(labels=[1.0])
    with pytest.raises(TypeError, match="`mask` must have dtype bool"):
        sigmoid_xent.total_weight(labels=labels, mask=labels)
    three = suite.array([1.0, 1.0, 1.0], "float32")
    with pytest.raises(
        ValueError, match=re.escape("`weights` must broadcast into the shape of `labels`, (2,)")
    ):
        sigmoid_xent.total_weight(labels=labels, weights=three)


def test_facades(suite: Suite, arrays: dict[str, Any]) -> None:
    logits, labels = arrays["logits"], arrays["labels"]
    plain = tensorflow.sigmoid_cross_entropy_with_logits
    for given in ({}, {"labels": labels}, {"logits": logits}):
        with pytest.raises(ValueError, match="must be given; got None"):
            plain(**given)
        with pytest.raises(ValueError, match="must be given; got None"):
            tensorflow_v1.sigmoid_cross_entropy_with_logits(**given)
    with pytest.raises(ValueError, match="must be given by name"):
        tensorflow_v1.sigmoid_cross_entropy_with_logits(labels, logits)
    with pytest.raises(ValueError, match="`x` must be given"):
        paddle.sigmoid_cross_entropy_with_logits(None, labels)
    with pytest.raises(ValueError, match="`pos_weight` must be given"):
        tensorflow.weighted_cross_entropy_with_logits(labels, logits, None)
    integers = suite.array([1, 0], "int32")
    with pytest.raises(TypeError, match="`labels` must have the dtype of `logits`"):
        plain(labels=integers, logits=logits)
    with pytest.raises(TypeError, match="`label` must have the dtype of `x`"):
        paddle.sigmoid_cross_entropy_with_logits(logits, integers)
    sparse = type("Sparse", (Foreign,), {"toarray": lambda self: self})()
    with pytest.raises(TypeError, match=r"`label` must be an array .* pass `label.toarray\(\)`"):
        paddle.sigmoid_cross_entropy_with_logits(logits, sparse)
    with pytest.raises(ValueError, match="`label` must have the shape of `x`"):
        paddle.sigmoid_cross_entropy_with_logits(logits, labels[:1])
    with pytest.raises(ValueError, match="`labels` must have the shape of `logits`"):
        plain(labels[:1], logits)
    with pytest.raises(TypeError, match="`labels` must be an array"):
        plain([1.0, 0.0], logits)


def _shape(values: Any) -> tuple[int, ...]:
    return (len(values), *_shape(values[0])) if isinstance(values, list) else ()


def _flat(values: Any) -> list[Any]:
    return [v for part in values for v in _flat(part)] if isinstance(values, list) else [values]

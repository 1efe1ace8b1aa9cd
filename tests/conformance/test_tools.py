"""The frameworks' own tools for finding NaN: they find none where the result has none."""

import math
from typing import Any

import pytest

import xent_api as xa
from xent_api.testing.suite import Suite

pytestmark = [pytest.mark.dtypes("float32"), pytest.mark.eager]
FAMILIES = {
    "sigmoid": xa.sigmoid_xent,
    "softmax": xa.softmax_xent,
    "sparse_softmax": xa.sparse_softmax_xent,
}
NAN, INF = math.nan, math.inf


def _arguments(suite: Suite, dtype: str, family: str, classes: int) -> dict[str, Any]:
    """Return four rows: good, ignored or masked, of NaN under a mask, and under one.

    The label of the last is no class, where labels are class indices.
    """
    row = [math.sin(3.0 * j) for j in range(classes)]
    mask = suite.array([True, family == "sparse_softmax", False, False], "bool")
    options: dict[str, Any] = {"mask": mask}
    if family == "sparse_softmax":
        options["labels"] = suite.array([1, -1, 0, 10 * classes], "int32")
        options["ignore_index"] = -1
    else:
        hard = [1.0] + [0.0] * (classes - 1)
        rows = [hard, [NAN] * classes, [INF] * classes, hard]
        options["labels"] = suite.array(rows, dtype)
    if family == "sigmoid":
        options["mask"] = mask[:, None]
    return options | {"logits": suite.array([row, row, [NAN] * classes, row], dtype)}


def _functions(module: Any, given: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    """Return functions of arrays by name: of the family, and derivatives by JAX."""
    import jax

    def total(x: Any, given: dict[str, Any]) -> Any:
        return module.loss(**(given | {"logits": x}), reduction="mean", **options)

    slope = jax.grad(total)
    functions = {
        name: lambda given, name=name: getattr(module, name)(**given, **options)
        for name in ("loss_and_gradient", "gradient_and_hessian")
    }
    return functions | {
        "total_weight": lambda given: module.total_weight(
            **{n: v for n, v in given.items() if n != "logits"}, **options
        ),
        "grad": lambda given: slope(given["logits"], given),
        "grad of grad": lambda given: jax.grad(lambda x: (slope(x, given) ** 2).sum())(
            given["logits"]
        ),
    }


@pytest.mark.only("jax")
@pytest.mark.parametrize(
    "classes", [3, *(pytest.param(n, marks=pytest.mark.nightly) for n in (20, 100))]
)
@pytest.mark.parametrize(
    "family", ["sigmoid", "sparse_softmax", pytest.param("softmax", marks=pytest.mark.nightly)]
)
def test_jax_finds_no_nan_on_the_way(suite: Suite, dtype: str, family: str, classes: int) -> None:
    import jax
    from jax.experimental import checkify

    given = _arguments(suite, dtype, family, classes)
    options = {name: given.pop(name) for name in ("ignore_index",) if name in given}
    for name, function in _functions(FAMILIES[family], given, options).items():
        with jax.debug_nans(True):
            results = jax.tree.leaves((function(given), jax.jit(function)(given)))
        assert not any(v != v for value in results for v in suite.floats(value)), name
        checked = checkify.checkify(jax.jit(function), errors=checkify.nan_checks)
        error, _ = checked(given)
        assert error.get() is None, name


@pytest.mark.only("torch")
@pytest.mark.parametrize("rows", [4, 40_000])
@pytest.mark.parametrize("classes", [3, 100])
@pytest.mark.parametrize("family", FAMILIES)
def test_torch_detects_no_anomaly(
    suite: Suite, dtype: str, family: str, classes: int, rows: int
) -> None:
    import torch

    given = _arguments(suite, dtype, family, classes)
    if classes == 100 and rows > 4:
        rows //= 10
    given = {
        name: v.repeat(rows // 4, *[1] * (v.ndim - 1)) if torch.is_tensor(v) else v
        for name, v in given.items()
    }
    x = given.pop("logits").requires_grad_()
    with torch.autograd.set_detect_anomaly(True):
        loss = FAMILIES[family].loss(logits=x, reduction="mean", **given)
        (slope,) = torch.autograd.grad(loss, x, create_graph=True)
        (slope**2).sum().backward()
    assert slope.isfinite().all()
    assert x.grad is not None
    assert x.grad.isfinite().all()
    assert x.grad[0].abs().max() > 0.0


@pytest.mark.only("jax")
@pytest.mark.parametrize("family", FAMILIES)
def test_jax_finds_no_nan_in_a_mean_of_nothing(suite: Suite, dtype: str, family: str) -> None:
    """Its denominator is 0."""
    import jax

    given = _arguments(suite, dtype, family, 3)
    given["mask"] = given["mask"] & False
    options = {name: given.pop(name) for name in ("ignore_index",) if name in given}
    x = given.pop("logits")

    def slopes(x: Any) -> Any:
        return FAMILIES[family].gradient(logits=x, **given, **options, reduction="mean")

    with jax.debug_nans(True):
        found = (slopes(x), jax.jit(slopes)(x), jax.grad(lambda x: (slopes(x) ** 2).sum())(x))
    assert {value for array in found for value in suite.floats(array)} == {0.0}


@pytest.mark.only("jax")
@pytest.mark.dtypes("float32", "float64")
@pytest.mark.parametrize("classes", [2, 20, 200])
def test_jax_finds_no_nan_in_infinite_sums(suite: Suite, dtype: str, classes: int) -> None:
    """An infinite loss is one, and 0 with a weight of 0."""
    import jax

    labels = suite.array([[1.0] + [0.0] * (classes - 1)] * 2, dtype)
    logits = suite.array([[-INF] + [0.0] * (classes - 1)] * 2, dtype)
    weights = suite.array([0.0, 1.0], dtype)

    def losses(x: Any) -> Any:
        return xa.softmax_xent.loss(labels=labels, logits=x, weights=weights)

    with jax.debug_nans(True):
        found = losses(logits), jax.jit(losses)(logits)
    for array in found:
        assert suite.floats(array) == [0.0, INF]


@pytest.mark.only("torch")
@pytest.mark.parametrize("family", FAMILIES)
def test_torch_detects_no_anomaly_in_a_mean_of_nothing(
    suite: Suite, dtype: str, family: str
) -> None:
    import torch

    given = _arguments(suite, dtype, family, 3)
    given["mask"] = given["mask"] & False
    x = given.pop("logits").requires_grad_()
    with torch.autograd.set_detect_anomaly(True):
        slope = FAMILIES[family].gradient(logits=x, reduction="mean", **given)
        (second,) = torch.autograd.grad((slope**2).sum(), x)
    assert {*suite.floats(slope.detach()), *suite.floats(second)} == {0.0}

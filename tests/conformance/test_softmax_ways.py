"""The softmax families' derivatives, tiles and lazy arrays."""

import itertools
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from helpers.abilities import LIBRARIES
from helpers.oracle import softmax_xent as exact_values
from limits import limits

from xent_api import execution, softmax_xent, sparse_softmax_xent
from xent_api._report import softmax as report
from xent_api.testing import BAR, check_namespace, ulp_error
from xent_api.testing.float64 import softmax_values, spacings, ulp_errors
from xent_api.testing.modes import Mode
from xent_api.testing.suite import Suite

INF, NAN = math.inf, math.nan
FAMILIES = {"softmax": softmax_xent, "sparse_softmax": sparse_softmax_xent}


def _slope(suite: Suite, mode: Mode, family: Any, arrays: dict[str, Any], **options: Any) -> Any:
    """Return the derivative of the loss with respect to the logits in a mode."""
    others = {name: value for name, value in arrays.items() if name != "logits"}
    x = arrays["logits"]
    if suite.target.name.startswith("jax") and not suite.traced:
        # As one compilation for each shape: op by op it would be a hundred.
        traced = Suite(suite.target, traced=True)
        return traced.call(lambda **given: _slope(traced, mode, family, given, **options), arrays)
    if mode.mapped:
        names = list(others)

        def one(x: Any, *values: Any) -> Any:
            return family.loss(logits=x, **dict(zip(names, values, strict=True)), **options)

        return _vmap(suite)(mode.derive(one))(x, *others.values())
    if "jvp" in mode.name:
        # Forward mode gives the derivative in one direction: here that of each class.
        return _columns(suite, family, x, others, options)
    return _detached(mode.derive(lambda v: family.loss(logits=v, **others, **options))(x))


def _columns(suite: Suite, family: Any, x: Any, others: dict[str, Any], options: Any) -> Any:
    xp = suite.target.xp
    found = []
    for j in range(x.shape[-1]):
        direction = xp.zeros_like(x) + xp.astype(xp.arange(x.shape[-1]) == j, x.dtype)
        found.append(
            _jvp(suite, lambda v: family.loss(logits=v, **others, **options), x, direction)
        )
    return xp.stack(found, axis=-1)


def _jvp(suite: Suite, function: Any, x: Any, direction: Any) -> Any:
    if suite.target.name.startswith("jax"):
        import jax

        return jax.jvp(function, (x,), (direction,))[1]
    import torch

    return torch.func.jvp(function, (x,), (direction,))[1]


def _vmap(suite: Suite) -> Any:
    if suite.target.name.startswith("jax"):
        import jax

        return jax.vmap
    return suite.target.xp.vmap


def _detached(value: Any) -> Any:
    return value.detach() if hasattr(value, "detach") else value


def _check(suite: Suite, dtype: str, mode: Mode, family: str) -> None:
    module = FAMILIES[family]

    def call(function: Any, arrays: dict[str, Any], **options: Any) -> Any:
        if function is not module.loss_and_gradient:
            return function(**arrays, **options)
        loss = module.loss(**arrays, **options)
        return loss, _slope(suite, mode, module, arrays, **options)

    findings = check_namespace(suite.target, [dtype], call, [family])
    assert [str(miss) for finding in findings for miss in finding.misses] == []
    assert [finding.problem for finding in findings] == [""] * 3


def _name(mode: Mode) -> str:
    return mode.name


def _modes(library: str) -> pytest.MarkDecorator:
    # What torch compiles takes minutes: the rule is compiled in test_derivatives, and below.
    found = [m for m in LIBRARIES[library].modes if not m.compiled and "checkpoint" not in m.name]
    return pytest.mark.parametrize("mode", found, ids=_name)


@pytest.mark.only("torch")
@pytest.mark.eager
@pytest.mark.dtypes("float32")
@pytest.mark.filterwarnings("ignore:.torch.jit.script:DeprecationWarning")
@_modes("torch")
@pytest.mark.parametrize("family", FAMILIES)
def test_torch(suite: Suite, dtype: str, mode: Mode, family: str) -> None:
    _check(suite, dtype, mode, family)


@pytest.mark.only("jax")
@pytest.mark.eager
@pytest.mark.dtypes("float32")
@_modes("jax")
@pytest.mark.parametrize("family", FAMILIES)
def test_jax(suite: Suite, dtype: str, mode: Mode, family: str) -> None:
    _check(suite, dtype, mode, family)


@pytest.mark.only("mlx")
@pytest.mark.eager
@pytest.mark.dtypes("float32")
@_modes("mlx")
@pytest.mark.parametrize("family", FAMILIES)
def test_mlx(suite: Suite, dtype: str, mode: Mode, family: str) -> None:
    _check(suite, dtype, mode, family)


@pytest.mark.only("tensorflow")
@pytest.mark.eager
@pytest.mark.dtypes("float32")
@_modes("tensorflow")
@pytest.mark.parametrize("family", FAMILIES)
def test_tensorflow(suite: Suite, dtype: str, mode: Mode, family: str) -> None:
    _check(suite, dtype, mode, family)


@pytest.mark.only("paddle")
@pytest.mark.eager
@pytest.mark.dtypes("float32")
@_modes("paddle")
@pytest.mark.parametrize("family", FAMILIES)
def test_paddle(suite: Suite, dtype: str, mode: Mode, family: str) -> None:
    _check(suite, dtype, mode, family)


@pytest.mark.only("torch", "jax", "tensorflow", "paddle")
@pytest.mark.eager
@pytest.mark.dtypes("float32")
def test_masked_rows_have_a_derivative_of_0(suite: Suite, dtype: str) -> None:
    arrays = {
        "logits": suite.array([[1.0, 2.0], [NAN, INF], [-INF, -INF]], dtype),
        "mask": suite.array([True, False, False], "bool"),
        "weights": suite.array([2.0, NAN, INF], dtype),
    }
    numbers = suite.array([0, 7, -3], "int32")
    dense = suite.array([[1.0, 0.0], [NAN, 0.0], [INF, NAN]], dtype)
    modes = LIBRARIES[suite.target.library].modes
    for mode, (family, labels) in itertools.product(
        modes[:2], ((softmax_xent, dense), (sparse_softmax_xent, numbers))
    ):
        slope = _slope(suite, mode, family, arrays | {"labels": labels})
        found = suite.floats(slope)
        assert all(v == v for v in found[:2])
        assert found[2:] == [0.0] * 4


def _derivatives(suite: Suite, function: Any, *arrays: Any) -> tuple[Any, ...]:
    slopes = LIBRARIES[suite.target.library].slopes
    assert slopes is not None
    return slopes(function, *arrays)


@pytest.mark.only("torch", "jax", "tensorflow", "paddle")
@pytest.mark.eager
@pytest.mark.dtypes("float64")
@pytest.mark.parametrize("smoothing", [0.0, 0.25, 1.0])
@pytest.mark.parametrize("large", [False, True])
def test_derivatives_in_labels_and_weights(
    suite: Suite, dtype: str, smoothing: float, large: bool
) -> None:
    rows_, size = (3000 if large else 3), 4
    x = [[math.sin(3 * i + j) * 5 for j in range(size)] for i in range(rows_)]
    z = [[((i + j) % 5) / 8 for j in range(size)] for i in range(rows_)]
    w = [0.5 + i % 3 for i in range(rows_)]
    arrays = [suite.array(values, dtype) for values in (x, z, w)]

    def total(x: Any, z: Any, w: Any) -> Any:
        return softmax_xent.loss(
            logits=x, labels=z, weights=w, label_smoothing=smoothing, reduction="sum"
        )

    found = [suite.floats(v) for v in _derivatives(suite, total, *arrays)]
    for i in range(3):
        logs = [v - math.log(math.fsum(map(math.exp, x[i]))) for v in x[i]]
        mean = math.fsum(logs) / size
        loss, slopes, _ = exact_values(tuple(x[i]), tuple(z[i]), smoothing=smoothing)
        assert found[2][i] == pytest.approx(float(loss), rel=1e-13)
        for j in range(size):
            wanted = -w[i] * ((1 - smoothing) * logs[j] + smoothing * mean)
            assert found[1][size * i + j] == pytest.approx(wanted, rel=1e-13)
            slope = w[i] * float(slopes[j])
            assert found[0][size * i + j] == pytest.approx(slope, rel=1e-12, abs=1e-14)


@pytest.mark.only("torch", "jax", "tensorflow", "paddle")
@pytest.mark.eager
@pytest.mark.dtypes("float64")
def test_the_derivative_in_the_labels_without_weights(suite: Suite, dtype: str) -> None:
    x, z = [[2.0, -1.0, 0.5], [0.0, 0.0, 40.0]], [[0.5, 0.25, 0.25], [0.0, 0.0, 1.0]]
    arrays = [suite.array(values, dtype) for values in (x, z)]

    def total(x: Any, z: Any) -> Any:
        return softmax_xent.loss(logits=x, labels=z, reduction="sum")

    _, found = (suite.floats(v) for v in _derivatives(suite, total, *arrays))
    for i, row in enumerate(x):
        highest = max(row)
        others = math.fsum(math.exp(v - highest) for v in row) - 1.0
        for j, value in enumerate(row):
            wanted = math.log1p(others) - (value - highest)
            assert found[3 * i + j] == pytest.approx(wanted, rel=1e-13, abs=1e-15)


@pytest.mark.only("torch", "jax", "tensorflow", "paddle")
@pytest.mark.eager
@pytest.mark.dtypes("float32")
@pytest.mark.parametrize("large", [False, True])
def test_rows_without_weight_have_a_derivative_of_0_in_the_labels(
    suite: Suite, dtype: str, large: bool
) -> None:
    count = 6000 if large else 2
    x = suite.array([[-INF, 1.0]] * count, dtype)
    z = suite.array([[1.0, 0.0]] * count, dtype)
    w = suite.array([0.0] * count, dtype)
    for smoothing in (0.0, 0.25):

        def total(z: Any, smoothing: float = smoothing) -> Any:
            return softmax_xent.loss(
                logits=x, labels=z, weights=w, label_smoothing=smoothing, reduction="sum"
            )

        (slope,) = _derivatives(suite, total, z)
        assert set(suite.floats(slope)) == {0.0}


@pytest.mark.only("torch", "jax")
@pytest.mark.eager
@pytest.mark.dtypes("float32")
def test_second_derivatives(suite: Suite, dtype: str) -> None:
    row, size = (40.0, 0.0, 1.5), 3
    x = suite.array(list(row), dtype)
    for label in range(size):
        _, _, exact = exact_values(row, tuple(float(j == label) for j in range(size)))
        number = suite.array(label, "int32")

        def loss(v: Any, number: Any = number) -> Any:
            return sparse_softmax_xent.loss(logits=v, labels=number)

        if suite.target.name.startswith("jax"):
            import jax

            matrices = [jax.hessian(loss)(x), jax.jit(jax.hessian(loss))(x)]
        else:
            import torch

            matrices = [torch.autograd.functional.hessian(loss, x)]
        for matrix in matrices:
            values = suite.floats(matrix)
            for j in range(size):
                assert ulp_error(values[size * j + j], exact[j], dtype) <= 8
            p = [float(e) for e in exact]
            for j, k in itertools.combinations(range(size), 2):
                assert values[size * j + k] == pytest.approx(values[size * k + j], rel=1e-5)
                assert abs(values[size * j + k]) <= max(p) * 1.001


@contextmanager
def in_tiles(elements: int, few: int, workers: int = 1) -> Iterator[None]:
    sizes = {"row_tile_elements": elements, "direct_elements": 1, "first_classes": few}
    with limits(**sizes), execution(workers=workers):
        yield


@pytest.mark.only("numpy")
@pytest.mark.eager
@pytest.mark.parametrize("elements", [1, 16, 2**16])  # 1: rows of three and five are cut
@pytest.mark.parametrize("few", [0, 64])
@pytest.mark.parametrize("family", FAMILIES)
def test_tiles_of_every_kind_hold_the_bars(
    suite: Suite, dtype: str, family: str, few: int, elements: int
) -> None:
    def call(function: Any, arrays: dict[str, Any], **options: Any) -> Any:
        with in_tiles(elements, few):
            return function(**arrays, **options)

    findings = check_namespace(suite.target, [dtype], call, [family])
    assert [str(miss) for finding in findings for miss in finding.misses] == []
    assert [finding.problem for finding in findings] == [""] * 3


@pytest.mark.only("numpy")
@pytest.mark.eager
@pytest.mark.dtypes("float32", "float64")
@pytest.mark.parametrize("elements", [1, 2, 64])
@pytest.mark.parametrize("few", [0, 64])
def test_tiles_of_any_layout(suite: Suite, dtype: str, elements: int, few: int) -> None:
    xp, shape = suite.target.xp, (6, 5, 3)
    values = [math.sin(3 * k) * 6 for k in range(90)]
    values[0], values[17] = NAN, -INF
    logits = suite.shaped(values, shape, dtype)
    dense = suite.shaped([(k % 7) / 8 for k in range(90)], shape, dtype)
    for axis in range(3):
        counted = tuple(n for k, n in enumerate(shape) if k != axis)
        labels = suite.shaped(
            [k % (shape[axis] + 1) for k in range(math.prod(counted))], counted, "int32"
        )
        mask = suite.shaped([k % 4 > 0 for k in range(counted[-1])], counted[-1:], "bool")
        weights = suite.shaped([0.5 + k for k in range(counted[0])], (counted[0], 1), dtype)
        turned = xp.permute_dims(xp.permute_dims(logits, (2, 0, 1)) + 0.0, (1, 2, 0))
        for (family, z), x, options in itertools.product(
            ((softmax_xent, dense), (sparse_softmax_xent, labels)),
            (logits, turned),
            ({}, {"mask": mask, "weights": weights, "label_smoothing": 0.1}, {"weights": 2.0}),
        ):
            for reduction in ("none", "mean"):
                given = {"logits": x, "labels": z, "axis": axis, "reduction": reduction, **options}
                with in_tiles(2**16, 64):
                    wanted = [
                        *family.loss_and_gradient(**given),
                        *family.gradient_and_hessian(**given),
                    ]
                with in_tiles(elements, few):
                    found = [
                        *family.loss_and_gradient(**given),
                        *family.gradient_and_hessian(**given),
                    ]
                for got, right in zip(found, wanted, strict=True):
                    assert got.shape == right.shape
                    _near(suite, got, right, 1e-5 if dtype == "float32" else 1e-13)


def _near(suite: Suite, got: Any, wanted: Any, bar: float) -> None:
    for a, b in zip(suite.floats(got), suite.floats(wanted), strict=True):
        assert a == pytest.approx(b, rel=bar, abs=bar, nan_ok=True)


@pytest.mark.only("numpy", "array_api_strict", "torch", "jax", "mlx", "dask")
@pytest.mark.eager
@pytest.mark.dtypes("float32")
@pytest.mark.parametrize("classes", [2, 3, 10, 15, 32, 65, 300, 1000])
@pytest.mark.parametrize("scale", [0.5, 10.0])
def test_random_rows_hold_the_bars(suite: Suite, dtype: str, classes: int, scale: float) -> None:
    """The errors of a row's sum are in all of its gradients: many rows of one length show them."""
    random = np.random.default_rng(classes)
    logits = random.normal(0.0, scale, (90_000 // classes, classes)).clip(-40.0, 40.0)
    logits = np.round(logits * 2**12) / 2**12  # of which the differences are exact
    labels = random.integers(0, classes, len(logits))
    labels[::2] = logits[::2].argmax(axis=1)
    exact = softmax_values(logits, labels)
    x, y = suite.array(logits.tolist(), dtype), suite.array(labels.tolist(), "int32")
    dense = np.eye(classes)[labels]
    for family, given in (
        (sparse_softmax_xent, y),
        (softmax_xent, suite.array(dense.tolist(), dtype)),
    ):
        loss, gradient = family.loss_and_gradient(labels=given, logits=x)
        _, hessian = family.gradient_and_hessian(labels=given, logits=x)
        for got, wanted in zip((loss, gradient, hessian), exact, strict=True):
            found = np.reshape(suite.floats(got), wanted.shape)
            assert ulp_errors(found, wanted, dtype).max() <= BAR


@pytest.mark.only("numpy", "array_api_strict", "torch", "jax", "dask", "ndonnx")
@pytest.mark.skipif(np.finfo(np.longdouble).nmant < 63, reason="no long double to compare with")
@pytest.mark.eager
@pytest.mark.dtypes("float64")
@pytest.mark.parametrize("classes", [3, 10, 15, 30, 65, 100, 1000])
@pytest.mark.parametrize("scale", [0.5, 10.0])
def test_random_rows_of_float64_hold_the_bars(
    suite: Suite, dtype: str, classes: int, scale: float
) -> None:
    """There is no wider dtype to add rows up in. 0.1 % of the gradients show a library's sum."""
    random = np.random.default_rng(classes)
    logits = random.normal(0.0, scale, (90_000 // classes, classes))
    labels = random.integers(0, classes, len(logits))
    # Confident predictions, right ones and others: what is left of the sum is small.
    logits[1::3] = logits[1::3].clip(-5.0, 5.0)
    logits[np.arange(1, len(logits), 6), labels[1::6]] = 65.0
    logits[4::6, 1] = 40.0
    logits = np.round(logits * 2**44) / 2**44  # of which the differences are exact
    exact = softmax_values(logits.astype(np.longdouble), labels)
    units = [spacings(value.astype(np.float64), dtype) for value in exact]
    arrays = {"logits": suite.array(logits.tolist(), dtype)}
    dense = np.eye(classes)[labels]
    for family, given in (
        (sparse_softmax_xent, suite.array(labels.tolist(), "int32")),
        (softmax_xent, suite.array(dense.tolist(), dtype)),
    ):
        for traced in {False, "jax" in suite.target.name}:
            call = Suite(suite.target, traced=traced).call
            found = [
                *call(family.loss_and_gradient, arrays | {"labels": given}),
                call(family.gradient_and_hessian, arrays | {"labels": given})[1],
            ]
            for got, wanted, unit in zip(found, exact, units, strict=True):
                values = np.reshape(suite.floats(got), wanted.shape).astype(np.longdouble)
                assert (np.abs(values - wanted) / unit).max() <= BAR


@pytest.mark.only("jax")
@pytest.mark.eager
@pytest.mark.dtypes("float32", "float64")
@pytest.mark.parametrize("classes", [16, 79, 80, 300, 16_400])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_a_compiled_loss_with_its_gradient(
    suite: Suite, dtype: str, classes: int, smoothing: float
) -> None:
    """The lines that both share may be others than those of a loss alone."""
    import jax

    random = np.random.default_rng(classes)
    logits = random.normal(0.0, 3.0, (50, classes))
    logits[1, 2], logits[2, 3], logits[4, :] = -INF, NAN, INF
    labels = random.integers(0, classes, 50)
    labels[5:9] = [-1, classes, classes - 1, -7]
    weights = random.random(50)
    options: dict[str, Any] = {"ignore_index": -7, "label_smoothing": smoothing}
    arrays: dict[str, Any] = {
        "logits": logits.astype(dtype),
        "labels": labels.astype("int32"),
        "weights": weights.astype(dtype),
    }
    wanted = sparse_softmax_xent.loss_and_gradient(**arrays, **options)
    given = {name: jax.numpy.asarray(value) for name, value in arrays.items()}
    cotangent = jax.numpy.asarray(random.random(50).astype(dtype))

    def loss(x: Any) -> Any:
        return sparse_softmax_xent.loss(**{**given, "logits": x}, **options)

    def both(x: Any) -> Any:
        value, pullback = jax.vjp(loss, x)
        return value, pullback(cotangent)[0]

    alone = jax.jit(loss)(given["logits"])
    value, slope = jax.jit(both)(given["logits"])
    bar = 1e-5 if dtype == "float32" else 1e-13
    np.testing.assert_allclose(value, wanted[0], rtol=bar)
    np.testing.assert_allclose(alone, wanted[0], rtol=bar)
    expected = wanted[1] * np.asarray(cotangent)[:, np.newaxis]
    np.testing.assert_allclose(slope, expected, rtol=bar, atol=bar * 1e-5)
    # The derivative of the gradient sees the same function.
    direction = jax.numpy.ones_like(given["logits"])
    _, turn = jax.jit(lambda x: jax.jvp(lambda v: both(v)[1], (x,), (direction,)))(given["logits"])
    rows = np.isfinite(np.asarray(slope)).all(axis=1) & np.isfinite(logits).all(axis=1)
    assert np.abs(np.asarray(turn)[rows]).max() < bar  # along it, nothing changes


@pytest.mark.only("jax")
@pytest.mark.eager
@pytest.mark.dtypes("float32", "float64")
@pytest.mark.parametrize("shape", [(5, 16_386), (2, 3, 16_411), (20_000,), (0, 20_000)])
def test_long_rows_are_added_up_in_parts(
    suite: Suite, dtype: str, shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of which there is no whole number where the classes are a prime."""
    import jax

    from xent_api._backends.jax.ops import CpuOps

    parted: list[int] = []
    in_parts = CpuOps._parts

    def counted(self: CpuOps, x: Any) -> Any:
        parts = in_parts(self, x)
        if parts is not None:
            parted.append(x.shape[-1])
        return parts

    monkeypatch.setattr(CpuOps, "_parts", counted)
    random = np.random.default_rng(len(shape))
    logits = random.normal(-20.0, 3.0, shape).astype(dtype)  # all far below what fills up a row
    dense = random.random(shape).astype(dtype)
    numbers = np.asarray(random.integers(0, shape[-1], shape[:-1]), dtype="int32")
    for family, labels in ((softmax_xent, dense), (sparse_softmax_xent, numbers)):
        wanted = family.loss_and_gradient(labels=labels, logits=logits)

        def loss(x: Any, z: Any, family: Any = family) -> Any:
            return family.loss(labels=z, logits=x)

        def total(x: Any, z: Any, family: Any = family) -> Any:
            return family.loss(labels=z, logits=x, reduction="sum")

        bar = 4e-7 if dtype == "float32" else 1e-15
        np.testing.assert_allclose(jax.jit(loss)(logits, labels), wanted[0], rtol=bar)
        slope = jax.jit(jax.grad(total))(logits, labels)
        scale = np.abs(wanted[1]).max(axis=-1, keepdims=True)
        np.testing.assert_allclose(slope / scale, wanted[1] / scale, atol=bar)
    assert bool(parted) is (dtype == "float32")


@pytest.mark.eager
@pytest.mark.dtypes("float32", "float64")
@pytest.mark.parametrize("size", [63, 64, 65, 300, 1000])
def test_many_classes(suite: Suite, dtype: str, size: int) -> None:
    if suite.target.name == "mparray":
        pytest.skip("minutes")
    if suite.target.name == "mlx" and dtype == "float64":
        pytest.skip("float64 exp accurate to float32: xfails/mlx.txt")
    x = [round(math.sin(k * k) * 256) / 64 for k in range(size)]  # exact differences
    top = x.index(max(x))
    arrays = {"logits": suite.array([x, x], dtype), "labels": suite.array([top, 5], "int32")}
    loss, slope = sparse_softmax_xent.loss_and_gradient(**arrays)
    _, curvature = sparse_softmax_xent.gradient_and_hessian(**arrays)
    found = [suite.floats(value) for value in (loss, slope, curvature)]
    for i, label in enumerate((top, 5)):
        exact = exact_values(tuple(x), tuple(float(j == label) for j in range(size)))
        assert ulp_error(found[0][i], exact[0], dtype) <= BAR
        for j in range(size):
            assert ulp_error(found[1][size * i + j], exact[1][j], dtype) <= BAR
            assert ulp_error(found[2][size * i + j], exact[2][j], dtype) <= BAR


@pytest.mark.only("dask")
@pytest.mark.eager
@pytest.mark.dtypes("float32")
@pytest.mark.parametrize("name", ["loss", "loss_and_gradient", "gradient_and_hessian"])
@pytest.mark.parametrize("reduction", ["none", "mean"])
def test_dask_computes_nothing_and_agrees_with_numpy(
    suite: Suite, dtype: str, name: str, reduction: str
) -> None:
    import dask
    import dask.array as da

    random = np.random.default_rng(0)
    x = random.normal(0, 3, (23, 4)).astype(dtype)
    numbers, dense = random.integers(-1, 4, 23), random.random((23, 4)).astype(dtype)
    mask = random.random(23) < 0.7

    def never(*_: Any, **__: Any) -> Any:
        raise AssertionError("a call computed a lazy array")

    lazy = {
        "logits": da.from_array(x, chunks=(5, 3)),  # the classes, too, are cut
        "mask": da.from_array(mask, chunks=7),
    }
    for family, labels, options in (
        (softmax_xent, dense, {}),
        (sparse_softmax_xent, numbers, {"ignore_index": -1}),
    ):
        with dask.config.set(scheduler=never):
            found = getattr(family, name)(
                labels=da.from_array(labels, chunks=6), **lazy, reduction=reduction, **options
            )
        wanted = getattr(family, name)(
            logits=x, labels=labels, mask=mask, reduction=reduction, **options
        )
        found, wanted = (v if isinstance(v, tuple) else (v,) for v in (found, wanted))
        for got, right in zip(found, wanted, strict=True):
            assert got.dtype == right.dtype
            assert got.shape == right.shape
            np.testing.assert_allclose(got.compute(), right, rtol=1e-5, atol=1e-7)


@pytest.mark.only("torch")
@pytest.mark.eager
@pytest.mark.dtypes("float32")
def test_torch_saves_the_operands_and_one_gradient_at_most(suite: Suite, dtype: str) -> None:
    import torch

    x = torch.randn(300, 8, requires_grad=True)
    labels = torch.zeros(300, dtype=torch.int64)
    saved: list[Any] = []

    def keep(value: Any) -> Any:
        saved.append(value)
        return value

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda value: value):
        sparse_softmax_xent.loss(logits=x, labels=labels, reduction="mean")
    pointers = {x.data_ptr(), labels.data_ptr()}
    made = [t for t in saved if t.data_ptr() not in pointers and t.numel() > 8]
    assert len(made) == (suite.target.name == "torch:native")


@pytest.mark.only("torch")
@pytest.mark.eager
@pytest.mark.dtypes("float32")
@pytest.mark.parametrize("reduction", ["none", "mean"])
def test_torch_gradient_of_the_forward_pass(suite: Suite, dtype: str, reduction: Any) -> None:
    """It is the closed form's, also a second time, scaled, masked, and in second derivatives."""
    import torch

    torch.manual_seed(0)
    logits, labels = torch.randn(3000, 8), torch.randint(0, 8, (3000,))
    logits[5], labels[7] = torch.nan, -1
    mask = torch.ones(3000, dtype=torch.bool)
    mask[5] = False
    given = {"labels": labels, "mask": mask, "ignore_index": -1, "reduction": reduction}
    wanted = sparse_softmax_xent.gradient(logits=logits, **given)
    x = logits.clone().requires_grad_()
    loss = sparse_softmax_xent.loss(logits=x, **given)
    cotangent = torch.full_like(loss, 3.0)
    (first,) = torch.autograd.grad(loss, x, cotangent, retain_graph=True)
    (second,) = torch.autograd.grad(loss, x, cotangent, retain_graph=True)
    assert first.data_ptr() != second.data_ptr()
    if reduction == "none":
        cotangent[5] = torch.nan
    (last,) = torch.autograd.grad(loss, x, cotangent)
    for found in (first, second, last):
        torch.testing.assert_close(found, wanted * 3.0)
    loss = sparse_softmax_xent.loss(logits=x, **given).sum()
    (slope,) = torch.autograd.grad(loss, x, create_graph=True)
    (curve,) = torch.autograd.grad(slope[:, 0].sum(), x)
    hessian = sparse_softmax_xent.gradient_and_hessian(logits=logits, **given)[1]
    torch.testing.assert_close(curve[:, 0], hessian[:, 0])


@pytest.mark.only("torch")
@pytest.mark.eager
@pytest.mark.dtypes("float32")
def test_torch_compiles_once_for_all_sizes_of_a_batch(suite: Suite, dtype: str) -> None:
    import torch
    from torch._dynamo.testing import CompileCounter

    def mean(x: Any, y: Any) -> Any:
        return sparse_softmax_xent.loss(logits=x, labels=y, reduction="mean")

    torch.compiler.reset()
    counter = CompileCounter()
    compiled = torch.compile(mean, backend=counter, fullgraph=True)
    for size in range(3, 9):
        x, y = torch.randn(size, 5, requires_grad=True), torch.arange(size) % 5
        (slope,) = torch.autograd.grad(compiled(x, y), x)
        (wanted,) = torch.autograd.grad(mean(x, y), x)
        torch.testing.assert_close(slope, wanted)
    assert counter.frame_count <= 2


@pytest.mark.only("torch")
@pytest.mark.eager
@pytest.mark.dtypes("float32")
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_torch_compiles_other_numbers_of_classes(
    suite: Suite, dtype: str, smoothing: float
) -> None:
    import torch

    def mean(x: Any, y: Any) -> Any:
        return sparse_softmax_xent.loss(
            logits=x, labels=y, label_smoothing=smoothing, reduction="mean"
        )

    torch.compiler.reset()
    compiled = torch.compile(mean, backend="aot_eager", fullgraph=True)
    for size in range(3, 8):
        x, y = torch.randn(6, size, requires_grad=True), torch.arange(6) % size
        (slope,) = torch.autograd.grad(compiled(x, y), x)
        (wanted,) = torch.autograd.grad(mean(x, y), x)
        torch.testing.assert_close(slope, wanted)


@pytest.mark.only("numpy", "array_api_strict", "torch", "jax", "mlx", "dask")
@pytest.mark.eager
@pytest.mark.dtypes("float32")
def test_many_rows_of_ten_classes_hold_the_bars(suite: Suite, dtype: str) -> None:
    """20 000 rows, which take other ways than few: PyTorch's sums of columns lost 3 ulp there."""
    found = report.measure(str(suite), "", report.call_target(suite.target))
    assert {case: found.worst(case) for case in report.CASES if found.worst(case) > BAR} == {}


@pytest.mark.only("numpy:native")
@pytest.mark.eager
@pytest.mark.dtypes("float32", "float64")
@pytest.mark.parametrize("scale", [1.0, 10.0])
def test_rounded_differences_are_in_no_result_of_kernels(
    suite: Suite, dtype: str, scale: float
) -> None:
    """Logits of which the differences from the maximum have no place in their dtype."""
    random = np.random.default_rng(7)
    logits = random.normal(1.0, scale, (300, 300)).astype(dtype)
    labels = random.integers(0, 300, 300)
    labels[::2] = logits[::2].argmax(axis=1)
    found = sparse_softmax_xent.loss_and_gradient(labels=labels, logits=logits)
    if dtype == "float32":
        exact = softmax_values(logits.astype("float64"), labels)
        errors = [
            ulp_errors(a, b.reshape(a.shape), dtype) for a, b in zip(found, exact, strict=False)
        ]
        assert max(error.max() for error in errors) <= BAR
        return
    for row in (0, 1):
        hard = tuple(float(k == labels[row]) for k in range(300))
        exact_loss, exact_gradient, _ = exact_values(tuple(logits[row].tolist()), hard)
        assert ulp_error(float(found[0][row]), exact_loss, dtype) <= BAR
        for got, wanted in zip(found[1][row], exact_gradient, strict=True):
            assert ulp_error(float(got), wanted, dtype) <= BAR


@pytest.mark.only("numpy:native")
@pytest.mark.eager
@pytest.mark.dtypes("float32", "float64")
@pytest.mark.parametrize("odd", [slice(3, None, 9), slice(1, None, 2), slice(None)])
@pytest.mark.parametrize("reduction", ["none", "mean"])
def test_extreme_rows_beside_others(suite: Suite, dtype: str, odd: slice, reduction: Any) -> None:
    """Some of the rows, most, or all: as they are without kernels."""
    random = np.random.default_rng(9)
    logits = random.normal(0.0, 3.0, (400, 70)).round(2).astype(dtype)
    logits[odd] += np.resize([-90.0, 95.0, 800.0, -2000.0], len(logits[odd]))[:, None]
    logits[odd][::5, 4] = -INF
    labels = random.integers(0, 70, 400)
    labels[odd][1::7] = 70
    logits[odd][2::11, 5] = NAN
    logits[odd][3::11, 6] = INF
    logits[odd][4::11, 1:] = -INF
    mask = np.arange(400) % 10 != 4
    weights = random.choice([0.0, 1e-36, 0.5], 400).astype(dtype)
    options = {"mask": mask, "weights": weights, "reduction": reduction}
    kept = labels != 70
    if reduction == "mean":
        options["mask"] = mask & kept & np.isfinite(logits).all(axis=1)
    found = sparse_softmax_xent.loss_and_gradient(labels=labels, logits=logits, **options)
    with execution(native=False):
        wanted = sparse_softmax_xent.loss_and_gradient(labels=labels, logits=logits, **options)
    bound = 1e-5 if dtype == "float32" else 1e-13
    for got, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(got, other, rtol=bound, atol=1e-43)


@pytest.mark.only("numpy")
@pytest.mark.eager
@pytest.mark.dtypes("float32", "float64")
@pytest.mark.parametrize("options", [{}, {"ignore_index": -1}, {"mask": np.ones(8, bool)}])
def test_rows_computed_again_get_to_their_place(
    suite: Suite, dtype: str, options: dict[str, Any]
) -> None:
    """Also where a mask hides nothing, so that results are copied there."""
    logits = np.zeros((8, 65), dtype)
    logits[5, :2] = 1000.0, 900.0
    labels = np.asarray([0, 0, 65, 0, 0, 1, 0, 0])
    loss, gradient = sparse_softmax_xent.loss_and_gradient(labels=labels, logits=logits, **options)
    assert (
        np.isnan(gradient).all(axis=1).tolist()
        == np.isnan(loss).tolist()
        == [row == 2 for row in range(8)]
    )
    assert loss[5] == 100.0
    assert gradient[5].tolist() == [1.0, -1.0, *[0.0] * 63]


@pytest.mark.only("numpy")
@pytest.mark.eager
@pytest.mark.dtypes("float32", "float64")
def test_exponentials_with_few_digits_are_not_made_large(suite: Suite, dtype: str) -> None:
    logits = np.full((1, 1000), -math.log(1000) - 0.6, dtype)
    logits[0, 5] = small = -95.0 if dtype == "float32" else -715.0
    (found,) = sparse_softmax_xent.gradient(labels=np.asarray([0]), logits=logits, weights=1e10)
    wide = logits[0].astype("longdouble")
    total = np.exp(wide).sum()
    wanted = 1e10 * np.exp(np.longdouble(small)) / total
    assert abs(found[5] / wanted - 1) < 300 * np.finfo(dtype).eps  # of differences up to 715


@pytest.mark.only("numpy")
@pytest.mark.eager
@pytest.mark.dtypes("float64")
@pytest.mark.parametrize("classes", [10, 100])
def test_one_row_of_any_layout_has_the_same_bits(suite: Suite, dtype: str, classes: int) -> None:
    x = np.random.default_rng(0).standard_normal(classes)
    z = np.random.default_rng(1).dirichlet(np.ones(classes))
    for view in (x[::-1].copy()[::-1], np.repeat(x, 3)[::3], x.reshape(1, -1)[0]):
        for name in ("loss_and_gradient", "gradient_and_hessian"):
            call = getattr(sparse_softmax_xent, name)
            for got, wanted in zip(
                call(labels=np.asarray(3), logits=view),
                call(labels=np.asarray(3), logits=x),
                strict=True,
            ):
                np.testing.assert_array_equal(got, wanted)
    turned = z[::-1].copy()[::-1]
    got = softmax_xent.loss_and_gradient(labels=turned, logits=x)
    for one, other in zip(got, softmax_xent.loss_and_gradient(labels=z, logits=x), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.only("numpy", "torch", "array_api_strict")
@pytest.mark.eager
@pytest.mark.dtypes("float32", "float64")
def test_a_denominator_of_0_makes_the_gradient_infinite(suite: Suite, dtype: str) -> None:
    x, y = suite.array([[0.5, -1.0, 2.0]], dtype), suite.array([0], "int32")
    found = sparse_softmax_xent.gradient(labels=y, logits=x, reduction="mean", denominator=0)
    assert suite.floats(found) == [-INF, INF, INF]

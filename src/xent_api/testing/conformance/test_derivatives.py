"""Derivatives by each library's own means, against the reference values."""

from collections.abc import Callable
from typing import Any

import pytest

from xent_api import sigmoid_xent
from xent_api.testing import check_namespace
from xent_api.testing.modes import MODES, Mode
from xent_api.testing.suite import Suite

pytestmark = [
    pytest.mark.autodiff,
    pytest.mark.eager,  # each mode compiles what it says itself
    pytest.mark.dtypes("bfloat16", "float32", "float64"),
    # torch's own, when it first needs a forward-mode derivative
    pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:DeprecationWarning"),
]


def _name(mode: Mode) -> str:
    return mode.name


def _call(suite: Suite, mode: Mode) -> Callable[..., Any]:
    """Return what `check_namespace` calls: derivatives of the loss, and of its derivative."""

    def call(function: Any, arrays: dict[str, Any], **options: Any) -> Any:
        if function is sigmoid_xent.loss:  # a mean
            return function(**arrays, **options)
        logits = arrays["logits"]
        others = [name for name in arrays if name != "logits"]

        def run(x: Any, *values: Any) -> tuple[Any, Any]:
            given = dict(zip(others, values, strict=True)) | options

            def loss(x: Any) -> Any:
                return sigmoid_xent.loss(logits=x, **given)

            if mode.mapped:
                return _mapped(suite, function, mode, x, values, others, options)
            slope = mode.derive(loss)
            if function is sigmoid_xent.loss_and_gradient:
                return loss(x), slope(x)
            return slope(x), mode.derive(slope)(x)

        compiled = _compile(suite, run) if mode.compiled else run
        first, second = compiled(logits, *(arrays[name] for name in others))
        return _detached(first), _detached(second)

    return call


def _mapped(
    suite: Suite,
    function: Any,
    mode: Mode,
    x: Any,
    values: tuple[Any, ...],
    others: list[str],
    options: dict[str, Any],
) -> tuple[Any, Any]:
    """Differentiate a function of one position, mapped over all operands."""

    def loss(x: Any, *values: Any) -> Any:
        return sigmoid_xent.loss(logits=x, **dict(zip(others, values, strict=True)), **options)

    vmap = _vmap(suite)
    slope = mode.derive(loss)
    if function is sigmoid_xent.loss_and_gradient:
        return vmap(loss)(x, *values), vmap(slope)(x, *values)
    return vmap(slope)(x, *values), vmap(mode.derive(slope))(x, *values)


def _vmap(suite: Suite) -> Any:
    if suite.target.name.startswith("jax"):
        import jax

        return jax.vmap
    return suite.target.xp.vmap


def _compile(suite: Suite, function: Callable[..., Any]) -> Callable[..., Any]:
    if suite.target.name == "mlx":
        return suite.target.xp.compile(function)  # type: ignore[no-any-return]
    if suite.target.name == "tensorflow":
        return suite.target.xp.function(function, jit_compile=True)  # type: ignore[no-any-return]
    if suite.target.name.startswith("torch"):
        import torch

        torch.compiler.reset()
        # The whole of forward and backward is traced by AOTAutograd; Inductor would take minutes.
        return torch.compile(function, fullgraph=True, backend="aot_eager")  # type: ignore[no-any-return]
    assert suite.target.trace is not None
    return suite.target.trace(function)


def _detached(values: Any) -> Any:
    return values.detach() if hasattr(values, "detach") else values


def check(suite: Suite, dtype: str, mode: Mode, *, plain: bool = False) -> None:
    """Assert that all derivatives are within the bars of the closed forms."""
    findings = check_namespace(suite.target, [dtype], _call(suite, mode), ["sigmoid"])
    misses = [miss for finding in findings for miss in finding.misses]
    if plain:
        # The label is not in the arithmetic of a second derivative: a NaN there is not seen.
        misses = [m for m in misses if m.quantity != "hessian" or "z=nan" not in str(m.vector)]
    assert [str(miss) for miss in misses] == []
    assert [finding.problem for finding in findings] == [""] * len(findings)
    assert all(finding.points > 0 for finding in findings)


@pytest.mark.only("torch")
@pytest.mark.parametrize("mode", MODES["torch"], ids=_name)
def test_torch(suite: Suite, dtype: str, mode: Mode) -> None:
    check(suite, dtype, mode, plain=mode.plain)


@pytest.mark.only("jax")
@pytest.mark.parametrize("mode", MODES["jax"], ids=_name)
def test_jax(suite: Suite, dtype: str, mode: Mode) -> None:
    check(suite, dtype, mode)


def _long(mode: Mode) -> Any:
    """Return a parameter: MLX compiles for each call, which takes up to half a minute."""
    return pytest.param(mode, marks=[pytest.mark.nightly] * mode.compiled)


@pytest.mark.only("mlx")
@pytest.mark.parametrize("mode", [_long(mode) for mode in MODES["mlx"]], ids=_name)
def test_mlx(suite: Suite, dtype: str, mode: Mode) -> None:
    check(suite, dtype, mode, plain=mode.plain)


@pytest.mark.only("tensorflow")
@pytest.mark.parametrize("mode", MODES["tensorflow"], ids=_name)
def test_tensorflow(suite: Suite, dtype: str, mode: Mode) -> None:
    check(suite, dtype, mode, plain=mode.plain)


@pytest.mark.only("paddle")
@pytest.mark.parametrize("mode", MODES["paddle"], ids=_name)
def test_paddle(suite: Suite, dtype: str, mode: Mode) -> None:
    check(suite, dtype, mode, plain=mode.plain)

"""Exported programs of unknown batch size: losses, derivatives and totals of every family."""

from typing import Any

import numpy as np
import pytest

import xent_api as xa
from xent_api.testing.suite import Suite

pytestmark = [pytest.mark.dtypes("float32"), pytest.mark.eager]
FAMILIES = {
    "sigmoid": xa.sigmoid_xent,
    "softmax": xa.softmax_xent,
    "sparse_softmax": xa.sparse_softmax_xent,
}


def _values(family: str, rows: int) -> list[Any]:
    """Return logits, labels, weights and a mask."""
    random = np.random.default_rng(rows)
    x = random.normal(size=(rows, 5)).astype(np.float32)
    soft = random.uniform(size=(rows, 5)).astype(np.float32)
    labels = random.integers(0, 5, rows) if family == "sparse_softmax" else soft
    column = (rows, 1) if family == "sigmoid" else (rows,)
    weights = random.uniform(size=column).astype(np.float32)
    return [x, labels, weights, random.uniform(size=column) < 0.7]


def _program(family: str) -> Any:
    module = FAMILIES[family]
    ignored: dict[str, Any] = {} if family == "softmax" else {"ignore_index": 0}

    def function(x: Any, z: Any, w: Any, keep: Any) -> tuple[Any, ...]:
        given = {"labels": z, "weights": w, "mask": keep} | ignored
        total = module.total_weight(**given)
        mean: dict[str, Any] = {"logits": x, "reduction": "mean"}
        return (
            total,
            module.total_weight(labels=z),
            module.loss(labels=z, **mean),
            *module.loss_and_gradient(**given, **mean),
            *module.gradient_and_hessian(**given, **mean, denominator=total),
        )

    return function


@pytest.mark.only("torch")
@pytest.mark.parametrize("family", FAMILIES)
def test_torch(suite: Suite, dtype: str, family: str) -> None:
    import torch

    function = _program(family)

    class Module(torch.nn.Module):  # type: ignore[misc]  # Any where torch is missing
        def forward(self, x: Any, z: Any, w: Any, keep: Any) -> Any:
            return function(x, z, w, keep)

    batch = torch.export.Dim("batch", min=2)
    arguments = tuple(torch.as_tensor(v) for v in _values(family, 6))
    exported = torch.export.export(Module(), arguments, dynamic_shapes=({0: batch},) * 4)
    others = [torch.as_tensor(v) for v in _values(family, 11)]
    for got, wanted in zip(exported.module()(*others), function(*others), strict=True):
        torch.testing.assert_close(got, wanted)


@pytest.mark.only("jax")
@pytest.mark.parametrize(
    "family",
    [
        "sigmoid",
        *(pytest.param(f, marks=pytest.mark.nightly) for f in ("softmax", "sparse_softmax")),
    ],
)
def test_jax(suite: Suite, dtype: str, family: str) -> None:
    import jax
    import jax.numpy as jnp

    if jax.__version_info__ < (0, 6):
        pytest.importorskip("absl")  # by which it exports
    from jax import export

    function = _program(family)

    def both(*values: Any) -> Any:
        slope = jax.grad(lambda x: function(x, *values[1:])[3])(values[0])
        return *function(*values), slope

    rows = export.symbolic_shape("rows")
    shapes = [
        jax.ShapeDtypeStruct((*rows, *v.shape[1:]), jnp.asarray(v).dtype)
        for v in _values(family, 6)
    ]
    exported = export.export(jax.jit(both))(*shapes)
    others = [jnp.asarray(v) for v in _values(family, 11)]
    for got, wanted in zip(exported.call(*others), both(*others), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=3e-6, atol=1e-7)

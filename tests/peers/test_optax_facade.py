"""The real functions of optax beside the facade, over all their options, on random input."""

import inspect
import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from xent_api.facades import optax as facade

EPS = float(np.finfo(np.float32).eps)
SHAPES = [(3,), (6, 4), (2, 3, 4), (2, 4, 3, 2)]


@pytest.mark.parametrize("name", facade.__all__)
def test_signatures(name: str) -> None:
    ours, theirs = (
        [(p.name, p.default) for p in inspect.signature(getattr(m, name)).parameters.values()]
        for m in (facade, optax)
    )
    assert ours == theirs


def _both(name: str, logits: Any, labels: Any, options: dict[str, Any]) -> None:
    """Compare value and gradient on JAX arrays, and the value on NumPy's."""
    theirs = getattr(optax, name)(logits, labels, **options)
    ours = getattr(facade, name)(logits, labels, **options)
    assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
    np.testing.assert_allclose(ours, theirs, rtol=64 * EPS, atol=64 * EPS * 10)

    def slope(module: Any) -> Any:
        return jax.grad(lambda x: getattr(module, name)(x, labels, **options).sum())(logits)

    np.testing.assert_allclose(slope(facade), slope(optax), rtol=64 * EPS, atol=64 * EPS)
    where = options.get("where")
    given = options if where is None else options | {"where": np.asarray(where)}
    found = getattr(facade, name)(np.asarray(logits), np.asarray(labels), **given)
    np.testing.assert_allclose(found, ours, rtol=8 * EPS, atol=8 * EPS)


@pytest.mark.parametrize("shape", [(), *SHAPES])
def test_sigmoid(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    logits = jnp.asarray(3 * rng.normal(size=shape), jnp.float32)
    labels = jnp.asarray(rng.random(shape), jnp.float32)
    _both("sigmoid_binary_cross_entropy", logits, labels, {})


@pytest.mark.parametrize("shape", SHAPES)
def test_softmax(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(1)
    logits = jnp.asarray(3 * rng.normal(size=shape), jnp.float32)
    for axis in range(-len(shape), len(shape)):
        labels = jax.nn.softmax(jnp.asarray(rng.normal(size=shape), jnp.float32), axis=axis)
        rest = [n for k, n in enumerate(shape) if k != axis % len(shape)]
        indices = jnp.asarray(rng.integers(0, shape[axis], rest))
        _both("softmax_cross_entropy", logits, labels, {"axis": axis})
        name = "softmax_cross_entropy_with_integer_labels"
        _both(name, logits, indices, {"axis": axis})
        # A class that is the label stays on: elsewhere optax has finite numbers for infinite ones.
        on = jax.nn.one_hot(indices, shape[axis], axis=axis, dtype=bool)
        where = on | jnp.asarray(rng.random(shape) < 0.5)
        for options in ({"where": where}, {"where": jnp.ones((1,) * len(shape), bool)}):
            _both("softmax_cross_entropy", logits, labels, options | {"axis": axis})
            _both(name, logits, indices, options | {"axis": axis})


def test_rows_that_are_left_out() -> None:
    logits = jnp.asarray([[1.0, 2.0, 0.5], [3.0, 0.0, 1.0]], jnp.float32)
    labels, indices = jnp.asarray([[0.5, 0.25, 0.25], [0.0, 1.0, 0.0]], jnp.float32), [1, 1]
    where = jnp.asarray([[True], [False]])
    _both("softmax_cross_entropy", logits, labels, {"where": where})
    name = "softmax_cross_entropy_with_integer_labels"
    found = getattr(facade, name)(logits, jnp.asarray(indices), where=where)
    plain = getattr(facade, name)(logits, jnp.asarray(indices))
    assert found.tolist() == [float(plain[0]), 0.0]


def test_what_differs_on_purpose() -> None:
    logits = jnp.asarray([[1.0, 2.0, 0.5]], jnp.float32)
    name = "softmax_cross_entropy_with_integer_labels"
    off = jnp.asarray([[True, False, True]])
    index = jnp.asarray([1])
    assert np.isfinite(getattr(optax, name)(logits, index, where=off)).all()
    assert getattr(facade, name)(logits, index, where=off).tolist() == [np.inf]
    last = jnp.asarray([-1])
    assert np.isfinite(getattr(optax, name)(logits, last)).all()
    assert np.isnan(getattr(facade, name)(logits, last)).all()
    several: Any = (0, 1)
    for function, given in itertools.product((facade.softmax_cross_entropy,), (several,)):
        assert optax.softmax_cross_entropy(logits, logits, axis=given).shape == ()
        with pytest.raises(TypeError, match="`axis` must be an int"):
            function(logits, logits, axis=given)
    with pytest.raises(ValueError, match="`labels` must have the shape of `logits`"):
        facade.softmax_cross_entropy(jnp.zeros((2, 3)), jnp.zeros((1, 3)))
    assert optax.softmax_cross_entropy(jnp.zeros((2, 3)), jnp.zeros((1, 3))).shape == (2,)

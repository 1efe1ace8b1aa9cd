"""The real Paddle beside its facade, and on its own documented example.

The documented Python function left Paddle after version 2; its kernel is still there.
"""

from typing import Any

import numpy as np
import paddle as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from paddle import _C_ops

from xent_api.facades import paddle as facade
from xent_api.testing import EXAMPLES, Example, ulp_error

DOCUMENTED = [
    e
    for e in EXAMPLES
    if e.name.startswith("paddle")
    and e.name not in ("paddle-all-ignored", "paddle-ignored-gradient")
]
EPS = 2.0**-23
IGNORED = -1


def original(x: Any, label: Any, ignored: int = IGNORED, *, normalize: bool = False) -> Any:
    """Return what Paddle's kernel gives, as a NumPy array."""
    x, label = (pd.to_tensor(np.asarray(v, dtype=np.float32)) for v in (x, label))
    return _C_ops.sigmoid_cross_entropy_with_logits(x, label, None, normalize, ignored).numpy()


@pytest.mark.parametrize("example", DOCUMENTED, ids=lambda example: example.name)
def test_documented_examples(example: Example) -> None:
    shape = example.shape or (-1,)
    x, label = (np.reshape(v, shape) for v in (example.logits, example.labels))
    got = original(x, label, normalize="normalized" in example.name)
    for value, exact in zip(got.ravel().tolist(), example.exact, strict=True):
        assert ulp_error(value, exact, "float32") <= 4.0


@given(st.data())
def test_values(data: st.DataObject) -> None:
    """Labels are 0, 1, soft ones above 0, or ignored: there the original's predicates agree."""
    shape = data.draw(st.sampled_from([(1,), (7,), (2, 3)]))
    x = data.draw(arrays(np.float32, shape, elements=st.floats(-80, 80, width=32)))
    choices = st.sampled_from([0.0, 0.25, 0.75, 1.0, float(IGNORED)])
    label = data.draw(arrays(np.float32, shape, elements=choices))
    normalize = data.draw(st.booleans())
    if normalize and (label == IGNORED).all():
        return
    ours = facade.sigmoid_cross_entropy_with_logits(x, label, IGNORED, None, normalize)
    theirs = original(x, label, normalize=normalize)
    assert (ours.shape, ours.dtype) == (theirs.shape, theirs.dtype)
    assert (np.abs(ours - theirs) <= 8 * EPS * (1.0 + np.abs(x))).all()
    assert (ours[label == IGNORED] == 0).all()


def test_shapes_that_differ() -> None:
    with pytest.raises(ValueError, match="shape"):
        original(np.ones(3), np.ones(2))
    with pytest.raises(ValueError, match="`label`"):
        facade.sigmoid_cross_entropy_with_logits(np.ones(3), np.ones(2))


def test_what_the_facade_does_otherwise_on_purpose() -> None:
    """What the README says of it: labels are truncated, and 0/0 is NaN."""
    x, label = np.ones(3), np.asarray([0.3, -0.5, 1.0])
    assert original(x, label, 0)[:2].tolist() == [0.0, 0.0]
    assert (facade.sigmoid_cross_entropy_with_logits(x, label, 0) > 0).all()
    everything = np.full(3, float(IGNORED))
    assert np.isnan(original(x, everything, normalize=True)).all()
    none = facade.sigmoid_cross_entropy_with_logits(x, everything, IGNORED, normalize=True)
    assert (none == 0).all()


@pytest.mark.parametrize("example", DOCUMENTED, ids=lambda example: example.name)
def test_documented_examples_on_tensors(example: Example) -> None:
    """The facade takes the place of the original, and gives the exact values."""
    shape = example.shape or (-1,)
    x, label = (
        pd.to_tensor(np.reshape(v, shape).astype(np.float32))
        for v in (example.logits, example.labels)
    )
    normalize = "normalized" in example.name
    got = facade.sigmoid_cross_entropy_with_logits(x, label, IGNORED, normalize=normalize)
    assert isinstance(got, pd.Tensor)
    for value, exact in zip(got.numpy().ravel().tolist(), example.exact, strict=True):
        assert ulp_error(value, exact, "float32") <= 4.0


@given(st.data())
def test_tensors_give_values_and_gradients_of_the_original(data: st.DataObject) -> None:
    shape = data.draw(st.sampled_from([(1,), (7,), (2, 3)]))
    # The original's gradient at logit 0 is wrong.
    numbers = st.floats(-80, 80, width=32).filter(lambda v: abs(v) > 1e-3)
    values = data.draw(arrays(np.float32, shape, elements=numbers))
    choices = st.sampled_from([0.0, 0.25, 0.75, 1.0, float(IGNORED)])
    label = pd.to_tensor(data.draw(arrays(np.float32, shape, elements=choices)))

    def both(function: Any) -> list[Any]:
        x = pd.to_tensor(values, stop_gradient=False)
        value = function(x)
        value.sum().backward()
        return [value.numpy(), x.grad.numpy()]

    ours = both(lambda x: facade.sigmoid_cross_entropy_with_logits(x, label, IGNORED))
    theirs = both(
        lambda x: _C_ops.sigmoid_cross_entropy_with_logits(x, label, None, False, IGNORED)
    )
    for got, wanted in zip(ours, theirs, strict=True):
        assert (got.shape, got.dtype) == (wanted.shape, wanted.dtype)
        assert (np.abs(got - wanted) <= 8 * EPS * (1.0 + np.abs(values))).all()

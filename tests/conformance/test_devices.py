"""Devices, and calls that are like an earlier one."""

from typing import Any

import pytest

from xent_api import sigmoid_xent
from xent_api.testing.conformance.test_errors import raises
from xent_api.testing.suite import Suite

pytestmark = [pytest.mark.eager, pytest.mark.dtypes("float32")]


@pytest.fixture
def arrays(suite: Suite, dtype: str) -> dict[str, Any]:
    return {
        "logits": suite.array([0.5, -1.5], dtype),
        "labels": suite.array([1.0, 0.0], dtype),
    }


@pytest.mark.everywhere
@pytest.mark.only("array_api_strict", "torch", "jax")
def test_devices(suite: Suite, arrays: dict[str, Any]) -> None:
    other = _on_another_device(suite)
    for name in ("labels", "weights"):
        parts = [f"`{name}` must be on the device of `logits`", "got one on"]
        raises(ValueError, parts, arrays, **{name: other})


@pytest.mark.only("torch", "jax")
def test_a_call_like_an_earlier_one_is_checked_for_all_that_may_differ(
    suite: Suite, arrays: dict[str, Any]
) -> None:
    def mean(**changed: Any) -> Any:
        return sigmoid_xent.loss(**(arrays | changed), reduction="mean")

    right = suite.floats(mean())
    if suite.target.library == "torch":
        with pytest.raises(TypeError, match="`labels` must be a dense tensor"):
            mean(labels=arrays["labels"].to_sparse())
        with pytest.raises(ValueError, match="`labels` must be on the device"):
            mean(labels=arrays["labels"].to("meta"))
        assert str(mean(**{n: v.to("meta") for n, v in arrays.items()}).device) == "meta"
    else:
        import jax

        from xent_api._backends.jax import enable_x64  # of this name in no JAX before 0.8

        count = sigmoid_xent.total_weight(labels=arrays["labels"]).dtype
        with enable_x64(not jax.config.jax_enable_x64):
            assert sigmoid_xent.total_weight(labels=arrays["labels"]).dtype != count
            assert suite.floats(mean()) == right
    assert suite.floats(mean()) == right


def _on_another_device(suite: Suite) -> Any:
    if suite.target.name.startswith("array_api_strict"):
        xp = suite.target.xp
        return xp.asarray([1.0, 0.0], dtype=xp.float32, device=xp.Device("device2"))
    if suite.target.name.startswith("torch"):
        return suite.target.xp.asarray([1.0, 0.0], device="cpu").to("meta")
    import jax

    if len(jax.devices()) < 2:
        pytest.skip("jax has one device here")
    return jax.device_put(suite.array([1.0, 0.0], "float32"), jax.devices()[1])

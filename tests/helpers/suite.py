"""What the tests of the conformance suite share: one target in one mode."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from array_api_extra.testing import assert_close, assert_equal

from xent_api._backends.names import name_of
from xent_api._backends.registry import find_backend, name_of_library
from xent_api._checks.dtypes import FLOATING
from xent_api._typing import Array
from xent_api.testing import Target, sigmoid_vectors, softmax_vectors, ulp_error
from xent_api.testing.targets import nested
from xent_api.testing.ulp import Exact


def numbers_of_points(family: str, dtype: str) -> list[int]:
    """Return how many numbers a check of a family looks at, for each quantity."""
    if family == "sigmoid":
        return [len(sigmoid_vectors(dtype))] * 3
    rows = [v for v in softmax_vectors(dtype) if family == "softmax" or v.number is not None]
    classes = sum(len(v.logits) for v in rows)
    return [len(rows), classes, classes]


CONVERTED = {
    "dpnp": "asnumpy",
    "ndonnx": "unwrap_numpy",
    "paddle": "numpy",
    "tensorflow": "numpy",
}
"""Library whose arrays array-api-extra does not compare → their method that makes NumPy's."""


@dataclass(frozen=True)
class Suite:
    """Makes arrays, calls functions eagerly or traced, and compares what comes back."""

    target: Target
    traced: bool = False

    def __str__(self) -> str:
        return f"{self.target.name}-traced" if self.traced else self.target.name

    def array(self, values: Any, dtype: str) -> Array:
        """Return nested sequences as an array on the target."""
        return self.target.asarray(values, dtype)

    def shaped(self, values: Sequence[float], shape: tuple[int, ...], dtype: str) -> Array:
        """Return a flat sequence as an array of the given shape."""
        return self.array(nested(values, shape), dtype)

    def call(self, function: Callable[..., Any], arrays: dict[str, Array], **options: Any) -> Any:
        """Return ``function(**arrays, **options)``, traced in the traced mode."""
        if not self.traced or self.target.trace is None:
            return function(**arrays, **options)
        return self.target.trace(lambda given: function(**given, **options))(arrays)

    def has(self, dtype: str) -> bool:
        """Tell whether the namespace has the dtype on the device of the target."""
        info = self.target.xp.__array_namespace_info__()
        return dtype in info.dtypes(device=self.target.device, kind=("bool", "numeric"))

    def floats(self, array: Array) -> list[float]:
        """Return the elements in row-major order."""
        return self.target.floats(array)

    def assert_ulp(
        self,
        actual: Array,
        exact: Sequence[Exact],
        dtype: str,
        *,
        bar: float = 4.0,
        shape: tuple[int, ...] | None = None,
    ) -> None:
        """Assert namespace, device, dtype and shape, then the error of every element in ulp."""
        desired = self.shaped(
            [float(e) for e in exact], (len(exact),) if shape is None else shape, dtype
        )
        self.assert_close(actual, desired, dtype)
        for i, (got, wanted) in enumerate(zip(self.floats(actual), exact, strict=True)):
            error = ulp_error(got, wanted, dtype)
            assert error <= bar, f"element {i}: got {got!r}, exact {float(wanted)!r}: {error} ulp"

    def assert_close(self, actual: Array, desired: Array, dtype: str, *, atol: float = 0.0) -> None:
        """Assert that namespace, device, dtype and shape agree, and values by their magnitude."""
        digits, least, _ = FLOATING[dtype]
        smallest = 2.0 ** (least + digits - 1)
        pair = self._comparable(actual, desired)
        assert_close(*pair, rtol=0.5, atol=max(atol, smallest), **self._checks())

    def assert_equal(self, actual: Array, desired: Array) -> None:
        """Assert that namespace, device, dtype, shape and every value agree; NaN equals NaN."""
        assert_equal(*self._comparable(actual, desired), **self._checks())

    def _checks(self) -> dict[str, Any]:
        if self.target.name in CONVERTED:
            return {}
        has_device = hasattr(self.array([0.0], "float32"), "device")
        return {"check_device": has_device, "xp": self.target.xp}

    def _comparable(self, actual: Array, desired: Array) -> tuple[Array, Array]:
        """Return arrays that array-api-extra can compare: it knows neither these nor bfloat16."""
        assert _owner(actual) == _owner(desired)
        if name_of(desired.dtype) == "bfloat16":
            xp = self.target.xp
            assert actual.dtype == desired.dtype
            actual, desired = xp.astype(actual, xp.float32), xp.astype(desired, xp.float32)
        convert = CONVERTED.get(self.target.name)
        if convert is None:
            return actual, desired
        return getattr(actual, convert)(), getattr(desired, convert)()


def _owner(array: Array) -> str:
    backend = find_backend(array)
    assert backend is not None
    return name_of_library(backend.xp)

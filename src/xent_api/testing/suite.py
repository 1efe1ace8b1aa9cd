"""What the tests share: one target in one mode."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .._backends.registry import find_backend, name_of_library
from .._typing import Array
from .targets import Target, nested
from .ulp import Exact, smallest_normal, ulp_error


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
        atol = max(atol, smallest_normal(dtype))
        for got, wanted in self._pairs(actual, desired):
            close = got == wanted or abs(got - wanted) <= atol + 0.5 * abs(wanted)
            assert close or (got != got and wanted != wanted), f"got {got!r}, wanted {wanted!r}"

    def assert_equal(self, actual: Array, desired: Array) -> None:
        """Assert that namespace, device, dtype, shape and every value agree; NaN equals NaN."""
        for got, wanted in self._pairs(actual, desired):
            same = got == wanted or (got != got and wanted != wanted)
            assert same, f"got {got!r}, wanted {wanted!r}"

    def _pairs(self, actual: Array, desired: Array) -> Iterator[tuple[float, float]]:
        """Yield the elements, of arrays that are alike in all else.

        Not by array-api-extra's assertions, which know no arrays but those of some libraries.
        """
        assert _owner(actual) == _owner(desired)
        assert actual.dtype == desired.dtype, f"got {actual.dtype}, wanted {desired.dtype}"
        assert tuple(actual.shape) == tuple(desired.shape)
        assert getattr(actual, "device", None) == getattr(desired, "device", None)
        return zip(self.floats(actual), self.floats(desired), strict=True)


def _owner(array: Array) -> str:
    backend = find_backend(array)
    assert backend is not None, f"{type(array)} is no array"
    return name_of_library(backend.xp)

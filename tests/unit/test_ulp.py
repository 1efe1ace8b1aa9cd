"""The measure itself."""

import math
from fractions import Fraction

import numpy as np
import pytest

from xent_api._checks.dtypes import round_to
from xent_api.testing import ulp_error


@pytest.mark.parametrize(
    ("actual", "exact", "dtype", "error"),
    [
        (1.0, 1.0, "float32", 0.0),
        (1.0 + 2**-23, 1.0, "float32", 1.0),
        (1.0 - 2**-24, 1.0, "float32", 0.5),  # the numbers below 1 are closer together
        (1.0, "1.000000059604644775390625", "float32", 0.5),
        (2.0, 2.0 - 2**-24, "float32", 0.5),
        (1.0 + 2**-52, 1.0, "float64", 1.0),
        (1.0 + 2**-10, 1.0, "float16", 1.0),
        (1.0 + 2**-7, 1.0, "bfloat16", 1.0),
        (2**-149, 0.0, "float32", 1.0),
        (0.0, 2**-126, "float32", 2.0**23),
        (0.0, 2**-127, "float32", 0.0),  # flushed
        (2**-149, Fraction(2) ** -148, "float32", 1.0),
        (-1.0, 1.0, "float32", 2.0**24),
        (math.inf, math.inf, "float32", 0.0),
        (math.inf, "inf", "float32", 0.0),
        (-math.inf, "inf", "float32", math.inf),
        (math.nan, "nan", "float32", 0.0),
        (math.nan, 1.0, "float32", math.inf),
        (1.0, "nan", "float32", math.inf),
        (math.inf, 1.0, "float32", math.inf),
    ],
)
def test_ulp_error(actual: float, exact: Fraction | float | str, dtype: str, error: float) -> None:
    assert ulp_error(actual, exact, dtype) == error


def test_rounding_agrees_with_numpy() -> None:
    np = pytest.importorskip("numpy")
    rng = np.random.default_rng(0)
    values = rng.normal(size=2000) * 10.0 ** rng.integers(-50, 42, size=2000)
    values = [*values.tolist(), 65504.0, 65519.9, 65520.0, 5.9e-8, 2.9e-8, 1e-46, 1e300, -0.0]
    for name in ("float16", "float32"):
        with np.errstate(all="ignore"):
            wanted = np.asarray(values).astype(name).astype("float64").tolist()
        assert [round_to(value, name) for value in values] == wanted
    ml_dtypes = pytest.importorskip("ml_dtypes")
    with np.errstate(all="ignore"):
        wanted = np.asarray(values).astype(ml_dtypes.bfloat16).astype("float64").tolist()
    found = [round_to(value, "bfloat16") for value in values]
    # ml_dtypes rounds float64 to bfloat16 by way of float32, which differs in rare ties.
    assert sum(a != b for a, b in zip(found, wanted, strict=True)) <= 2


def test_scalars_of_a_library() -> None:
    assert ulp_error(np.float32(1.0 + 2**-23), np.float32(1.0), "float32") == 1.0  # type: ignore[arg-type]


def test_an_unknown_dtype() -> None:
    with pytest.raises(ValueError, match=r"`dtype` must be one of float16, .*; got 'float8'"):
        ulp_error(1.0, 1.0, "float8")

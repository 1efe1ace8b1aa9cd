"""Counts where the default integer dtype of a namespace is too narrow for them."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from xent_api._backends.base import Backend


def _narrow(integer: str) -> Any:
    """Return as much of a namespace as a count needs, of NumPy, with a narrow default integer."""
    info = SimpleNamespace(
        default_dtypes=lambda *, device: {"integral": np.dtype(integer)},
        dtypes=lambda *, device, kind: {"float32": np.float32},
    )

    def add_up(x: Any, dtype: Any = None) -> Any:
        with np.errstate(over="ignore"):
            return np.sum(x, dtype=integer if dtype is None else dtype)

    names = ("float32", "int8", "int64", "iinfo", "isdtype", "astype")
    return SimpleNamespace(
        **{name: getattr(np, name) for name in names},
        sum=add_up,
        __array_namespace_info__=lambda: info,
    )


@pytest.mark.parametrize(
    ("size", "dtype"), [(0, "int16"), (32_767, "int16"), (32_768, "float32"), (100_000, "float32")]
)
def test_a_count_never_wraps_around(size: int, dtype: str) -> None:
    count = Backend(_narrow("int16")).count(np.ones(size, dtype=bool))
    assert (count.dtype, count) == (dtype, size)


class Unknown:
    """An array of unknown size."""

    shape = (float("nan"),)


def test_an_unknown_size_is_counted_in_64_bits_or_in_floats() -> None:
    assert Backend(_narrow("int64")).count_dtype(Unknown()) == "int64"
    assert Backend(_narrow("int32")).count_dtype(Unknown()) is np.float32

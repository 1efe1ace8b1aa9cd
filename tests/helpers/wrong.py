"""Namespaces made at run time, each of which is wrong in one thing."""

from types import SimpleNamespace
from typing import Any

import array_api_strict as xp
import numpy as np

from xent_api.testing.carried import CarryingNamespace

SPECIAL = ("__array_namespace_info__",)
NAMES = [name for name in dir(xp) if not name.startswith("_") or name in SPECIAL]


def _but(**changed: Any) -> SimpleNamespace:
    """Return a copy of the namespace with other functions, and without those that are None."""
    functions = {name: getattr(xp, name) for name in NAMES} | changed
    return SimpleNamespace(**{name: f for name, f in functions.items() if f is not None})


def _off(function: Any, ulp: float) -> Any:
    """Return a function whose results are so many ulp too large."""

    def wrong(x: Any) -> Any:
        y = function(x)
        return y * (1.0 + ulp * xp.finfo(y.dtype).eps)

    return wrong


def _one_after_the_other(x: Any, *, axis: Any = None, dtype: Any = None, **how: Any) -> Any:
    """Add up in order, along the last axis of two, or along all."""
    if axis not in (None, -1) or xp.isdtype(x.dtype, ("bool", "integral")) or how:
        return xp.sum(x, axis=axis, dtype=dtype, **how)
    values = np.from_dlpack(x)
    values = values if dtype is None else values.astype(np.dtype(str(dtype).rpartition(".")[2]))
    flat = values.reshape(-1) if axis is None else values
    zero = np.zeros((*flat.shape[:-1], 1), flat.dtype)
    return xp.asarray(np.cumsum(np.concatenate([zero, flat], -1), axis=-1)[..., -1])


right = _but()
bad_exp = _but(exp=_off(xp.exp, 30.0))
bad_log1p = _but(log1p=_off(xp.log1p, 30.0))
bad_expm1 = _but(expm1=_off(xp.expm1, 30.0))
naive = _but(sum=_one_after_the_other)
no_exp = _but(exp=None)
no_expm1 = _but(expm1=None, logaddexp=None)
no_take = _but(take_along_axis=None)
no_info = _but(__array_namespace_info__=None)
"""As `from array_api_strict import *` leaves it."""
nameless = CarryingNamespace("", right)
"""With arrays of its own, and not even a name."""
del nameless.__name__
nameless_no_info = CarryingNamespace("", no_info)
del nameless_no_info.__name__
nothing = object()
other_where = _but(where=lambda condition, x, y: xp.where(condition, y, x))
other_clip = _but(clip=lambda x, low, high: x)
other_full_like = _but(full_like=lambda x, value, **_: xp.zeros_like(x))
other_sum = _but(sum=lambda x, dtype=None, **how: xp.sum(x, **how))
other_astype = _but(astype=lambda x, dtype, **_: x)
other_squeeze = _but(squeeze=lambda x, axis: x)
other_moveaxis = _but(moveaxis=lambda x, source, destination: x)
other_max = _but(max=xp.min)
other_exp = _but(exp=lambda x: xp.exp(xp.astype(x, xp.float64)))
huge = _but(max=xp.min)
"""Its misses are at exact values that are beyond float64."""


class _Info:
    """An inspection without dtypes."""

    dtypes = staticmethod(lambda **_: {})


no_dtypes = _but(__array_namespace_info__=_Info)


class _Exiting:
    @property
    def asarray(self) -> Any:
        raise SystemExit(0)


exiting = _Exiting()

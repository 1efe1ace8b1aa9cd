"""The yardstick of the primitives, the points, and that errors are found."""

import math
from fractions import Fraction
from typing import Any

import flint
import numpy as np
import pytest

from xent_api._checks.dtypes import FLOATING, round_to
from xent_api.testing import find_target, ulp_error
from xent_api.testing.exact import FUNCTIONS
from xent_api.testing.points import cast_points, every, sums
from xent_api.testing.primitives import FUNCTIONS as PRIMITIVES
from xent_api.testing.primitives import error_of, flushed, lacking, measure
from xent_api.testing.sweep import sweep

BITS = 1200
NAMES = [primitive.name for primitive in PRIMITIVES]
POINTS = {primitive.name: primitive.points for primitive in PRIMITIVES}


def _ball(name: str, *at: float) -> flint.arb:
    x, *others = (flint.arb(v) for v in at)
    if name == "logaddexp":
        return (x.exp() + others[0].exp()).log()
    return {"exp": x.exp, "log": x.log, "expm1": x.expm1, "log1p": x.log1p}[name]()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_yardsticks_are_right(name: str, dtype: str) -> None:
    primitive = PRIMITIVES[NAMES.index(name)]
    worst = 0.0
    old, flint.ctx.prec = flint.ctx.prec, BITS
    try:
        for at in POINTS[name](dtype)[::5]:
            ball = _ball(name, *at)
            for value, digits in ((FUNCTIONS[name](*at), 40), (primitive.narrow(*at), 15)):
                right = flint.arb(str(value) if digits == 40 else float(value))
                if dtype == "float64" and digits == 15:
                    continue
                error = abs((right - ball) / ball) * flint.arb(10) ** digits
                worst = max(worst, float(error.upper()))
    finally:
        flint.ctx.prec = old
    assert worst < 1.0


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_points_are_numbers_of_the_dtype(dtype: str) -> None:
    for name in NAMES:
        found = POINTS[name](dtype)
        assert len(found) > 500
        assert all(round_to(x, dtype) == x for at in found for x in at)
    for other in FLOATING:
        if other != dtype:
            assert all(round_to(x, dtype) == x for x in cast_points(dtype, other))
    for arrays in sums(dtype).values():
        assert all(round_to(x, dtype) == x for values in arrays for x in values[:100])


def test_every_number_of_16_bits() -> None:
    bits = np.arange(2**16, dtype=np.uint16)
    numbers = bits.view(np.float16)
    assert every("float16") == numbers[np.isfinite(numbers)].astype(float).tolist()
    assert len(every("bfloat16")) == 2**16 - 2 * 2**7


@pytest.mark.parametrize("dtype", FLOATING)
def test_errors_are_those_of_the_public_function(dtype: str) -> None:
    digits, least, largest = FLOATING[dtype]
    normal = math.ldexp(1.0, least + digits - 1)
    for right in (1.0, 0.75, -3.0, normal, normal / 4, math.ldexp(1.0, least), largest):
        step = math.ldexp(1.0, max(math.frexp(right)[1] - digits, least))
        for got in (
            right,
            right - step,
            right - 7 * step,
            0.0,
            right - 90 * step,
            math.inf,
            math.nan,
        ):
            wanted = ulp_error(got, Fraction(right), dtype)
            assert error_of(got, right, dtype) == pytest.approx(wanted), (got, right)


def test_half_precision_is_measured_at_every_number() -> None:
    found = {m.what: m for m in measure(find_target("numpy"), ["float16"])}
    assert found["exp"].exhaustive
    assert found["exp"].counted == 2**16 - 2 * 2**10
    assert 0.49 < found["exp"].worst <= 0.51
    assert not found["logaddexp"].exhaustive


def test_a_sum_over_the_first_axis_of_numpy_is_one_after_the_other() -> None:
    found = {m.what: m for m in measure(find_target("numpy"), ["float32"])}
    assert found["sum of positive numbers"].worst < 4.0
    assert found["sum over the first axis"].worst > 10.0


def test_what_raises_is_told() -> None:
    target = find_target("numpy")

    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("no log here")

    functions = {name: getattr(target.xp, name) for name in ("exp", "sum", "astype")}
    own = type("Own", (), {n: staticmethod(f) for n, f in (functions | {"log": broken}).items()})
    changed = type(target)("numpy", target.xp, context=target.context, functions=own)
    found = {m.what: m for m in measure(changed, ["float32"])}
    assert found["log"].problem == "RuntimeError: no log here"
    assert found["exp"].problem == ""
    assert "log1p" not in found
    assert "log1p" in lacking(changed)


def test_subnormal_numbers_of_numpy_are_none_that_are_0() -> None:
    assert flushed(find_target("numpy"), "float32") == ("float32", False, False)


def test_a_sweep_agrees_with_a_sample() -> None:
    target = find_target("numpy")
    (found,) = sweep(target, ["exp"], pieces=[0, 1016, 3064])  # 0, around 1 and around -1
    assert found.counted == 3 * 2**20
    assert not found.exhaustive
    x = (np.arange(1016 << 20, (1016 << 20) + 5000, dtype=np.uint32)).view(np.float32)
    errors = [
        error_of(float(got), FUNCTIONS["exp"](float(at)), "float32")
        for at, got in zip(x, np.exp(x), strict=True)
    ]
    assert max(errors) <= found.worst < 4.0
    assert 0.0 < found.mean < found.p99 <= found.worst + 1 / 256

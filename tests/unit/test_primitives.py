"""The yardstick of the primitives, the points, and that errors are found."""

import math
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import flint
import numpy as np
import pytest

from xent_api._checks.dtypes import FLOATING, round_to
from xent_api.testing import Target, find_target, ulp_error
from xent_api.testing.exact import FUNCTIONS
from xent_api.testing.points import cast_points, every, sums
from xent_api.testing.primitives import FUNCTIONS as PRIMITIVES
from xent_api.testing.primitives import error_of, flushed, lacking, measure
from xent_api.testing.sweep import sweep

BITS = 1200
NAMES = [primitive.name for primitive in PRIMITIVES]
POINTS = {primitive.name: primitive.sample for primitive in PRIMITIVES}


def _ball(name: str, *at: float) -> flint.arb:
    x, *others = (flint.arb(v) for v in at)
    if name == "logaddexp":
        return (x.exp() + others[0].exp()).log()
    return {"exp": x.exp, "log": x.log, "expm1": x.expm1, "log1p": x.log1p}[name]()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_yardsticks_are_right(name: str, dtype: str) -> None:
    primitive = PRIMITIVES[NAMES.index(name)]
    old, flint.ctx.prec = flint.ctx.prec, BITS
    try:
        for at in POINTS[name](dtype)[::5]:
            ball = _ball(name, *at)
            digits = flint.arb(str(FUNCTIONS[name](*at)))
            if ball == 0:
                assert digits == 0
                continue
            assert abs((digits - ball) / ball) < 1e-40
            if dtype == "float32":
                assert abs((flint.arb(primitive.narrow(*at)) - ball) / ball) < 1e-15
    finally:
        flint.ctx.prec = old


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
    for right in (0.0, 1.0, 0.75, -3.0, normal, normal / 4, math.ldexp(1.0, least), largest):
        step = math.ldexp(1.0, max(math.frexp(right)[1] - digits, least) if right else least)
        for got in (right, right - step, right - 7 * step, right - 90 * step, math.inf, math.nan):
            wanted = ulp_error(got, Fraction(right), dtype)
            if got != 0.0:  # which that function takes for a flushed number
                assert error_of(got, right, dtype) == pytest.approx(wanted), (got, right)


@pytest.mark.parametrize("dtype", FLOATING)
@pytest.mark.parametrize("x", [-1e-17, 1e-17])
def test_an_ulp_just_below_a_power_of_2_is_half_of_that_above(dtype: str, x: float) -> None:
    exp = PRIMITIVES[NAMES.index("exp")]
    ulp = 2.0 ** (1 - FLOATING[dtype].digits)
    for got in (1.0 - ulp, 1.0 - ulp / 2, 1.0 + ulp):
        right = exp.yardstick((x,), got, dtype)
        exact = Fraction(FUNCTIONS["exp"](x))
        assert error_of(got, right, dtype) == pytest.approx(ulp_error(got, exact, dtype), rel=1e-9)


def test_half_precision_is_measured_at_every_number() -> None:
    found = {m.what: m for m in measure(find_target("numpy"), ["float16"])}
    assert found["exp"].exhaustive
    assert 50_000 < found["exp"].counted < 2**16 - 2 * 2**10  # of the others no number is right
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


def _changed(**functions: Any) -> Any:
    target = find_target("numpy")
    names = ("exp", "log", "sum", "astype")
    own = SimpleNamespace(**{name: getattr(target.xp, name) for name in names} | functions)
    return Target("numpy", target.xp, context=target.context, functions=own)


def test_results_of_another_dtype_are_noted() -> None:
    wide = _changed(exp=lambda x: np.exp(x.astype(np.float64)), astype=lambda x, dtype: x)
    found = {m.what: m for m in measure(wide, ["float32", "float64"]) if m.dtype == "float32"}
    assert found["exp"].wrong == ["exp of float32 is float64 and not float32"]
    assert found["log"].wrong == []
    assert found["astype float64"].wrong == ["astype float64 of float32 is float32 and not float64"]


def test_subnormal_results_that_are_0_are_told_and_have_no_error() -> None:
    def exp(x: Any) -> Any:
        y = np.exp(x)
        return np.where(np.abs(y) < 2.0**-126, 0, y).astype(y.dtype)

    (sample,) = [m for m in measure(_changed(exp=exp), ["float32"]) if m.what == "exp"]
    assert sample.flushed > 100
    assert sample.worst < 4.0
    (swept,) = sweep(_changed(exp=exp), ["exp"], pieces=[0xC2A << 0, 3113, 3114])
    assert swept.flushed > 1000
    assert swept.worst < 4.0


def test_a_sweep_of_what_is_far_off() -> None:
    bad = _changed(exp=lambda x: np.exp(x) * np.float32(1.01))
    (found,) = sweep(bad, ["exp"], pieces=[1016, 3064])
    assert found.p99 == found.worst > 80_000  # beyond the histogram
    (below,) = sweep(_changed(exp=lambda x: np.exp(x) * 0 + (1 - 2.0**-24)), ["exp"], pieces=[2400])
    # exp(-1e-17) is just below 1, where an ulp is 2^-24.
    assert below.worst == pytest.approx(1.0)
    (raising,) = sweep(_changed(exp=lambda _: 1 / 0), ["exp"], pieces=[0])
    assert raising.problem == "ZeroDivisionError: division by zero"

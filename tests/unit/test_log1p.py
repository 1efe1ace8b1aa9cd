"""The logarithm in arithmetic alone: its digits, its coefficients, and where NumPy takes it."""

import make_log1p
import mpmath
import numpy as np
import pytest
from limits import numpy_backend

from xent_api import execution, sigmoid_xent
from xent_api._backends.numpy import LIMITS, MIN_LONG_ELEMENTS
from xent_api._backends.numpy.kernels import KERNELS, LONG_KERNELS
from xent_api._graph.executor import Executor
from xent_api._graph.trace import trace
from xent_api._math.log1p import DOUBLE, SINGLE, log1p, log1p_up_to
from xent_api.testing import ulp_error

RANDOM = np.random.default_rng(0)
EXPONENTS = RANDOM.uniform(-126.0, 0.0, 300_000)
NEAR_ONE = RANDOM.uniform(0.0, 1.0, 700_000)
FLOAT32 = frozenset({np.dtype(np.float32)})
SPECIAL = [0.0, -0.0, np.nan, 5e-324, 1e-45, 1e-40, 2.0**-60]


def test_float32_to_less_than_two_ulp() -> None:
    e = np.concatenate([2.0**EXPONENTS, NEAR_ONE]).astype(np.float32)
    wanted = np.log1p(e.astype(np.float64))  # 29 bits more than are asked for
    got = log1p(e, single=True)
    assert 0.5 < (np.abs(got - wanted) / np.spacing(wanted.astype(np.float32))).max() < 1.8


def test_float64_to_two_ulp() -> None:
    e = np.concatenate([2.0 ** EXPONENTS[:1000], NEAR_ONE[:4000]])
    with mpmath.workdps(40):
        wanted = [mpmath.nstr(mpmath.log1p(float(value)), 30) for value in e]
        got = log1p(e, single=False)
        errors = [ulp_error(a, b, "float64") for a, b in zip(got, wanted, strict=True)]
    assert 0.5 < max(errors) < 2.2


@pytest.mark.parametrize("largest", [1.0, 3.0, 9.0, 14.0, 1e5])
def test_sums_up_to_any_number(largest: float) -> None:
    uniform = RANDOM.uniform(0.0, largest, 4000)
    r = np.concatenate([[0.0, largest], 2.0 ** EXPONENTS[:1000], uniform])
    with mpmath.workdps(40):
        wanted = [mpmath.log1p(float(value)) for value in r]
        got = log1p_up_to(np, r, largest)
        errors = [abs(a - b) / b for a, b in zip(map(float, got), wanted, strict=True) if b]
    assert got[0] == 0.0
    assert 1e-17 < max(errors) < 1e-15


@pytest.mark.parametrize("single", [True, False])
def test_special_values(single: bool) -> None:
    e = np.asarray(SPECIAL, np.float32 if single else np.float64)
    with np.errstate(all="ignore"):
        got = log1p(e, single=single)
    np.testing.assert_array_equal(got, np.log1p(e))
    np.testing.assert_array_equal(np.signbit(got), np.signbit(e))


def test_the_coefficients_are_those_of_the_recipe(capsys: pytest.CaptureFixture[str]) -> None:
    make_log1p.main()
    single, double = capsys.readouterr().out.splitlines()
    assert single == f"SINGLE {list(SINGLE[0])} {list(SINGLE[1])}: 0.016 eps"
    assert double == f"DOUBLE {list(DOUBLE[0])} {list(DOUBLE[1])}: 0.057 eps"


@pytest.mark.parametrize("made", [True, False], ids=["arithmetic", "library"])
@pytest.mark.parametrize("count", [MIN_LONG_ELEMENTS, 300_000], ids=["whole", "tiles"])
def test_numpy_with_vectors_and_without(
    made: bool,
    count: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Whichever the machine that runs this has.
    backend = numpy_backend()
    kernels = KERNELS._replace(no_log1p=FLOAT32 if made else frozenset())
    executor = Executor(kernels, backend.total, backend.executor.quiet, LIMITS)
    monkeypatch.setattr(backend, "long_executor", executor)
    x = RANDOM.normal(0.0, 10.0, count).astype(np.float32)
    with execution(native=False):
        got = sigmoid_xent.loss(labels=np.zeros_like(x), logits=x)
    wanted = np.logaddexp(0.0, x.astype(np.float64))
    assert (np.abs(got - wanted) / np.spacing(wanted.astype(np.float32))).max() < 4.0
    assert executor.assignment.cache_info().currsize > 0  # else another one was at work


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("missing", [frozenset(), FLOAT32])
def test_arithmetic_stands_for_what_is_missing_alone(
    dtype: type[np.floating], missing: frozenset[np.dtype]
) -> None:
    kernels = KERNELS._replace(no_log1p=missing)
    graph = trace(lambda ops, e: (ops.log1p_unit(e),), ((np.dtype(dtype), (2,)),), kernels)
    names = [node.op for node in graph.nodes]
    assert (names == ["log1p"]) == (np.dtype(dtype) not in missing)


def test_the_choice_is_that_of_float32_alone() -> None:
    assert not KERNELS.no_log1p
    assert LONG_KERNELS.no_log1p <= FLOAT32

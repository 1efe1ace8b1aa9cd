"""Compiled kernels: their numbers, what they take, and where there can be none."""

import dataclasses
import platform
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import ml_dtypes
import mpmath
import numpy as np
import pytest
from helpers.layouts import laid_out

from xent_api import execution, sigmoid_xent
from xent_api._backends import numpy as room
from xent_api._backends.numpy import memory, native
from xent_api._backends.numpy.native import NativeCalls
from xent_api._graph.codegen import kernels as codegen
from xent_api._graph.codegen.compiler import Compiler
from xent_api._graph.codegen.emit import Signature
from xent_api._graph.codegen.kernels import Kernels
from xent_api._graph.codegen.module import CHUNK, Fields, chunks
from xent_api._graph.codegen.vectors import LANES
from xent_api.testing import ulp_error

pytest.importorskip("llvmlite")
RANDOM = np.random.default_rng(0)
DTYPES = {
    "float16": np.dtype(np.float16),
    "bfloat16": np.dtype(ml_dtypes.bfloat16),
    "float32": np.dtype(np.float32),
    "float64": np.dtype(np.float64),
}


class Elementwise(NamedTuple):
    """A program of one function."""

    function: Callable[..., Any]
    compute: str

    @property
    def rowwise(self) -> bool:
        return False

    def results(self, ops: Any, *operands: Any) -> tuple[Any]:
        return (self.function(ops, *operands),)


def _compiled(function: Callable[..., Any], compute: str, result: str, *given: Any) -> Any:
    """Return what a kernel of a function makes of arrays."""
    names = tuple(next(n for n, d in DTYPES.items() if d == array.dtype) for array in given)
    signature = Signature(names, (False,) * len(given), (), (result,), (False,))
    kernel = Kernels(memory.FIELDS).find(Elementwise(function, compute), signature)
    out = np.empty(given[0].shape, DTYPES[result])
    size = given[0].size
    kernel.short(
        memory.NUMPY.pointers((*given, out)), size.to_bytes(8, sys.byteorder), 0, chunks(size)
    )
    return out


def _same(one: Any, other: Any) -> None:
    """Assert that all bits agree, but for those of NaN."""
    assert one.dtype == other.dtype
    integers = f"u{one.itemsize}"
    with np.errstate(all="ignore"):  # signalling NaN
        missing = np.isnan(other)
        np.testing.assert_array_equal(np.isnan(one), missing)
    np.testing.assert_array_equal(one.view(integers)[~missing], other.view(integers)[~missing])


@pytest.mark.parametrize("name", ["float16", "bfloat16"])
def test_half_precision_comes_as_it_goes(name: str) -> None:
    every = np.arange(2**16, dtype=np.uint16).view(DTYPES[name])
    _same(_compiled(lambda _, x: x, "float32", name, every), every)
    _same(_compiled(lambda _, x: x, "float32", "float32", every), every.astype(np.float32))


@pytest.mark.parametrize("name", ["float16", "bfloat16"])
def test_half_precision_is_rounded_to_nearest_ties_to_even(name: str) -> None:
    every = np.arange(2**16, dtype=np.uint16).view(DTYPES[name]).astype(np.float32)
    beside = (every.view(np.int32)[:, None] + np.arange(-2, 3, dtype=np.int32)).view(np.float32)
    with np.errstate(all="ignore"):
        halfway = (every[1:].astype(np.float64) + every[:-1]) / 2
        values = [every, beside.ravel(), halfway.astype(np.float32)]
        values.append(RANDOM.integers(0, 2**32, 10**6, dtype=np.uint32).view(np.float32))
        given = np.concatenate(values)
        _same(_compiled(lambda _, x: x, "float32", name, given), given.astype(DTYPES[name]))


@pytest.mark.parametrize("compute", ["float32", "float64"])
def test_exp_and_log1p_have_the_digits_of_their_dtype(compute: str) -> None:
    # In float64, of which float32 would see some parts in a thousand million.
    x = np.concatenate(
        [-(2.0 ** RANDOM.uniform(-30.0, 8.0, 1000)), RANDOM.uniform(-2.0, 0.0, 2000)]
    )
    e = np.concatenate([2.0 ** RANDOM.uniform(-60.0, 0.0, 1000), RANDOM.uniform(0.0, 1.0, 2000)])
    bar = 2.0**-24 * 1e-3 if compute == "float32" else 2.0**-53 * 2.5
    cases = [
        (lambda ops, v: ops.exp_neg_abs(v, None), x, mpmath.exp),
        (lambda ops, v: ops.log1p_minus_product(None, v, v * 0.0, v, None), e, mpmath.log1p),
        (lambda ops, v: ops.over_one_plus(v), e, lambda v: v / (1 + v)),
    ]
    with mpmath.workdps(40):
        for function, points, exact in cases:
            got = _compiled(function, compute, "float64", points)
            wanted = [exact(mpmath.mpf(float(p))) for p in points]
            errors = [abs(g - w) / w for g, w in zip(map(float, got), wanted, strict=True)]
            assert 2.0**-58 < max(errors) < bar


@pytest.mark.parametrize("compute", ["float32", "float64"])
def test_limits_of_exp(compute: str) -> None:
    x = np.asarray([0.0, -0.0, np.inf, -np.inf, np.nan, 1e300, -747.0, 5e-324])
    got = _compiled(lambda ops, v: ops.exp_neg_abs(v, None), compute, "float64", x)
    np.testing.assert_array_equal(got, [1.0, 1.0, 0.0, 0.0, np.nan, 0.0, 0.0, 1.0])


def test_subnormal_results_of_exp() -> None:
    x = RANDOM.uniform(-746.0, -707.0, 1000)
    got = _compiled(lambda ops, v: ops.exp_neg_abs(v, None), "float64", "float64", x)
    with mpmath.workdps(40):
        wanted = [mpmath.nstr(mpmath.exp(mpmath.mpf(float(v))), 30) for v in x]
    errors = [ulp_error(g, w, "float64") for g, w in zip(map(float, got), wanted, strict=True)]
    assert 0.4 < max(errors) < 1.0


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("denominator", [0.0, -0.0, 1e-310, 5e-324, np.inf, 3.0])
def test_denominators(dtype: Any, denominator: float) -> None:
    given: dict[str, Any] = {
        "logits": np.asarray([np.inf, -np.inf, 800.0, 0.0, 1.0, np.nan], dtype),
        "labels": np.asarray([1.0, 1.0, 1.0, 0.5, 0.25, 1.0], dtype),
        "reduction": "mean",
    }
    for number in (denominator, np.asarray(denominator)):
        found = sigmoid_xent.loss_and_gradient(**given, denominator=number)
        with execution(native=False):
            wanted = sigmoid_xent.loss_and_gradient(**given, denominator=number)
        for one, other in zip(found, wanted, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-3 if dtype == np.float16 else 1e-6)


def _arguments(dtype: Any, *shape: int) -> dict[str, Any]:
    return {
        "logits": (RANDOM.normal(size=shape) * 4.0).astype(dtype),
        "labels": RANDOM.random(shape).astype(dtype),
        "mask": RANDOM.random(shape) < 0.7,
        "weights": RANDOM.random(shape[-1:]).astype(dtype),
    }


@pytest.mark.parametrize("reduction", ["none", "mean"])
@pytest.mark.parametrize("shape", [(7,), (70_001,), (300, 401), (2, 3, 5), (0, 3), (1,)])
@pytest.mark.parametrize("dtype", list(DTYPES.values()), ids=list(DTYPES))
def test_the_same_bits_in_every_layout(dtype: Any, shape: tuple[int, ...], reduction: Any) -> None:
    given = _arguments(dtype, *shape)
    wanted = sigmoid_xent.loss_and_gradient(**given, reduction=reduction)
    for logits, labels, mask in zip(
        *[laid_out(given[name]) for name in ("logits", "labels", "mask")], strict=True
    ):
        changed = [given | {"logits": logits}, given | {"labels": labels, "mask": mask}]
        for arguments in (*changed, changed[0] | changed[1] | {"logits": logits}):
            found = sigmoid_xent.loss_and_gradient(**arguments, reduction=reduction)
            for one, other in zip(found, wanted, strict=True):
                assert np.shape(one) == np.shape(other)
                _same(np.asarray(one), np.asarray(other))


@pytest.mark.parametrize("reduction", ["none", "mean"])
def test_the_same_bits_with_several_workers(reduction: Any) -> None:
    given = _arguments(np.float32, 700, 1000)
    wanted = sigmoid_xent.loss_and_gradient(**given, reduction=reduction)
    with execution(workers=3):
        for logits in (given["logits"], np.asfortranarray(given["logits"])):
            found = sigmoid_xent.loss_and_gradient(
                **given | {"logits": logits}, reduction=reduction
            )
            for one, other in zip(found, wanted, strict=True):
                np.testing.assert_array_equal(one, other)


def test_the_same_bits_in_every_size() -> None:
    x = (RANDOM.normal(size=2 * CHUNK + LANES + 3) * 4.0).astype(np.float32)
    whole = sigmoid_xent.loss(labels=np.abs(np.sin(x)), logits=x)
    for size in (1, 2, LANES - 1, LANES, LANES + 1, CHUNK, CHUNK + 1, 2 * CHUNK, x.size - 1):
        part = sigmoid_xent.loss(labels=np.abs(np.sin(x))[:size], logits=x[:size])
        np.testing.assert_array_equal(part, whole[:size])


def _kernels() -> dict[Any, Any]:
    return native.CALLS.kernels.found


def test_numbers_are_no_part_of_a_kernel() -> None:
    x = np.linspace(-3.0, 3.0, 21)
    options: list[dict[str, Any]] = [
        {"label_smoothing": 0.1 * k, "pos_weight": 1.0 + k, "weights": 0.5 * k, "ignore_index": k}
        for k in range(1, 6)
    ]
    sigmoid_xent.gradient(labels=x, logits=x, **options[0])
    before = len(_kernels())
    found = [sigmoid_xent.gradient(labels=x, logits=x, **given) for given in options]
    assert len(_kernels()) == before
    with execution(native=False):
        wanted = [sigmoid_xent.gradient(labels=x, logits=x, **given) for given in options]
    np.testing.assert_allclose(found, wanted, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize(
    ("labels", "ignored"),
    [
        (np.asarray([0, 1, 2**63, 2**64 - 1], np.uint64), 2**64 - 1),
        (np.asarray([0, 1, -(2**63), 2**63 - 1], np.int64), 2**63 - 1),
        (np.asarray([0, 1, 2, 255], np.uint8), 255),
        (np.asarray([True, False, True, True]), 1),
        (np.asarray([0.0, 1.0, np.nan, 0.5]), np.nan),
        (np.asarray([0.0, 1.0, 0.1, 0.5], np.float32), 0.1),
    ],
)
def test_labels_of_every_kind(labels: Any, ignored: Any) -> None:
    logits = np.asarray([0.5, -1.0, 2.0, -3.0], np.float64)
    with execution(native=False):
        wanted = sigmoid_xent.loss(labels=labels, logits=logits, ignore_index=ignored)
    found = sigmoid_xent.loss(labels=labels, logits=logits, ignore_index=ignored)
    assert (found == 0.0).any()
    np.testing.assert_allclose(found, wanted, rtol=1e-14)


def test_threads_wait_for_one_compilation(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = []
    make = Kernels._compile

    def counted(self: Kernels, *arguments: Any) -> Any:
        compiled.append(threading.get_ident())
        return make(self, *arguments)

    monkeypatch.setattr(Kernels, "_compile", counted)
    kernels, start = Kernels(memory.FIELDS), threading.Barrier(4)
    signature = Signature(("float32",), (False,), (), ("float32",), (False,))
    program = Elementwise(lambda ops, x: ops.exp_neg_abs(x, None), "float32")

    def find(_: int) -> Any:
        start.wait()
        return kernels.find(program, signature)

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(find, range(4)))
    assert len(compiled) == 1
    assert all(kernel is found[0] for kernel in found)


def test_not_more_kernels_than_a_number_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codegen, "MAX_KERNELS", 2)
    kernels = Kernels(memory.FIELDS)
    for dtype in DTYPES:
        signature = Signature((dtype,), (False,), (), (dtype,), (False,))
        kernels.find(Elementwise(lambda _, x: x, "float64"), signature)
        assert len(kernels.found) <= 2


def test_arrays_that_keep_their_addresses_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    given = _arguments(np.float32, 1000)
    wanted = sigmoid_xent.loss(**given, reduction="mean")
    by_address: dict[str, Any] = {
        "fields": None,
        "pointers": memory.addresses,
    }
    calls = NativeCalls(dataclasses.replace(memory.NUMPY, **by_address))
    monkeypatch.setattr(room, "CALLS", calls)
    shifted = {name: value.reshape(-1, 1) for name, value in given.items()}  # of no known plan
    assert sigmoid_xent.loss(**shifted, reduction="mean") == wanted
    assert calls.kernels.found


def test_where_an_array_has_its_address() -> None:
    assert isinstance(memory.FIELDS, Fields)


def _run(script: str, *options: str, argument: str = "") -> str:
    command = [sys.executable, *options, "-c", script, argument]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    return done.stdout.strip()


CALL = """
import numpy as np
import xent_api as xa
x = np.linspace(-3, 3, 7)
"""
WITHOUT = """
import importlib.metadata
def version(name):
    raise importlib.metadata.PackageNotFoundError(name)
importlib.metadata.version = version
"""
FORBIDDEN = """
import ctypes
assert ctypes.CDLL(None).prctl(65, 1, 0, 0, 0) == 0  # PR_SET_MDWE: nothing becomes executable
"""
WHO = "`native` must be False or None: llvmlite, the extra xent-api[native], "
TRY = """
try:
    xa.execution(native=True)
except ImportError as error:
    print(error)
"""


def test_without_the_extra() -> None:
    found = _run(WITHOUT + CALL + "print(xa.sigmoid_xent.loss(labels=x, logits=x).sum())" + TRY)
    number, error = found.split("\n")
    assert float(number) < 0.0
    assert error == f"{WHO}is not installed"


def test_llvmlite_is_imported_where_it_is_used() -> None:
    off = "with xa.execution(native=False): xa.sigmoid_xent.loss(labels=x, logits=x)\n"
    rest = "import sys; print('llvmlite' in sys.modules)\n"
    on = "xa.sigmoid_xent.loss(labels=x, logits=x)\n"
    assert _run(CALL + off + rest + on + rest).split() == ["False", "True"]


@pytest.mark.parametrize("version", ["0.44.0", "0+unknown", "None", "0.45b1", "1.0"])
def test_versions(version: str) -> None:
    there = version in {"0.45b1", "1.0"}
    script = f"import importlib.metadata\nimportlib.metadata.version = lambda _: {version!r}\n"
    script += "from xent_api._graph.codegen.kernels import is_installed; print(is_installed())"
    assert _run(script) == str(there)


@pytest.mark.skipif(sys.platform != "linux", reason="a feature of Linux")
def test_where_memory_may_not_be_made_executable() -> None:
    twice = "for _ in range(2): print(xa.sigmoid_xent.loss(labels=x, logits=x).shape)"
    script = "import warnings\nwith warnings.catch_warnings(record=True) as seen:\n"
    script += f" warnings.simplefilter('always')\n {twice}\n"
    script += "print(*[w.category.__name__ for w in seen], seen[0].message, sep=': ')"
    try:
        found = _run(FORBIDDEN + CALL + script + TRY)
    except subprocess.CalledProcessError as failed:
        if "AssertionError" in failed.stderr:
            pytest.skip("this kernel has no PR_SET_MDWE")
        raise
    *shapes, warning, error = found.split("\n")
    assert shapes == ["(7,)"] * 2
    assert warning.startswith("RuntimeWarning: xent_api goes on without compiled kernels: ")
    assert error.startswith(f"{WHO}cannot make machine code here: ")


FIRST = """
import faulthandler, os, sys, threading, time
S = xa.sigmoid_xent
threading.Thread(target=lambda: S.loss(labels=x, logits=x)).start()
time.sleep(float(sys.argv[1]))
child = os.fork()
if not child:
    faulthandler.dump_traceback_later(30, exit=True)
    S.loss_and_gradient(labels=x, logits=x)
    os._exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
FORK = """
import os, threading
def compute(k):
    dtype = ["f2", "f4", "f8"][k % 3]
    names = ["loss", "gradient", "loss_and_gradient", "gradient_and_hessian"]
    y = x.astype(dtype)
    return getattr(xa.sigmoid_xent, names[k // 3 % 4])(labels=y, logits=y)
compute(0)
thread = threading.Thread(target=lambda: [compute(k) for k in range(12)])
thread.start()
for k in range(12):
    child = os.fork()
    if not child:
        compute(11 - k)
        os._exit(7)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
thread.join()
print("all")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="has no fork")
def test_a_process_that_forks_while_a_thread_compiles() -> None:
    assert _run(CALL + FORK, "-W", "ignore::DeprecationWarning") == "all"


BARS = {  # loss, gradient at hard labels, Hessian
    "float16": (0.5005, 0.5005, 0.5005),
    "bfloat16": (0.5005, 0.5005, 0.5005),
    "float32": (0.501, 0.501, 0.51),
    "float64": (1.75, 1.5, 3.0),
}


def _points(dtype: Any) -> Any:
    """Return logits at which no result is subnormal."""
    largest = 8.0 if dtype == np.float16 else 85.0
    parts = [
        RANDOM.uniform(-largest, largest, 400),
        RANDOM.uniform(-1.0, 1.0, 600),
        RANDOM.choice([-1.0, 1.0], 200) * 2.0 ** RANDOM.uniform(-12.0, 3.0, 200),
    ]
    return np.concatenate(parts).astype(dtype)


@pytest.mark.parametrize("weight", [None, 1.0, 0.75])
@pytest.mark.parametrize("name", list(DTYPES))
def test_the_bars_of_kernels(name: str, weight: float | None) -> None:
    x = _points(DTYPES[name])
    for z in (np.zeros_like(x), np.ones_like(x), RANDOM.random(x.size).astype(x.dtype)):
        given: dict[str, Any] = {"logits": x, "labels": z}
        given |= {} if weight is None else {"weights": np.full_like(x, weight)}
        loss, gradient = sigmoid_xent.loss_and_gradient(**given)
        _, hessian = sigmoid_xent.gradient_and_hessian(**given)
        hard = z[0] in (0.0, 1.0) and z[1] == z[0]
        bars = [bar + 2.0 * (weight not in (None, 1.0)) for bar in BARS[name]]
        for got, exact, bar in zip(
            (loss, gradient, hessian), _exact(x, z, weight), bars, strict=True
        ):
            if got is gradient and not hard:
                continue
            errors = [ulp_error(float(g), w, name) for g, w in zip(got, exact, strict=True)]
            assert 0.4 < max(errors) < bar


def _exact(x: Any, z: Any, weight: float | None) -> tuple[list[str], ...]:
    """Return loss, gradient and Hessian to 30 digits, by the definition."""
    found: tuple[list[str], ...] = ([], [], [])
    with mpmath.workdps(60):
        for logit, label in zip(map(float, x), map(float, z), strict=True):
            a, b, w = mpmath.mpf(logit), mpmath.mpf(label), mpmath.mpf(weight or 1.0)
            p, n = 1 / (1 + mpmath.exp(-a)), 1 / (1 + mpmath.exp(a))
            loss = -b * mpmath.log(p) - (1 - b) * mpmath.log(n)
            for into, value in zip(found, (loss, p * (1 - b) - n * b, p * n), strict=True):
                into.append(mpmath.nstr(w * value, 30))
    return found


@pytest.mark.skipif(platform.machine() not in {"x86_64", "AMD64"}, reason="for x86 alone")
@pytest.mark.parametrize(("processor", "fused"), [("haswell", True), ("x86-64", False)])
@pytest.mark.parametrize("name", ["float16", "float32", "float64"])
def test_processors_with_fewer_registers(
    name: str, processor: str, fused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = _points(DTYPES[name])
    z = RANDOM.random(x.size).astype(x.dtype)
    wanted = sigmoid_xent.loss_and_gradient(labels=z, logits=x)
    other = Compiler(processor, fused=fused)
    if processor == "haswell" and not codegen.compiler().fused:
        pytest.skip("this processor has no fma")
    monkeypatch.setattr(codegen, "compiler", lambda: other)
    monkeypatch.setattr(room, "CALLS", NativeCalls(memory.NUMPY))
    both = sigmoid_xent.loss_and_gradient(
        labels=z.reshape(1, -1),
        logits=x.reshape(1, -1),  # of no known plan
    )
    for got, right in zip(both, wanted, strict=True):
        if fused or name != "float64":
            np.testing.assert_allclose(got[0], right, rtol=1e-7 if name == "float32" else 1e-3)
        else:
            np.testing.assert_allclose(got[0], right, rtol=0, atol=4e-16 * np.abs(right).max())
        assert (got[0] == right).mean() > (0.99 if fused or name != "float64" else 0.3)


@pytest.mark.parametrize("name", list(DTYPES))
def test_arm_needs_no_function_of_a_library(name: str) -> None:
    from llvmlite import binding

    binding.initialize_all_targets()
    binding.initialize_all_asmprinters()
    target = binding.Target.from_triple("aarch64-unknown-linux-gnu")
    signature = Signature((name, "bool"), (False, False), (), (name,), (False,))
    program = Elementwise(
        lambda ops, x, kept: ops.where(kept, ops.exp_neg_abs(x, None), 0.0),
        "float64" if name == "float64" else "float32",
    )
    text = codegen.text(program, signature, memory.FIELDS, fused=True)
    code = target.create_target_machine().emit_assembly(binding.parse_assembly(text))
    assert "fmla" in code
    assert set(re.findall(r"\tbl\t(\w+)", code)) == {"body", "memcpy"}


@pytest.mark.skipif(sys.platform == "win32", reason="has no fork")
@pytest.mark.parametrize("seconds", ["0.0", "0.003", "0.01", "0.03", "0.06", "0.1"])
def test_a_process_that_forks_while_a_thread_makes_its_first_call(seconds: str) -> None:
    assert _run(CALL + FIRST, "-W", "ignore::DeprecationWarning", argument=seconds) == "7"

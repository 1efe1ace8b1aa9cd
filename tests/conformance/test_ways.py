"""Tiles, threads and kernels of one's own: the same numbers as the direct way."""

import inspect
import itertools
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import pytest
from limits import limits

from xent_api import execution, sigmoid_xent
from xent_api._backends.base import Backend
from xent_api._backends.numpy import NumpyBackend
from xent_api.testing import check_namespace
from xent_api.testing.suite import Suite

pytestmark = [
    pytest.mark.eager,
    pytest.mark.only("numpy", "torch"),
    # torch's own, when it first compiles or needs a forward-mode derivative
    pytest.mark.filterwarnings("ignore:.torch.jit.script:DeprecationWarning"),
]
FAMILY = ("loss", "gradient", "loss_and_gradient", "gradient_and_hessian")
Way = Callable[[Suite], Any]


@contextmanager
def in_tiles(suite: Suite, workers: int = 1) -> Iterator[None]:
    """Tiles of 64 elements, also for small arrays; PyTorch has none."""
    names = ("tile_elements", "row_tile_elements", "shared_tile_bytes")
    sizes = dict.fromkeys(names, 64) | {"direct_elements": 1}
    with limits(**sizes), execution(workers=workers):
        yield


@contextmanager
def in_one_kernel(suite: Suite) -> Iterator[None]:
    """Whatever the library compiles."""
    if suite.target.library == "torch":
        import torch

        if "isolate_recompiles" not in inspect.signature(torch.compile).parameters:
            pytest.skip("`fuse` is for PyTorch 2.13 and later")
    with execution(fuse=True, native=False):
        yield


def within(way: Callable[..., Any], suite: Suite, **how: Any) -> Callable[..., Any]:
    """Return a caller, for `check_namespace`, whose calls go that way."""

    def call(function: Callable[..., Any], arrays: dict[str, Any], **options: Any) -> Any:
        with way(suite, **how):
            return function(**arrays, **options)

    return call


def _holds_the_bars(suite: Suite, dtype: str, call: Callable[..., Any]) -> None:
    families = ("sigmoid", "softmax", "sparse_softmax")
    findings = check_namespace(suite.target, [dtype], call, families)
    assert [str(miss) for finding in findings for miss in finding.misses] == []
    assert all(finding.passed for finding in findings)


@pytest.mark.only("numpy")
def test_tiles_hold_the_bars(suite: Suite, dtype: str) -> None:
    _holds_the_bars(suite, dtype, within(in_tiles, suite))


@pytest.mark.only("numpy")
def test_threads_hold_the_bars(suite: Suite, dtype: str) -> None:
    _holds_the_bars(suite, dtype, within(in_tiles, suite, workers=2))


@pytest.mark.nightly
@pytest.mark.only("torch", "cupy")
@pytest.mark.dtypes("float32")
def test_kernels_hold_the_bars(suite: Suite, dtype: str) -> None:
    _holds_the_bars(suite, dtype, within(in_one_kernel, suite))


def _arguments(suite: Suite, dtype: str) -> Iterator[dict[str, Any]]:
    shape, size = (31, 13), 31 * 13
    special = [math.inf, -math.inf, math.nan, -0.0, 0.0]
    logits = [*special, *(40.0 * ((7 * k) % 101 / 50.0 - 1.0) for k in range(size - 5))]
    labels = [(3 * k) % 11 / 10.0 for k in range(size)]
    labels[0], labels[1] = 1.0, 0.0
    x, z = suite.shaped(logits, shape, dtype), suite.shaped(labels, shape, dtype)
    xp = suite.target.xp
    column = suite.shaped([k % 3 != 0 for k in range(31)], (31, 1), "bool")
    row = suite.shaped([0.25 * k for k in range(13)], (13,), dtype)
    plain = {"logits": x, "labels": z}
    yield plain
    yield {"logits": x, "labels": suite.shaped([k % 3 == 0 for k in range(size)], shape, "bool")}
    whole = suite.shaped([k % 3 - 1 for k in range(size)], shape, "int8")
    yield {"logits": x, "labels": whole, "ignore_index": -1, "weights": -0.0}
    unknown = suite.shaped([z if k % 5 else math.nan for k, z in enumerate(labels)], shape, dtype)
    yield {"logits": x, "labels": unknown, "ignore_index": math.nan}
    yield {"logits": xp.broadcast_to(x[:, :1], shape), "labels": z}
    yield {"logits": x.T, "labels": z.T}
    yield {"logits": xp.flip(x[::2, :], axis=1), "labels": z[::2, :]}
    yield plain | {"mask": column, "ignore_index": 0.5}
    yield plain | {"mask": x > 0.0}
    yield plain | {"mask": x > math.inf}  # nothing is kept
    yield plain | {"weights": row, "pos_weight": 3.0, "label_smoothing": 0.1}
    yield plain | {
        "pos_weight": suite.array(2.0, dtype),
        "weights": suite.shaped([0.5], (1,), dtype),
    }


@pytest.mark.nightly
def test_nothing_beside_something(suite: Suite, dtype: str) -> None:
    # The operands that broadcast are larger than the logits.
    row = suite.shaped([1.0] * 300, (300,), dtype)
    nothing = suite.target.xp.reshape(row[:0], (0, 300))
    reductions: tuple[Any, ...] = ("none", "sum", "mean")
    for way, reduction in itertools.product((in_tiles, in_one_kernel), reductions):
        with way(suite):
            loss, slope = sigmoid_xent.loss_and_gradient(
                logits=nothing, labels=nothing, pos_weight=row, reduction=reduction
            )
        assert slope.shape == (0, 300)
        assert loss.shape == ((0, 300) if reduction == "none" else ())


def test_a_mask_whose_bytes_are_not_1(suite: Suite) -> None:
    logits = suite.array([2.0 - k for k in range(6)], "float32")
    xp = suite.target.xp
    picture = suite.array([255, 0, 7, 0, 1, 128], "uint8")
    odd = picture.view(bool if suite.target.name == "numpy" else xp.bool)
    wanted = sigmoid_xent.loss(labels=logits, logits=logits, mask=picture != 0)
    for way in (in_tiles, in_one_kernel):
        with way(suite):
            suite.assert_equal(sigmoid_xent.loss(labels=logits, logits=logits, mask=odd), wanted)


def _same(suite: Suite, got: Any, wanted: Any, dtype: str) -> None:
    """Bit by bit, but for what float64 sums round differently."""
    if wanted.ndim == 0 and dtype == "float64":
        (value,), (right,) = suite.floats(got), suite.floats(wanted)
        assert got.dtype == wanted.dtype
        assert value == pytest.approx(right, rel=1e-14, nan_ok=True)
    else:
        suite.assert_equal(got, wanted)


@pytest.mark.only("numpy")
@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
def test_tiles_give_the_same_bits(suite: Suite, dtype: str, reduction: Any) -> None:
    if suite.target.name == "numpy:native":
        pytest.skip("compiled kernels have their own digits")
    cases = list(_arguments(suite, dtype))
    if reduction == "mean":  # 0/0 at some positions, and something else over 0 at the others
        cases.append(cases[0] | {"mask": cases[0]["logits"] > 0.0, "denominator": 0})
    for name, arguments in itertools.product(FAMILY, cases):
        function = getattr(sigmoid_xent, name)
        with pytest.MonkeyPatch.context() as patch:
            # The direct way, of which tiles know nothing.
            patch.setattr(NumpyBackend, "evaluate", Backend.evaluate)
            wanted = function(**arguments, reduction=reduction)
        with in_tiles(suite):
            got = function(**arguments, reduction=reduction)
        pairs = zip(got, wanted, strict=True) if isinstance(got, tuple) else [(got, wanted)]
        for value, right in pairs:
            _same(suite, value, right, dtype)


@pytest.mark.only("numpy")
def test_total_weight_in_tiles(suite: Suite, dtype: str) -> None:
    for arguments in _arguments(suite, dtype):
        given = {k: v for k, v in arguments.items() if k in ("labels", "mask", "weights")}
        both: list[dict[str, Any]] = [{}, {"ignore_index": 0.5}]
        for options in both:
            wanted = sigmoid_xent.total_weight(**given, **options)
            with in_tiles(suite):
                got = sigmoid_xent.total_weight(**given, **options)
            _same(suite, got, wanted, dtype)


def _floating(value: Any) -> bool:
    return getattr(getattr(value, "dtype", None), "is_floating_point", False)


@pytest.mark.only("torch:native")
@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
@pytest.mark.dtypes("float64")
def test_derivatives_of_kernels(suite: Suite, dtype: str, reduction: Any) -> None:
    import torch

    operands = ("logits", "labels", "weights", "pos_weight")
    for arguments in _arguments(suite, dtype):
        # Finite: of weights there are no derivatives elsewhere.
        finite = arguments | {"logits": torch.nan_to_num(arguments["logits"], 1.0, 20.0, -20.0)}
        found = []
        for native in (False, True):
            given = {
                k: v.clone().requires_grad_() if k in operands and _floating(v) else v
                for k, v in finite.items()
            }
            wanted = [v for v in given.values() if _floating(v) and v.requires_grad]
            with execution(native=native):
                value = sigmoid_xent.loss(**given, reduction=reduction)
                first = torch.autograd.grad((1e-3 * value).sin().sum(), wanted, create_graph=True)
                second = torch.autograd.grad(sum(v.sin().sum() for v in first), wanted)
                again = 1e-3 * sigmoid_xent.loss(**given, reduction=reduction)
                plain = torch.autograd.grad(again.sin().sum(), wanted)
                found.append([*first, *second, *plain])
        for got, right in zip(*found, strict=True):
            torch.testing.assert_close(got, right, rtol=1e-9, atol=1e-12)


@pytest.mark.only("torch")
def test_results_can_be_changed_in_place(suite: Suite) -> None:
    logits = suite.array([float(k) for k in range(300)], "float32").requires_grad_()
    labels = suite.array([0.0] * 300, "float32")
    loss, slope = sigmoid_xent.loss_and_gradient(labels=labels, logits=logits)
    loss *= 2.0
    slope.mul_(3.0)
    loss.sum().backward()
    single = sigmoid_xent.gradient(labels=labels, logits=logits.detach())
    suite.assert_equal(logits.grad, 2.0 * single)


@pytest.mark.only("torch:native")
@pytest.mark.dtypes("float32")
def test_transformations_beside_kernels(suite: Suite, dtype: str) -> None:
    import torch
    from torch.autograd import forward_ad

    x, z = (next(_arguments(suite, dtype))[name][1:] for name in ("logits", "labels"))

    def mean(logits: Any, labels: Any) -> Any:
        return sigmoid_xent.loss(logits=logits, labels=labels, reduction="mean")

    def results() -> list[Any]:
        with forward_ad.dual_level():
            dual = mean(forward_ad.make_dual(x, torch.ones_like(x)), z)
            tangent = forward_ad.unpack_dual(dual).tangent
        leaf = x.clone().requires_grad_()
        (batched,) = torch.autograd.grad(
            sigmoid_xent.loss(logits=leaf, labels=z, reduction="sum"),
            leaf,
            torch.arange(3.0),
            is_grads_batched=True,
        )
        return [
            tangent,
            batched,
            torch.func.grad(mean)(x, z),
            torch.func.vmap(mean)(x, z),
            torch.func.vmap(torch.func.grad(mean))(x, z),
            torch.func.jvp(mean, (x, z), (torch.ones_like(x), z))[1],
        ]

    found = results()
    with execution(native=False):
        wanted = results()
    for got, right in zip(found, wanted, strict=True):
        torch.testing.assert_close(got, right)


@pytest.mark.only("torch")
@pytest.mark.dtypes("float32")
def test_kernels_give_gradients(suite: Suite, dtype: str) -> None:
    import torch

    arguments = next(_arguments(suite, dtype))
    x = torch.nan_to_num(arguments["logits"]).requires_grad_()
    z = arguments["labels"]
    found = []
    for way in (nullcontext(), in_one_kernel(suite)):
        with way:
            mean = sigmoid_xent.loss(logits=x, labels=z, reduction="mean")
            found.append((mean, *torch.autograd.grad(mean, x)))
    for got, right in zip(*found, strict=True):
        torch.testing.assert_close(got, right)


@pytest.mark.only("torch")
@pytest.mark.dtypes("float32")
def test_one_kernel_for_all_sizes_of_a_batch(suite: Suite, dtype: str) -> None:
    from xent_api._backends.torch import compiled

    compiled.cache_clear()
    with in_one_kernel(suite):
        for size in (40, 50, 60):
            logits = suite.array([0.0] * size, dtype)
            mean = sigmoid_xent.loss(labels=logits, logits=logits, reduction="mean")
            assert abs(float(mean) - math.log(2.0)) < 1e-6
    assert compiled.cache_info().currsize == 1


@pytest.mark.only("torch")
@pytest.mark.dtypes("float32")
def test_boolean_labels_have_a_kernel_of_their_own(suite: Suite, dtype: str) -> None:
    """Of programs that ignore True and 1.0, which are equal."""
    logits = suite.array([0.0] * 5, dtype)
    labels = suite.array([True, False, True, False, False], "bool")
    with in_one_kernel(suite):
        for given in (labels, labels.to(logits.dtype)):
            found = sigmoid_xent.loss(labels=given, logits=logits, ignore_index=1)
            assert [value > 0.0 for value in suite.floats(found)] == [
                False,
                True,
                False,
                True,
                True,
            ]


@pytest.mark.only("torch")
def test_what_torch_watches_takes_the_direct_way(suite: Suite) -> None:
    import torch
    from torch.fx.experimental.proxy_tensor import make_fx

    x = torch.linspace(-9.0, 9.0, 20_000, device=suite.target.device)
    z = (x > 1.0).to(x.dtype)

    def loss(logits: Any) -> Any:
        return sigmoid_xent.loss(logits=logits, labels=z, mask=logits > -5.0)

    torch.testing.assert_close(make_fx(loss)(x)(-x), loss(-x))
    negative = torch.complex(x, -x).conj().imag
    assert negative.is_neg()
    torch.testing.assert_close(loss(negative), loss(x))
    with in_one_kernel(suite), torch.compiler.set_stance("force_eager"):
        torch.testing.assert_close(loss(x), loss(x.clone()))
        torch.testing.assert_close(torch.func.vmap(loss_of_pair)(x, z), loss_of_pair(x, z))


def loss_of_pair(logits: Any, labels: Any) -> Any:
    """Return the plain loss."""
    return sigmoid_xent.loss(logits=logits, labels=labels)


@pytest.mark.only("cupy")
def test_one_trace_serves_every_call(suite: Suite) -> None:
    import cupy

    from xent_api._backends import cupy as backend

    logits, labels = cupy.linspace(-9.0, 9.0, 1000), cupy.ones(1000)
    traced: list[Any] = []

    def noted(value: Any) -> Any:
        traced.append(value)
        return cupy.exp(value)

    backend.fused.cache_clear()
    with pytest.MonkeyPatch.context() as patch, execution(fuse=True):
        patch.setattr(backend.NAMESPACE, "exp", noted)
        for _ in range(3):
            loss, slope = sigmoid_xent.loss_and_gradient(labels=labels, logits=logits)
    backend.fused.cache_clear()
    assert len(traced) == 1
    assert loss.shape == slope.shape == (1000,)


@pytest.mark.dtypes("float32")
@pytest.mark.parametrize("count", [5, 20_000, 200_000], ids=["small", "tiles", "many"])
@pytest.mark.parametrize("name", ["weights", "pos_weight"])
@pytest.mark.parametrize("hidden", ["mask", "ignore_index"])
def test_factors_of_every_shape_where_some_positions_are_left_out(
    suite: Suite, dtype: str, count: int, name: str, hidden: str
) -> None:
    """The neutral number of a factor is not 0, and the factor may be smaller than the mask."""
    x = suite.array([[-1.0, 0.5, 2.0]], dtype)
    xp = suite.target.xp
    logits = xp.concat([x] * count, axis=0)
    keep = logits > 0.0
    labels = xp.astype(keep, logits.dtype)
    options: dict[str, Any] = {"mask": keep} if hidden == "mask" else {"ignore_index": 0.0}
    for shape in ((), (1,), (3,), (1, 1), (1, 3), (count, 1), (count, 3)):
        factor = xp.zeros(shape, dtype=logits.dtype, device=suite.target.device) + 2.0
        found = sigmoid_xent.loss(labels=labels, logits=logits, **{name: factor}, **options)
        number: dict[str, Any] = {name: 2.0}
        wanted = sigmoid_xent.loss(labels=labels, logits=logits, **number, **options)
        assert bool(xp.all(found == wanted))

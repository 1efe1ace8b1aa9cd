"""Compiled kernels on PyTorch's tensors: NumPy's bits, and what never reaches one."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from xent_api import execution, sigmoid_xent, softmax_xent, sparse_softmax_xent, special

torch = pytest.importorskip("torch")
pytest.importorskip("llvmlite")
RANDOM = np.random.default_rng(0)


def _noting(noted: list[Any], what: Callable[..., Any], run: Callable[..., Any]) -> Any:
    """Return a function that notes something of each call."""

    def call(*given: Any) -> Any:
        noted.append(what(*given))
        return run(*given)

    return call


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The calls of kernels on tensors."""
    from xent_api._backends.torch import native

    noted: list[int] = []
    for number, name in ((1, "compute"), (2, "compute_with_gradient")):
        run = getattr(native.NativeCall, name)
        monkeypatch.setattr(
            native.NativeCall, name, _noting(noted, lambda *_, number=number: number, run)
        )
    return noted


def _arrays(dtype: Any) -> Iterator[tuple[Any, dict[str, Any]]]:
    x = (RANDOM.normal(size=(37, 50)) * 4.0).astype(dtype)
    z = RANDOM.random((37, 50)).astype(dtype)
    y, w = RANDOM.integers(-1, 50, 37), RANDOM.random(37).astype(dtype)
    mask = RANDOM.random(37) < 0.8
    yield sigmoid_xent, {"logits": x, "labels": z, "weights": w[:, None], "mask": mask[:, None]}
    yield sigmoid_xent, {"logits": x.T, "labels": z.T, "pos_weight": w}
    yield softmax_xent, {"logits": x, "labels": z, "weights": w, "label_smoothing": 0.1}
    yield sparse_softmax_xent, {"logits": x, "labels": y, "ignore_index": -1, "mask": mask}
    yield sparse_softmax_xent, {"logits": x.T, "labels": y, "ignore_index": -1, "axis": 0}
    yield sparse_softmax_xent, {"logits": x[:, :7], "labels": y % 7, "weights": w}
    c = np.abs(x[0])
    yield softmax_xent, {"logits": x, "labels": z, "class_weights": c, "label_smoothing": 0.1}
    weighted = {"logits": x.T, "labels": y, "ignore_index": -1, "axis": 0, "class_weights": c}
    yield sparse_softmax_xent, weighted
    yield sparse_softmax_xent, weighted | {"label_smoothing": 0.75, "weights": w}


@pytest.mark.parametrize("reduction", ["none", "sum", "mean", "weighted_mean"])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_the_bits_of_numpy(dtype: Any, reduction: Any, calls: list[int]) -> None:
    for family, given in _arrays(dtype):
        tensors = {
            name: torch.from_numpy(v) if isinstance(v, np.ndarray) else v
            for name, v in given.items()
        }
        names = ["loss", "loss_and_gradient", "gradient_and_hessian"]
        for name in (*names, "gradient_and_probabilities"):
            options = {"reduction": reduction}
            wanted = getattr(family, name)(**given, **options)
            found = getattr(family, name)(**tensors, **options)
            pairs = zip(found, wanted, strict=True) if name != "loss" else [(found, wanted)]
            for one, other in pairs:
                assert one.shape == np.shape(other)
                np.testing.assert_array_equal(one.numpy(), other)
        vector = np.cos(given["logits"])
        wanted = family.hessian_vector_product(**given, vector=vector, reduction=reduction)
        vector = torch.from_numpy(vector)
        found = family.hessian_vector_product(**tensors, vector=vector, reduction=reduction)
        np.testing.assert_array_equal(found.numpy(), wanted)
    assert calls


def test_the_functions_of_special_have_the_bits_of_numpy() -> None:
    for dtype in (np.float16, np.float32, np.float64):
        x = (RANDOM.normal(size=(37, 50)) * 4.0).astype(dtype)
        for name in special.__all__:
            function = getattr(special, name)
            for given in (x, x.T, x[::2, ::3], x[:, :7]):
                found = function(torch.from_numpy(given))
                np.testing.assert_array_equal(found.numpy(), function(given))


def test_bfloat16_has_the_bits_of_its_numbers() -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")
    for family, given in _arrays(ml_dtypes.bfloat16):
        tensors = {
            name: torch.from_numpy(v.astype(np.float32)).to(torch.bfloat16)
            if getattr(v, "dtype", None) == ml_dtypes.bfloat16
            else torch.from_numpy(v)
            if isinstance(v, np.ndarray)
            else v
            for name, v in given.items()
        }
        for reduction in ("none", "mean"):
            wanted = family.loss_and_gradient(**given, reduction=reduction)
            found = family.loss_and_gradient(**tensors, reduction=reduction)
            for one, other in zip(found, wanted, strict=True):
                assert one.dtype == torch.bfloat16
                right = np.asarray(other).astype(np.float32)
                np.testing.assert_array_equal(one.to(torch.float32).numpy(), right)


def test_the_gradient_is_computed_beside_the_loss(calls: list[int]) -> None:
    x, z = torch.randn(1000, requires_grad=True), torch.rand(1000)
    mean = sigmoid_xent.loss(labels=z, logits=x, reduction="mean")
    mean.backward()
    assert calls == [2]
    wanted = sigmoid_xent.gradient(labels=z, logits=x.detach(), reduction="mean")
    torch.testing.assert_close(x.grad, wanted, rtol=0, atol=0)


@pytest.mark.parametrize("scale", [0.0, 1.0, -3.0, 65536.0, torch.inf, torch.nan])
@pytest.mark.parametrize("keep", [False, True])
def test_what_the_gradient_is_multiplied_by(scale: float, keep: bool) -> None:
    """A position that is not kept stays 0, whatever the cotangent is."""
    x = torch.randn(40, 5, requires_grad=True)
    y = torch.arange(40) % 5
    mask = torch.arange(40) % 3 != 0
    loss = sparse_softmax_xent.loss(labels=y, logits=x, mask=mask, reduction="mean")
    found = []
    for _ in range(1 + keep):
        (gradient,) = torch.autograd.grad(loss, x, torch.tensor(scale), retain_graph=keep)
        found.append(gradient.clone())
        gradient.fill_(7.0)  # it is the caller's own
    wanted = sparse_softmax_xent.gradient(labels=y, logits=x.detach(), mask=mask, reduction="mean")
    for gradient in found:
        assert gradient[~mask].count_nonzero() == 0
        torch.testing.assert_close(gradient[mask], wanted[mask] * scale, equal_nan=True)


def test_results_of_every_layout_can_be_changed_in_place() -> None:
    x, z = torch.randn(5, 7, requires_grad=True), torch.rand(7, 5)
    for function in (sigmoid_xent.loss, sigmoid_xent.gradient):
        found = function(labels=z, logits=x.t())
        assert found.stride() == x.t().stride()
        wanted = found.detach() * 2.0
        torch.testing.assert_close(found.mul_(2.0), wanted)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("denominator", [0.0, torch.tensor(0.0)])
def test_a_denominator_of_0(dtype: Any, denominator: Any) -> None:
    x = torch.tensor([[1.0, 2.0, 3.0]], dtype=dtype, requires_grad=True)
    z = torch.tensor([[0.0, 1.0, 0.0]], dtype=dtype)
    mean = softmax_xent.loss(labels=z, logits=x, reduction="mean", denominator=denominator)
    mean.backward()
    assert x.grad.tolist() == [[torch.inf, -torch.inf, torch.inf]]


def test_denominators_that_want_a_derivative() -> None:
    """Without a warning that they are looked at."""
    d = torch.tensor(3.0, requires_grad=True)
    x = torch.zeros(6)
    mean = sigmoid_xent.loss(labels=x, logits=x, reduction="mean", denominator=d)
    (slope,) = torch.autograd.grad(mean, d)
    torch.testing.assert_close(slope, -mean.detach() / 3.0)


def test_threads_hold_what_they_write_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where an exception of a signal ends the call before them: they know addresses only."""
    from xent_api._backends.numpy import memory, native

    held: list[Any] = []
    monkeypatch.setattr(
        native, "share", _noting(held, lambda compute, *_: compute.args, memory.share)
    )

    x = torch.randn(600, 1000)
    for logits in (x, x.t()):
        held.clear()
        result = sigmoid_xent.loss(labels=logits, logits=logits)
        addresses = [v.__array_interface__["data"][0] for v in _arrays_in(held)]
        assert result.data_ptr() in addresses
        assert x.data_ptr() in addresses


def _arrays_in(value: Any) -> list[Any]:
    if isinstance(value, torch.Tensor):
        return [value.detach().numpy()]
    if isinstance(value, np.ndarray):
        return [value]
    return (
        [v for part in value for v in _arrays_in(part)] if isinstance(value, list | tuple) else []
    )


def test_half_precision_is_scaled_before_it_is_rounded() -> None:
    x = torch.zeros(2**20, dtype=torch.float16, requires_grad=True)
    z = torch.full((2**20,), 0.5 - 2**-9, dtype=torch.float16)
    scaled = sigmoid_xent.loss(labels=z, logits=x, reduction="mean") * 2.0**15
    scaled.backward()
    assert (x.grad == 2.0**-14).all()


def test_the_backward_pass_has_the_setting_of_the_forward_pass(
    calls: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    from xent_api._backends.execution import current
    from xent_api._backends.torch import native

    seen: list[Any] = []
    monkeypatch.setattr(
        native, "_derivative", _noting(seen, lambda *_: current.get(), native._derivative)
    )
    x, z = torch.randn(9, requires_grad=True), torch.rand(9, requires_grad=True)
    with execution(workers=2):
        loss = sigmoid_xent.loss(labels=z, logits=x, reduction="sum")
    loss.backward()
    assert [setting.workers for setting in seen] == [2, 2]
    assert calls == [1, 1, 1]


def _negative(x: Any) -> Any:
    return torch.complex(x, -x).conj().imag


class Tagged(torch.Tensor):  # type: ignore[misc,name-defined]  # Any where torch is missing
    """A subclass."""


@pytest.mark.parametrize(
    "given",
    [_negative, lambda x: x.as_subclass(Tagged), lambda x: x.to("meta")],
    ids=["negative", "subclass", "meta"],
)
def test_what_never_reaches_a_kernel(given: Any, calls: list[int]) -> None:
    x, z = torch.randn(30, 4), torch.rand(30, 4)
    y = torch.arange(30) % 4
    logits = given(x)
    labels = (z.to(logits.device), y.to(logits.device))
    found = [
        sigmoid_xent.loss(labels=labels[0], logits=logits),
        sparse_softmax_xent.loss(labels=labels[1], logits=logits),
    ]
    assert calls == []
    if logits.device.type == "cpu":
        plain = logits.as_subclass(torch.Tensor).resolve_neg()
        wanted = [
            sigmoid_xent.loss(labels=z, logits=plain),
            sparse_softmax_xent.loss(labels=y, logits=plain),
        ]
        for one, other in zip(found, wanted, strict=True):
            torch.testing.assert_close(one.as_subclass(torch.Tensor), other)


@pytest.mark.filterwarnings("ignore:.torch.jit.script:DeprecationWarning")  # forward mode's own
def test_what_is_watched_never_reaches_a_kernel(calls: list[int]) -> None:
    from torch._subclasses.fake_tensor import FakeTensorMode
    from torch.autograd import forward_ad
    from torch.utils._python_dispatch import TorchDispatchMode

    class Mode(TorchDispatchMode):  # type: ignore[misc]  # Any where torch is missing
        def __torch_dispatch__(
            self, function: Any, _: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            return function(*args, **(kwargs or {}))

    x, z = torch.randn(30, 4), torch.rand(30, 4)

    def loss(logits: Any) -> Any:
        return sigmoid_xent.loss(labels=z, logits=logits)

    with Mode():
        loss(x)
    with FakeTensorMode(allow_non_fake_inputs=True) as mode:
        loss(mode.from_tensor(x))
    torch.func.vmap(lambda v: sigmoid_xent.loss(labels=v, logits=v))(x)
    torch.func.grad(lambda v: loss(v).sum())(x)
    with forward_ad.dual_level():
        loss(forward_ad.make_dual(x, x))
    assert calls == []
    loss(x)
    assert calls == [1]


def test_without_numpy_tensors_take_the_direct_way() -> None:
    script = """
import importlib.abc
import sys
class Hidden(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] == "numpy":
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Hidden())
import warnings
warnings.simplefilter("ignore")
import torch
import xent_api as xa
x = torch.tensor([0.5, -1.0], requires_grad=True)
loss = xa.sigmoid_xent.loss(labels=torch.ones(2), logits=x, reduction="mean")
loss.backward()
print(round(float(loss), 4), [round(v, 4) for v in x.grad.tolist()])
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.stdout.strip() == "0.8937 [-0.1888, -0.3655]", done.stderr


def test_positions_are_counted_by_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    """In this thread: PyTorch's functions would share it, and wait for each other."""
    y = torch.arange(1000) % 7
    kept = torch.arange(1000) % 3 > 0
    weights = torch.full((1000,), 0.5, dtype=torch.float16)
    family = sparse_softmax_xent
    wanted = [
        family.total_weight(labels=y, ignore_index=2, mask=kept),
        family.total_weight(labels=y, mask=kept, weights=weights),
    ]
    monkeypatch.setattr(torch.Tensor, "sum", None)
    monkeypatch.setattr(torch, "sum", None)
    found = [
        family.total_weight(labels=y, ignore_index=2, mask=kept),
        family.total_weight(labels=y, mask=kept, weights=weights),
    ]
    assert [int(v) for v in found[:1]] == [int(((y != 2) & kept).count_nonzero())]
    assert found[1].dtype == torch.float32
    assert float(found[1]) == 333.0
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other)
    differentiated = weights.to(torch.float64).requires_grad_()
    monkeypatch.undo()
    total = family.total_weight(labels=y, mask=kept, weights=differentiated.to(torch.float32))
    (slope,) = torch.autograd.grad(total, differentiated)
    assert (slope == kept).all()


def test_threads_are_those_of_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    from xent_api._graph import tiles

    asked: list[int] = []
    monkeypatch.setattr(tiles, "Team", _noting(asked, lambda *_: 1, tiles.Team))
    x = torch.randn(600_000)
    before = torch.get_num_threads()
    try:
        for count in (1, 2):
            torch.set_num_threads(count)
            sigmoid_xent.loss(labels=x, logits=x, reduction="sum")
            assert asked == [1] * (count - 1)
    finally:
        torch.set_num_threads(before)
    with execution(workers=1):
        sigmoid_xent.loss(labels=x, logits=x, reduction="sum")
    assert len(asked) == 1

"""The real functions of PyTorch beside the facade, over all their options, on random input."""

import inspect
import itertools
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from xent_api.facades import torch as facade

SHAPES = [(5,), (6, 4), (1, 3), (2, 3, 4), (2, 4, 3, 2), (4, 1)]
"""Of the logits, with the classes in axis 1, or 0."""
REDUCTIONS = ("none", "mean", "sum")
DTYPES = (torch.float32, torch.float64)
OLDER = [(None, None), (True, None), (False, None), (None, False), (None, True), (False, True)]


@pytest.mark.parametrize("name", facade.__all__)
def test_signatures(name: str) -> None:
    ours, theirs = (
        [(p.name, p.default) for p in inspect.signature(getattr(m, name)).parameters.values()]
        for m in (facade, functional)
    )
    assert ours == theirs


def _close(ours: Any, theirs: Any, scale: float = 1.0) -> None:
    """Assert one dtype and shape, and a difference of no more than what PyTorch rounds."""
    assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
    eps = torch.finfo(theirs.dtype).eps
    torch.testing.assert_close(ours, theirs, rtol=64 * eps, atol=64 * eps * scale)


def _both(name: str, tensors: tuple[Any, ...], options: dict[str, Any]) -> None:
    """Compare value and gradient on tensors, and the value on NumPy's arrays."""
    values, slopes = [], []
    for module in (facade, functional):
        leaf = tensors[0].clone().requires_grad_()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the older options
            value = getattr(module, name)(leaf, *tensors[1:], **options)
        (slope,) = torch.autograd.grad(value.sum(), leaf)
        values.append(value.detach())
        slopes.append(slope)
    scale = float(tensors[0].abs().max())
    scale *= tensors[0].numel()
    _close(values[0], values[1], scale=scale)
    _close(slopes[0], slopes[1])
    given = {
        key: value.numpy() if isinstance(value, torch.Tensor) else value
        for key, value in options.items()
    }
    arrays = [tensor.numpy() for tensor in tensors]
    found = getattr(facade, name)(*arrays, **given)
    _close(torch.as_tensor(np.asarray(found)), values[0], scale=scale)


def _logits(shape: tuple[int, ...], dtype: Any, seed: int) -> tuple[Any, torch.Generator]:
    random = torch.Generator().manual_seed(seed)
    return 3 * torch.randn(shape, generator=random, dtype=dtype), random


def _older() -> Iterator[dict[str, Any]]:
    for (average, reduce), reduction in itertools.product(OLDER, REDUCTIONS):
        yield {"size_average": average, "reduce": reduce, "reduction": reduction}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_cross_entropy(shape: tuple[int, ...], dtype: Any) -> None:
    logits, random = _logits(shape, dtype, len(shape))
    classes = shape[1] if len(shape) > 1 else shape[0]
    rest = shape[:1] + shape[2:] if len(shape) > 1 else ()
    indices = torch.randint(0, classes, rest, generator=random)
    weight = torch.rand(classes, generator=random, dtype=dtype) + 0.1
    for given, smoothing, ignored, older in itertools.product(
        (None, weight), (0.0, 0.1, 1.0), (-100, 0, 1), _older()
    ):
        if bool((indices == ignored).all()):
            continue  # a mean of nothing: NaN there
        options = {"weight": given, "label_smoothing": smoothing, **older}
        _both("cross_entropy", (logits, indices), options | {"ignore_index": ignored})
    axis = 1 if len(shape) > 1 else 0
    shares = torch.softmax(torch.randn(shape, generator=random, dtype=dtype), axis)
    for given, smoothing, older in itertools.product((None, weight), (0.0, 0.1, 1.0), _older()):
        options = {"weight": given, "label_smoothing": smoothing, **older}
        _both("cross_entropy", (logits, shares), options)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), *SHAPES])
def test_binary_cross_entropy(shape: tuple[int, ...], dtype: Any) -> None:
    logits, random = _logits(shape, dtype, 7)
    labels = torch.rand(shape, generator=random, dtype=dtype)
    last = shape[-1:] or ()
    weights = [None, torch.rand(shape, generator=random, dtype=dtype)]
    weights.append(torch.rand(last, generator=random, dtype=dtype))
    factors = [None, 3 * torch.rand(last, generator=random, dtype=dtype)]
    for weight, factor, older in itertools.product(weights, factors, _older()):
        options = {"weight": weight, "pos_weight": factor, **older}
        _both("binary_cross_entropy_with_logits", (logits, labels), options)


@pytest.mark.parametrize("half", [torch.float16, torch.bfloat16])
def test_autocast(half: Any) -> None:
    """The dtypes of PyTorch's own losses, with derivatives in that of the logits."""
    logits, random = _logits((6, 4), torch.float32, 0)
    indices = torch.randint(0, 4, (6,), generator=random)
    for inside, reduction in itertools.product((True, False), REDUCTIONS):
        with torch.autocast("cpu", dtype=half, enabled=inside):
            leaf = logits.to(half).requires_grad_()
            ours = facade.cross_entropy(leaf, indices, reduction=reduction)
            theirs = functional.cross_entropy(leaf, indices, reduction=reduction)
        assert ours.dtype == theirs.dtype
        (slope,) = torch.autograd.grad(1024 * ours.sum(), leaf)
        assert slope.dtype == half


def test_what_differs_on_purpose() -> None:
    logits = torch.zeros(2, 3)
    nothing = torch.tensor([-100, -100])
    assert functional.cross_entropy(logits, nothing).isnan()
    assert facade.cross_entropy(logits, nothing) == 0.0
    beyond = torch.tensor([0, 7])
    with pytest.raises(IndexError):
        functional.cross_entropy(logits, beyond)
    assert facade.cross_entropy(logits, beyond, reduction="none").isnan().tolist() == [False, True]
    narrow = torch.tensor([0, 1], dtype=torch.int32)
    with pytest.raises(RuntimeError):
        functional.cross_entropy(logits, narrow)
    assert facade.cross_entropy(logits, narrow) == facade.cross_entropy(logits, narrow.long())
    whole = torch.tensor([[0, 1, 1], [1, 0, 0]])
    with pytest.raises(RuntimeError):
        functional.binary_cross_entropy_with_logits(logits, whole)
    assert facade.binary_cross_entropy_with_logits(logits, whole).dtype == torch.float32
    double = 2.0 * torch.softmax(torch.arange(6.0).reshape(2, 3), 1)
    theirs = functional.cross_entropy(logits, double, label_smoothing=0.3, reduction="none")
    ours = facade.cross_entropy(logits, double, label_smoothing=0.3, reduction="none")
    # Of labels that sum to 2 it smooths what would be left of 1.
    torch.testing.assert_close(ours / theirs, torch.full((2,), 2.0 / 1.7))
    wider = torch.rand(2, 3, dtype=torch.float64)
    assert functional.cross_entropy(logits, wider).dtype == torch.float64
    with pytest.raises(TypeError, match="`target` must be real and no wider"):
        facade.cross_entropy(logits, wider)
    confident = torch.tensor([[40.0, 0.0]])
    assert functional.cross_entropy(confident, torch.tensor([0])) == 0.0
    assert 4e-18 < facade.cross_entropy(confident, torch.tensor([0])) < 5e-18

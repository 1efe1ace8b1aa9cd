"""NumPy's tiles: the same bits as whole arrays, in no more memory than the results."""

import itertools
import math
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest

from xent_api import sigmoid_xent
from xent_api._execution.tiles import cut, places

np = pytest.importorskip("numpy")

SHAPES = [(7,), (1,), (40,), (3, 5), (5, 3), (1, 40), (40, 1), (4, 1, 6), (2, 3, 4, 2), (0, 3), ()]


@pytest.mark.parametrize("size", [1, 2, 6, 7, 24, 1000])
@pytest.mark.parametrize("shape", SHAPES)
def test_places_are_all_there_in_order(shape: tuple[int, ...], size: int) -> None:
    whole = np.arange(math.prod(shape)).reshape(shape)
    parts = [whole[place].ravel() for place in places(shape, size)]
    assert all(part.size <= size for part in parts)
    np.testing.assert_array_equal(np.concatenate([whole.ravel()[:0], *parts]), whole.ravel())


def test_operands_are_cut_as_they_broadcast() -> None:
    shape = (4, 3, 5)
    for small in [(), (1,), (5,), (3, 1), (1, 1, 5), (4, 1, 1), (4, 3, 5)]:
        operand = np.arange(math.prod(small)).reshape(small)
        whole = np.broadcast_to(operand, shape)
        for place in places(shape, 5):
            wanted = whole[place]
            assert np.shares_memory(cut(operand, place, shape), operand)
            np.testing.assert_array_equal(
                np.broadcast_to(cut(operand, place, shape), wanted.shape), wanted
            )


@pytest.fixture
def small_tiles() -> Iterator[None]:
    """Tiles of 64 elements, for arrays of some hundreds."""
    from xent_api._execution import numpy as backend

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backend, "TILE", 64)
        patch.setattr(backend, "DIRECT", 1)
        yield


def _arguments(dtype: str) -> Iterator[dict[str, Any]]:
    random = np.random.default_rng(3)
    logits = random.normal(0.0, 20.0, (31, 13)).astype(dtype)
    logits[0, :4] = [np.inf, -np.inf, np.nan, -0.0]
    labels = np.round(random.random((31, 13)), 1).astype(dtype)
    plain = {"logits": logits, "labels": labels}
    yield plain
    yield {"logits": logits.T, "labels": labels.T}
    yield {"logits": logits[::2, ::-1], "labels": labels[::2, ::-1]}
    yield {"logits": np.asfortranarray(logits), "labels": labels}
    yield plain | {"mask": random.random((31, 1)) < 0.7, "ignore_index": 0.5}
    yield plain | {"weights": random.random(13).astype(dtype), "pos_weight": 3.0}
    yield plain | {"pos_weight": random.random((31, 1)).astype(dtype), "label_smoothing": 0.1}


@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_tiles_give_the_bits_of_whole_arrays(dtype: str, reduction: Any) -> None:
    from xent_api._execution import numpy as backend

    names = ("loss", "loss_and_gradient", "gradient_and_hessian")
    for name, arguments in itertools.product(names, _arguments(dtype)):
        function = getattr(sigmoid_xent, name)
        found = []
        for tile, direct in ((64, 1), (2**16, 2**20)):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(backend, "TILE", tile)
                patch.setattr(backend, "DIRECT", direct)
                result = function(**arguments, reduction=reduction)
                found.append(result if isinstance(result, tuple) else (result,))
        for tiled, whole in zip(*found, strict=True):
            assert (tiled.shape, tiled.dtype, type(tiled)) == (
                whole.shape,
                whole.dtype,
                type(whole),
            )
            # A sum of float64 parts is rounded differently only beyond the digits of float32.
            tolerance = 1e-15 if tiled.ndim == 0 and dtype == "float64" else 0.0
            np.testing.assert_allclose(tiled, whole, rtol=tolerance, atol=0.0)


def test_total_weight_in_tiles(small_tiles: None) -> None:
    for arguments in _arguments("float32"):
        given = {k: arguments[k] for k in ("labels", "mask", "weights") if k in arguments}
        labels = given["labels"]
        mask = np.broadcast_to(given.get("mask", True), labels.shape)
        weights = np.broadcast_to(given.get("weights", 1), labels.shape)
        total = sigmoid_xent.total_weight(**given, ignore_index=0.5)
        kept = mask & (labels != np.asarray(0.5, labels.dtype))
        assert total == pytest.approx(weights[kept].sum(dtype=np.float64), rel=1e-6)
        assert total.dtype == (np.float32 if "weights" in given else np.int64)


def test_memory_beyond_inputs_and_results() -> None:
    logits = np.zeros(4_000_000, dtype=np.float32)
    labels = np.ones(4_000_000, dtype=np.int8)
    mask = np.ones(4_000_000, dtype=bool)
    whole = logits.nbytes
    for name, results in (("loss", 0), ("loss_and_gradient", 1), ("gradient_and_hessian", 2)):
        tracemalloc.start()
        try:
            getattr(sigmoid_xent, name)(
                labels=labels, logits=logits, mask=mask, ignore_index=-1, reduction="mean"
            )
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < results * whole + 6_000_000

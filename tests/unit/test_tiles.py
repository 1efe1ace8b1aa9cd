"""Tiles are all there, and need no more memory than the results."""

import math
import tracemalloc

import pytest
from limits import limits

from xent_api import sigmoid_xent
from xent_api._backends.numpy.kernels import KERNELS
from xent_api._graph.tiles import tiles

np = pytest.importorskip("numpy")

SHAPES = [(7,), (1,), (40,), (3, 5), (5, 3), (1, 40), (40, 1), (4, 1, 6), (2, 3, 4, 2), (0, 3), ()]


@pytest.mark.parametrize("workers", [1, 2, 3])
@pytest.mark.parametrize("size", [1, 2, 6, 7, 24, 1000])
@pytest.mark.parametrize("shape", SHAPES)
def test_tiles_are_all_there_in_order(shape: tuple[int, ...], size: int, workers: int) -> None:
    whole = np.arange(math.prod(shape)).reshape(shape)
    parts = [whole[tile].ravel() for tile in tiles(shape, size, workers)]
    assert all(part.size <= size for part in parts)
    np.testing.assert_array_equal(np.concatenate([whole.ravel()[:0], *parts]), whole.ravel())


def test_workers_have_equally_many_tiles_of_a_size() -> None:
    sizes = [tile[0].stop - tile[0].start for tile in tiles((10_000_000,), 2**18, 2)]
    assert len(sizes) == 40
    assert set(sizes) == {250_000}


@pytest.mark.parametrize("small", [(), (1,), (5,), (3, 1), (1, 1, 5), (4, 1, 1), (1, 1, 1)])
@pytest.mark.parametrize("size", [2, 5, 7, 15, 60])
def test_operands_are_cut_as_they_broadcast(small: tuple[int, ...], size: int) -> None:
    shape = (4, 3, 5)
    logits, random = np.linspace(-3.0, 3.0, 60).reshape(shape), np.random.default_rng(0)
    labels, weights = np.asfortranarray(logits > 0.5), random.random(small)
    wanted = sigmoid_xent.loss(labels=labels, logits=logits, weights=weights)
    with limits(direct_elements=1, tile_elements=size):
        got = sigmoid_xent.loss(labels=labels, logits=logits, weights=weights)
        whole = np.broadcast_to(weights, shape)
        turned = sigmoid_xent.loss(labels=labels.T, logits=logits.T, weights=whole.T)
    np.testing.assert_array_equal(got, wanted)
    np.testing.assert_array_equal(turned, wanted.T)


def test_memory_beyond_inputs_and_results() -> None:
    logits = np.zeros(4_000_000, dtype=np.float32)
    labels = np.ones(4_000_000, dtype=np.int8)
    mask = np.ones(4_000_000, dtype=bool)
    whole = logits.nbytes
    sigmoid_xent.loss(labels=labels[:1], logits=logits[:1])  # what is imported is not counted
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


@pytest.mark.parametrize("name", ["set_at_label", "zero_at_label"])
def test_what_others_need_is_copied_before_a_label_is_changed(name: str) -> None:
    kernel = KERNELS.kernels[name]
    index, value, x = np.asarray([[1], [5]]), np.asarray([[7.0], [9.0]]), np.ones((2, 3))
    operands = (index, value, x) if name == "set_at_label" else (index, x)
    changed = [7.0, 9.0] if name == "set_at_label" else [0.0, 0.0]
    out = np.zeros((2, 3))
    assert kernel(*operands, out=out) is out
    assert out.tolist() == [[1.0, changed[0], 1.0], [1.0, 1.0, changed[1]]]
    assert x.tolist() == [[1.0] * 3] * 2
    assert kernel(*operands, out=x) is x  # in place
    assert x.tolist() == out.tolist()

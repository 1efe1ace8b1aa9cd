"""Tiles are all there, and need no more memory than the results."""

import math
import tracemalloc
from importlib import import_module

import pytest

from xent_api import sigmoid_xent
from xent_api._graph.tiles import cut, places

np = pytest.importorskip("numpy")

SHAPES = [(7,), (1,), (40,), (3, 5), (5, 3), (1, 40), (40, 1), (4, 1, 6), (2, 3, 4, 2), (0, 3), ()]


@pytest.mark.parametrize("workers", [1, 2, 3])
@pytest.mark.parametrize("size", [1, 2, 6, 7, 24, 1000])
@pytest.mark.parametrize("shape", SHAPES)
def test_places_are_all_there_in_order(shape: tuple[int, ...], size: int, workers: int) -> None:
    whole = np.arange(math.prod(shape)).reshape(shape)
    parts = [whole[place].ravel() for place in places(shape, size, workers)]
    assert all(part.size <= size for part in parts)
    np.testing.assert_array_equal(np.concatenate([whole.ravel()[:0], *parts]), whole.ravel())


def test_workers_have_equally_many_tiles_of_a_size() -> None:
    sizes = [place[0].stop - place[0].start for place in places((10_000_000,), 2**18, 2)]
    assert len(sizes) == 40
    assert set(sizes) == {250_000}


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


@pytest.mark.parametrize("library", ["numpy", "torch"])
@pytest.mark.parametrize("name", ["add_at", "add_at_within", "clear", "clear_within"])
def test_what_others_need_is_copied_before_a_label_is_changed(library: str, name: str) -> None:
    xp = pytest.importorskip(library)
    function = import_module(f"xent_api._backends.{library}.kernels").DIALECT.functions[name]
    spot, one, other = xp.asarray([[1], [5]]), xp.asarray([[7.0], [9.0]]), xp.ones((2, 3))
    operands = (spot, one, other) if name.startswith("add_at") else (spot, other)
    changed = [8.0, 10.0] if name.startswith("add_at") else [0.0, 0.0]
    out = xp.zeros((2, 3))
    assert function(*operands, out=out) is out
    assert out.tolist() == [[1.0, changed[0], 1.0], [1.0, 1.0, changed[1]]]
    assert other.tolist() == [[1.0] * 3] * 2
    assert function(*operands, out=other) is other  # in place
    assert other.tolist() == out.tolist()

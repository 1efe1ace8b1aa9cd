"""Lazy arrays: nothing is computed by a call, and unknown dimensions fit any."""

from typing import Any

import pytest

from xent_api import sigmoid_xent, sparse_softmax_xent

np = pytest.importorskip("numpy")


@pytest.fixture
def da() -> Any:
    return pytest.importorskip("dask.array")


@pytest.fixture
def points() -> dict[str, Any]:
    rng = np.random.default_rng(1)
    return {
        "logits": rng.normal(size=(23, 4)).astype(np.float32),
        "labels": rng.random(size=(23, 4)).astype(np.float32),
        "mask": rng.random(size=(23, 1)) < 0.7,
        "weights": rng.random(size=(4,)).astype(np.float32),
    }


def _never(*_: Any, **__: Any) -> Any:
    raise AssertionError("a call computed a lazy array")


FUNCTIONS = (
    *("loss", "gradient", "loss_and_gradient", "gradient_and_hessian"),
    "gradient_and_probabilities",
)


@pytest.mark.parametrize("reduction", ["none", "sum", "mean", "weighted_mean"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_dask_computes_nothing_and_agrees_with_numpy(
    da: Any, points: dict[str, Any], name: str, reduction: str
) -> None:
    import dask

    # Chunks of different sizes on every argument, none of them equal.
    lazy = {
        key: da.from_array(value, chunks=3 + i) for i, (key, value) in enumerate(points.items())
    }
    function = getattr(sigmoid_xent, name)
    with dask.config.set(scheduler=_never):
        found = function(**lazy, reduction=reduction, ignore_index=0.5)
    wanted = function(**points, reduction=reduction, ignore_index=0.5)
    found, wanted = (v if isinstance(v, tuple) else (v,) for v in (found, wanted))
    for got, value in zip(found, wanted, strict=True):
        assert isinstance(got, da.Array)
        computed = got.compute()
        assert computed.dtype == got.dtype == value.dtype
        assert computed.shape == got.shape == value.shape
        np.testing.assert_allclose(computed, value, rtol=1e-6)


def test_dask_takes_chunks_of_which_nothing_is_left(da: Any) -> None:
    """Of unknown sizes; one chunk is empty."""
    x, y = np.arange(24.0).reshape(6, 4), np.asarray([0, 1, 2, 3, 0, 1])
    keep = np.asarray([True, True, False, False, False, True])
    logits, labels = da.from_array(x, chunks=(2, 4)), da.from_array(y, chunks=2)
    which = da.from_array(keep, chunks=2)
    weights = da.from_array(np.asarray([1.0, 2.0, 3.0, 4.0]), chunks=4)
    for options in ({}, {"class_weights": weights}):
        lazy = {"labels": labels[which], "logits": logits[which], **options}
        given = {"labels": y[keep], "logits": x[keep]}
        given |= {name: value.compute() for name, value in options.items()}
        for name in ("loss", "gradient", "total_weight"):
            found = getattr(sparse_softmax_xent, name)(**lazy).compute()
            np.testing.assert_allclose(found, getattr(sparse_softmax_xent, name)(**given))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_dask_gets_one_layer_that_computes(da: Any, points: dict[str, Any], name: str) -> None:
    """Two results come out of one layer, whose blocks are computed once for both."""
    import dask

    from xent_api._backends.numpy import NumpyBackend

    lazy = {
        key: da.from_array(value, chunks=(12, 4)[-value.ndim :]) for key, value in points.items()
    }
    found = getattr(sigmoid_xent, name)(**lazy)
    results = found if isinstance(found, tuple) else (found,)
    before = {layer for array in lazy.values() for layer in array.dask.layers}
    layers = {layer for array in results for layer in array.dask.layers} - before
    computing = {layer for layer in layers if "itemgetter" not in layer}
    assert len(computing) == 1
    assert len(layers) - len(computing) == (len(results) if len(results) > 1 else 0)
    calls = []
    right = NumpyBackend.evaluate

    def counted(*args: Any) -> Any:
        calls.append(1)
        return right(*args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(NumpyBackend, "evaluate", counted)
        dask.compute(*results, scheduler="synchronous")
    assert len(calls) == 2  # blocks


def test_dask_with_unknown_chunks(da: Any, points: dict[str, Any]) -> None:
    keep = points["mask"][:, 0]
    lazy = {name: da.from_array(points[name], chunks=(5, 4)) for name in ("logits", "labels")}
    unknown = {name: value[da.from_array(keep, chunks=5)] for name, value in lazy.items()}
    known = {name: points[name][keep] for name in unknown}
    weights = points["weights"]
    for options in ({}, {"ignore_index": 0.5}, {"label_smoothing": 0.1}):
        found = sigmoid_xent.loss_and_gradient(
            **unknown, reduction="mean", weights=da.from_array(weights), **options
        )
        wanted = sigmoid_xent.loss_and_gradient(
            **known, reduction="mean", weights=weights, **options
        )
        for got, value in zip(found, wanted, strict=True):
            np.testing.assert_allclose(got.compute(), value, rtol=1e-6)
    count = sigmoid_xent.total_weight(labels=unknown["labels"])
    assert count.compute() == known["labels"].size
    # A mask that broadcasts is counted once for each position that it stands for.
    row = np.asarray([True, False, True, True])
    masked = sigmoid_xent.total_weight(labels=unknown["labels"], mask=da.from_array(row))
    assert masked.compute() == 3 * known["labels"].shape[0]
    total = sigmoid_xent.total_weight(labels=unknown["labels"], weights=da.from_array(weights))
    np.testing.assert_allclose(
        total.compute(), weights.sum(dtype=np.float64) * known["labels"].shape[0], rtol=1e-6
    )


def test_dask_with_unknown_chunks_that_do_not_fit_is_an_error_and_no_number(da: Any) -> None:
    keep = da.from_array(np.ones(4, dtype=bool), chunks=4)
    logits = da.from_array(np.asarray([0.5, -1.0, 2.0, 3.0]), chunks=((1, 3),))[keep]
    labels = da.from_array(np.asarray([1.0, 0.0, 1.0, 0.0]), chunks=((3, 1),))[keep]
    mean = sigmoid_xent.loss(labels=labels, logits=logits, reduction="mean")
    with pytest.raises(ValueError, match="`logits`, `labels` must agree"):
        mean.compute()
    one = da.from_array(np.asarray([1.0, 2.0, 3.0]), chunks=3)
    slope = sigmoid_xent.gradient(labels=one[one > 0], logits=one[one > 2])
    with pytest.raises(ValueError, match=r"must agree .* got blocks of shapes \[\(1,\), \(3,\)\]"):
        slope.compute()


def test_dask_with_an_empty_block_beside_a_full_one_is_an_error(da: Any) -> None:
    values = da.from_array(np.asarray([1.0, -1.0, 5.0, 6.0]), chunks=2)
    mean = sigmoid_xent.loss(labels=values[values > 0], logits=values[values > 4], reduction="mean")
    with pytest.raises(ValueError, match="must agree"):
        mean.compute()


def test_dask_with_an_unknown_mask_beside_known_labels(da: Any) -> None:
    mask = np.asarray([True, False, True])
    unknown = da.from_array(mask, chunks=3)[da.from_array(np.ones(3, dtype=bool), chunks=3)]
    count = sigmoid_xent.total_weight(labels=da.zeros(3, chunks=3), mask=unknown)
    assert count.compute() == 2


def test_dask_counts_in_more_bits_than_its_blocks(da: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """As with blocks of JAX without float64: each count fits, and their sum does not."""
    from xent_api._backends.numpy import NumpyBackend

    def narrow(self: Any, value: Any) -> Any:
        return np.int16(np.count_nonzero(value))

    def wide(self: Any, like: Any) -> Any:
        return np.int16 if like.size < 2**15 else np.float32

    monkeypatch.setattr(NumpyBackend, "total", narrow)
    monkeypatch.setattr(NumpyBackend, "count_dtype", wide)
    labels = da.zeros(100_000, chunks=10_000, dtype=np.int8)
    total = sigmoid_xent.total_weight(labels=labels, ignore_index=1)
    assert total.dtype == np.float32
    assert total.compute(scheduler="synchronous") == 100_000


def test_dask_refuses_masked_chunks(da: Any) -> None:
    labels = da.ma.masked_array(np.asarray([0.0, 1.0]), mask=[True, False])
    with pytest.raises(TypeError, match="`labels` must be a base array"):
        sigmoid_xent.loss(labels=labels, logits=da.zeros(2))


def test_dask_refuses_chunks_of_no_namespace(da: Any) -> None:
    class Foreign:
        shape, ndim, dtype = (2,), 1, np.dtype("f4")

    chunks = da.Array({("x", 0): Foreign()}, "x", ((2,),), meta=np.empty(0, "f4"))
    chunks._meta = Foreign()
    with pytest.raises(TypeError, match=r"`labels` must be .* chunks of an array namespace"):
        sigmoid_xent.loss(labels=chunks, logits=da.zeros(2, dtype="f4"))


def test_the_number_of_classes_must_be_known() -> None:
    ndx = pytest.importorskip("ndonnx")
    logits = ndx.argument(shape=("N", "K"), dtype=ndx.float32)
    labels = ndx.argument(shape=("N",), dtype=ndx.int64)
    with pytest.raises(ValueError, match="`logits` must have a known number of classes"):
        sparse_softmax_xent.loss(labels=labels, logits=logits)


def test_dask_adds_up_without_floating_point_warnings(da: Any) -> None:
    logits = da.from_array(np.asarray([1.7e308] * 8 + [np.inf]), chunks=3)
    labels = da.from_array(np.asarray([0.0] * 8 + [2.0]), chunks=3)
    with np.errstate(all="raise"):
        total = sigmoid_xent.loss(labels=labels, logits=logits, reduction="sum")
        assert np.isnan(total.compute(scheduler="synchronous"))


def test_dask_gives_no_floating_point_warning_in_its_workers(da: Any) -> None:
    logits = np.asarray([1e3, -1e3, np.inf, -np.inf, np.nan, 3e38], dtype=np.float32)
    lazy = {
        "logits": da.from_array(logits, chunks=2),
        "labels": da.from_array(np.ones_like(logits), chunks=2),
    }
    with np.errstate(all="raise"):
        losses, slopes = sigmoid_xent.loss_and_gradient(**lazy, weights=1e30)
        losses.compute(scheduler="synchronous")
        slopes.compute(scheduler="synchronous")


def test_dask_checks_shapes_that_it_knows(da: Any) -> None:
    with pytest.raises(ValueError, match="`labels` must have the shape of `logits`"):
        sigmoid_xent.loss(labels=da.zeros((3, 5)), logits=da.zeros((3, 4)))


@pytest.mark.parametrize("reduction", ["none", "mean"])
def test_ndonnx_traces_with_a_dynamic_shape(points: dict[str, Any], reduction: Any) -> None:
    ndx = pytest.importorskip("ndonnx")
    ort = pytest.importorskip("onnxruntime")
    arrays = {
        "logits": ndx.argument(shape=("N", 4), dtype=ndx.float32),
        "labels": ndx.argument(shape=("N", 4), dtype=ndx.float32),
        "mask": ndx.argument(shape=("N", 1), dtype=ndx.bool),
        "weights": ndx.argument(shape=(4,), dtype=ndx.float32),
    }
    loss, slope = sigmoid_xent.loss_and_gradient(**arrays, reduction=reduction)
    weight = sigmoid_xent.total_weight(
        **{name: arrays[name] for name in ("labels", "mask", "weights")}
    )
    model = ndx.build(arrays, {"loss": loss, "slope": slope, "weight": weight})
    session = ort.InferenceSession(model.SerializeToString())
    feed = {value.name: points[_source(value.name, arrays)] for value in session.get_inputs()}
    found = dict(zip((v.name for v in session.get_outputs()), session.run(None, feed), strict=True))
    wanted = sigmoid_xent.loss_and_gradient(**points, reduction=reduction)
    np.testing.assert_allclose(_output(found, "loss"), wanted[0], rtol=1e-6)
    np.testing.assert_allclose(_output(found, "slope"), wanted[1], rtol=1e-5, atol=1e-8)
    total = sigmoid_xent.total_weight(
        **{name: points[name] for name in ("labels", "mask", "weights")}
    )
    np.testing.assert_allclose(_output(found, "weight"), total, rtol=1e-6)


def _source(name: str, arrays: dict[str, Any]) -> str:
    """Return the argument that an input of the exported model belongs to."""
    return next(key for key in arrays if name == key or name.startswith(f"{key}_"))


def _output(found: dict[str, Any], name: str) -> Any:
    return next(value for key, value in found.items() if key == name or key.startswith(f"{name}_"))

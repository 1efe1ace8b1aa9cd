"""JAX: what training code does with a loss."""

import math
from typing import Any

import pytest

from xent_api import sigmoid_xent, softmax_xent, sparse_softmax_xent
from xent_api.testing.suite import Suite

pytestmark = [
    pytest.mark.autodiff,
    pytest.mark.only("jax"),
    pytest.mark.eager,
    pytest.mark.dtypes("float32"),
]
NAMES = ("logits", "labels", "weights", "pos_weight")


def _operands(suite: Suite, dtype: str, seed: int = 0) -> tuple[Any, ...]:
    import numpy as np

    random = np.random.default_rng(seed)
    shapes = ((5, 3), (5, 3), (3,), (5, 1))
    values = [random.uniform(size=shape) for shape in shapes]
    values[0] = 8.0 * values[0] - 4.0
    return tuple(suite.array(value.tolist(), dtype) for value in values)


@pytest.mark.dtypes("float64")
@pytest.mark.parametrize("reduction", ["none", "mean"])
@pytest.mark.parametrize("name", ["loss", "gradient", "loss_and_gradient", "gradient_and_hessian"])
def test_derivatives_in_all_operands(suite: Suite, dtype: str, name: str, reduction: str) -> None:
    """Both modes and both orders, against finite differences."""
    from jax.test_util import check_grads

    operands = _operands(suite, dtype)
    mask = operands[1] > 0.3

    def function(*values: Any) -> Any:
        given = map(suite.target.xp.asarray, values)  # the finite differences are NumPy's
        return getattr(sigmoid_xent, name)(
            **dict(zip(NAMES, given, strict=True)),
            mask=mask,
            label_smoothing=0.1,
            reduction=reduction,
        )

    check_grads(function, operands, order=2)


def test_the_denominator_is_differentiated_too(suite: Suite, dtype: str) -> None:
    """A weighted mean depends on the weights twice."""
    import jax

    logits, labels, weights, _ = _operands(suite, dtype)

    def mean(w: Any) -> Any:
        total = sigmoid_xent.total_weight(labels=labels, weights=w)
        given = {"labels": labels, "logits": logits, "weights": w}
        slopes = sigmoid_xent.gradient(**given, reduction="mean", denominator=total)
        losses = sigmoid_xent.loss(**given, reduction="mean", denominator=total)
        return losses + slopes.sum()

    # The mean does not change when all weights are scaled.
    slope = jax.grad(mean)(weights)
    assert abs(float((slope * weights).sum())) < 1e-6
    assert abs(float(slope[0])) > 1e-3


def test_primals_that_are_no_jax_arrays(suite: Suite, dtype: str) -> None:
    import jax
    import jax.numpy as jnp
    import numpy as np

    def by_label(z: Any) -> Any:
        return sigmoid_xent.loss(labels=z, logits=jnp.ones(2, jnp.float32), ignore_index=0.1)

    labels = np.asarray([0.1, 0.5], dtype=np.float32)
    loss, slope = jax.jvp(by_label, (labels,), (np.ones(2, dtype=np.float32),))
    assert (float(loss[0]), float(slope[0]), float(slope[1])) == (0.0, 0.0, -1.0)

    def by_logit(x: Any) -> Any:
        return sigmoid_xent.loss(labels=jnp.asarray(1.0), logits=x)

    for slope in (
        jax.jvp(by_logit, (0.0,), (1.0,))[1],
        jax.jacfwd(by_logit)(0.0),
        jax.grad(by_logit)(0.0),
    ):
        assert float(slope) == -0.5
    assert float(jax.hessian(by_logit)(0.0)) == 0.25


@pytest.mark.dtypes("float64")
def test_a_wider_primal_is_ignored_as_the_loss_ignores_it(suite: Suite, dtype: str) -> None:
    import jax
    import numpy as np

    def loss(z: Any) -> Any:
        return sigmoid_xent.loss(labels=z, logits=z * 0.0 + 1.0, ignore_index=0.1)

    _, slope = jax.jvp(loss, (np.asarray([0.1, 0.5]),), (np.ones(2),))
    assert (float(slope[0]), float(slope[1])) == (0.0, -1.0)


def test_values_that_are_not_finite_do_not_reach_below_the_mask(suite: Suite, dtype: str) -> None:
    import jax
    import jax.numpy as jnp

    given = {
        "labels": suite.array([1.0, 0.0, 0.0], dtype),
        "mask": suite.array([True, False, True], "bool"),
    }
    start = suite.array([0.5, 0.0, 2.0], dtype)

    def forward(t: Any) -> Any:
        return sigmoid_xent.loss(logits=jnp.log(t), **given)  # its slope at 0 is infinite

    tangent = jax.jvp(forward, (start,), (jnp.ones_like(start),))[1]
    assert float(tangent[1]) == 0.0
    slope = jax.grad(lambda x: jnp.sqrt(sigmoid_xent.loss(logits=x, **given)).sum())(start)
    assert float(slope[1]) == 0.0
    slope = jax.grad(
        lambda x: sigmoid_xent.loss(logits=x, **given, reduction="mean", denominator=0.0)
    )(start)
    assert float(slope[1]) == 0.0


def test_new_values_do_not_trace_again(suite: Suite, dtype: str) -> None:
    import jax

    traced = []

    def mean(logits: Any, labels: Any, weights: Any, pos_weight: Any) -> Any:
        traced.append(1)
        return sigmoid_xent.loss(
            labels=labels,
            logits=logits,
            weights=weights,
            pos_weight=pos_weight,
            ignore_index=0.0,
            reduction="mean",
        )

    step = jax.jit(jax.value_and_grad(mean))
    for seed in range(3):
        operands = _operands(suite, dtype, seed)
        given = dict(zip(NAMES, operands, strict=True)) | {"reduction": "mean"}
        value, slope = step(*operands)
        suite.assert_close(value, sigmoid_xent.loss(**given), dtype)
        suite.assert_close(slope, sigmoid_xent.gradient(**given), dtype)
    assert len(traced) == 1


def test_the_gradient_is_all_that_is_kept_for_the_backward_pass(suite: Suite, dtype: str) -> None:
    import jax

    logits, labels, _, _ = _operands(suite, dtype)
    _, pull = jax.vjp(lambda x: sigmoid_xent.loss(labels=labels, logits=x), logits)
    kept = [leaf for leaf in jax.tree_util.tree_leaves(pull) if leaf.shape == logits.shape]
    assert len(kept) == 1
    suite.assert_equal(kept[0], sigmoid_xent.gradient(labels=labels, logits=logits))


MADE: dict[str, Any] = {
    "a number": lambda a, t: a * 3.7 * t,
    "a temperature": lambda a, t: a / (0.7 * t),
    "of each class": lambda a, t: a * (1.0 + a[:1]) * t,
    "bounded": lambda a, t: 30.0 * t * (a / (30.0 + abs(a))),
}
"""Products, which XLA computes once more for each kernel that takes them, and there rounds less."""


@pytest.mark.parametrize("classes", [3, 10, 300])
@pytest.mark.parametrize("name", MADE)
def test_logits_that_are_made_under_jit(suite: Suite, dtype: str, name: str, classes: int) -> None:
    import jax
    import numpy as np

    random = np.random.default_rng(classes)
    a = suite.array((10.0 * random.normal(size=(200, classes))).tolist(), dtype)
    t = suite.array(1.3, dtype)
    x = np.asarray(jax.jit(MADE[name])(a, t)).astype(float)
    labels = x.argmax(axis=1)
    rest = np.exp(x - x.max(axis=1, keepdims=True))
    rest[np.arange(200), labels] = 0.0
    wanted = np.log1p(rest.sum(axis=1))
    dense = jax.nn.one_hot(labels, classes, dtype=a.dtype)
    for module, z in ((sparse_softmax_xent, jax.numpy.asarray(labels)), (softmax_xent, dense)):

        def losses(a: Any, t: Any, module: Any = module, z: Any = z) -> Any:
            return module.loss(labels=z, logits=MADE[name](a, t))

        found, slope = jax.jit(jax.value_and_grad(lambda *v: losses(*v).sum()))(a, t)
        each = np.asarray(jax.jit(losses)(a, t)).astype(float)
        # The logits themselves may be rounded otherwise, or not at all, which no loss can know.
        bound = (4.0 * 2.0**-23 * np.abs(x).max(axis=1) + 1e-6) * wanted
        normal = wanted > 1e-30  # below, a part of a row may be flushed to 0
        assert (np.abs(each - wanted) <= bound)[normal].all()
        assert np.isfinite(np.asarray(slope)).all()
        assert float(found) == pytest.approx(wanted.sum(), rel=1e-5)


def test_operands_that_do_not_all_vary_over_a_mesh(suite: Suite, dtype: str) -> None:
    import jax
    from jax.sharding import PartitionSpec

    if not hasattr(jax, "shard_map"):
        pytest.skip("JAX 0.5 has no `shard_map`")
    mesh = jax.make_mesh((1,), ("rows",), axis_types=(jax.sharding.AxisType.Auto,))
    x = suite.array([[1.0, -2.0, 0.5], [0.0, 3.0, 3.0]], dtype)
    z = suite.array([[0.2, 0.3, 0.5], [1.0, 0.0, 0.0]], dtype)

    def losses(logits: Any, labels: Any) -> Any:
        return softmax_xent.loss(labels=labels, logits=logits)

    split, whole = PartitionSpec("rows"), PartitionSpec()
    sharded = jax.shard_map(losses, mesh=mesh, in_specs=(split, whole), out_specs=split)
    suite.assert_ulp(jax.jit(sharded)(x, z), suite.floats(losses(x, z)), dtype)


def test_ranks_are_not_promoted(suite: Suite, dtype: str) -> None:
    import jax

    x = suite.array([[1.0, -2.0, 0.5], [0.0, 3.0, 3.0]], dtype)
    labels = jax.numpy.asarray([2, 1])
    with jax.numpy_rank_promotion("raise"):
        for smoothing in (0.0, 0.1):
            given: dict[str, Any] = {"logits": x, "label_smoothing": smoothing}
            both = sparse_softmax_xent.loss_and_gradient(labels=labels, **given)
            softmax_xent.loss_and_gradient(labels=x, **given)
            slope = jax.jit(sparse_softmax_xent.gradient)(labels=labels, logits=x)
    assert [value.shape for value in both] == [(2,), (2, 3)]
    assert slope.shape == (2, 3)


@pytest.mark.nightly
@pytest.mark.everywhere
@pytest.mark.parametrize("shape", [(2_200_000_000,), (22_000, 100_000)], ids=str)
def test_more_positions_than_32_bits_count(suite: Suite, shape: tuple[int, ...]) -> None:
    """Without float64 JAX's integers have 32 bits, and its sums wrap around without an error."""
    if suite.target.name != "jax:x32":
        pytest.skip("a count has 64 bits here")
    import jax
    import jax.numpy as jnp

    size, ulp = math.prod(shape), 2**8
    labels = jnp.zeros(shape, jnp.int8)
    mask = jnp.arange(shape[-1]) != 3 if len(shape) > 1 else labels == 0
    kept = size - (shape[0] if len(shape) > 1 else 0)

    def count(labels: Any) -> Any:
        every = sigmoid_xent.total_weight(labels=labels)
        return every, sigmoid_xent.total_weight(labels=labels, ignore_index=1)

    found = [
        sigmoid_xent.total_weight(labels=labels, mask=mask),
        sparse_softmax_xent.total_weight(labels=labels, ignore_index=-1),
        *jax.jit(count)(labels),
    ]
    assert [total.dtype for total in found] == ["float32"] * 4
    errors = [int(total) - n for total, n in zip(found, [kept, size, size, size], strict=True)]
    assert max(map(abs, errors)) <= ulp


@pytest.mark.nightly
def test_the_mean_of_more_positions_than_32_bits_count(suite: Suite) -> None:
    if suite.target.name != "jax:x32":
        pytest.skip("a count has 64 bits here")
    import jax
    import jax.numpy as jnp

    def mean(z: Any) -> Any:
        logits = z.astype(jnp.float16)
        return sigmoid_xent.loss(labels=z, logits=logits, ignore_index=1, reduction="mean")

    assert float(jax.jit(mean)(jnp.zeros(2_200_000_000, jnp.int8))) == 0.693359375  # of float16


@pytest.mark.everywhere
@pytest.mark.eager
def test_a_count_of_unknown_size_is_floating(suite: Suite) -> None:
    import jax
    import jax.numpy as jnp

    if jax.__version_info__ < (0, 6):
        pytest.importorskip("absl")  # by which it exports
    from jax import export

    def count(labels: Any) -> Any:
        mean = sigmoid_xent.loss(labels=labels, logits=labels, ignore_index=0, reduction="mean")
        every = sigmoid_xent.total_weight(labels=labels)
        return sigmoid_xent.total_weight(labels=labels, ignore_index=0), every, mean

    wide = jax.config.jax_enable_x64
    symbolic = jax.ShapeDtypeStruct(export.symbolic_shape("n"), jnp.float32)
    exported = export.export(jax.jit(count))(symbolic)
    kept, every, mean = exported.call(jnp.asarray([0.0, 1.0, 1.0], dtype=jnp.float32))
    assert kept.dtype == every.dtype == ("int64" if wide else "float32")
    assert (float(kept), float(every)) == (2.0, 3.0)
    assert abs(float(mean) - 0.31326166) < 1e-7


def test_jax_traces_a_python_number_as_a_number(suite: Suite, dtype: str) -> None:
    import jax

    arrays = {
        "logits": suite.array([0.5, -1.5], dtype),
        "labels": suite.array([1.0, 0.5], dtype),
    }
    for name in ("weights", "pos_weight"):
        traced = jax.jit(lambda number, name=name: sigmoid_xent.loss(**arrays, **{name: number}))
        options: dict[str, Any] = {name: 2.5}
        wanted = sigmoid_xent.loss(**arrays, **options)
        suite.assert_ulp(traced(2.5), suite.floats(wanted), dtype, bar=1.0)
        with pytest.raises(TypeError, match=f"`{name}` must be real"):
            jax.jit(lambda number, name=name: sigmoid_xent.loss(**arrays, **{name: number}))(1 + 2j)

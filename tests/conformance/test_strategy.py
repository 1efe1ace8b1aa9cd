"""Every boundary of JAX's table of rules: both sides hold the bars."""

from typing import Any

import numpy as np
import pytest

from xent_api import softmax_xent, sparse_softmax_xent
from xent_api._math.program import LossProgram
from xent_api.testing import BAR
from xent_api.testing.float64 import softmax_values, spacings
from xent_api.testing.suite import Suite

pytestmark = [pytest.mark.only("jax"), pytest.mark.eager]
FAMILIES = {"softmax": softmax_xent, "sparse_softmax": sparse_softmax_xent}
BOUNDARIES = (3, 8, 13, 32, 100)


def _rule(*, traced: bool = True, **options: Any) -> int:
    """Return the number of the rule for a program."""
    from xent_api._backends.jax import strategy

    program = LossProgram(operands=(), result_dtypes=(), divided=(), numbers=(), **options)
    return strategy.RULES.index(strategy.choose(program, traced=traced))


def test_the_table_has_these_boundaries_and_a_rule_for_everything(suite: Suite) -> None:
    import jax.numpy as jnp

    from xent_api._backends.jax import strategy

    assert {rule.max_classes for rule in strategy.RULES} == {None, *BOUNDARIES}
    taken: set[int] = set()
    for family in FAMILIES:
        for outputs in (("loss",), ("gradient", "hessian")):
            for compute in (jnp.float32, jnp.float64):
                options = {"family": family, "outputs": outputs, "compute": compute}
                options |= {"ignored": None, "smoothing": 0.0, "wide": jnp.float64}
                sizes = [n + more for n in BOUNDARIES for more in (0, 1)]
                taken.update(_rule(**options, size=size) for size in [*sizes, "a symbol"])
                taken.update(_rule(**options, size=size, traced=False) for size in BOUNDARIES)
    assert taken == set(range(len(strategy.RULES))), "no rule is in vain"


@pytest.mark.skipif(np.finfo(np.longdouble).nmant < 63, reason="no long double to compare with")
@pytest.mark.dtypes("float32", "float64")
@pytest.mark.parametrize("size", [n + more for n in BOUNDARIES for more in (0, 1)])
@pytest.mark.parametrize("family", FAMILIES)
def test_both_sides_of_each_boundary(suite: Suite, dtype: str, family: str, size: int) -> None:
    import jax

    random = np.random.default_rng(size)
    logits = np.round(random.normal(0.0, 4.0, (300, size)) * 2**12) / 2**12  # exact differences
    labels = random.integers(0, size, len(logits))
    labels[::2] = logits[::2].argmax(axis=1)
    exact = softmax_values(logits.astype(np.longdouble), labels)
    given = suite.array(labels.tolist(), "int32")
    if family == "softmax":
        given = suite.array(np.eye(size)[labels].tolist(), dtype)
    module, x = FAMILIES[family], suite.array(logits.tolist(), dtype)

    def loss(x: Any) -> Any:
        losses = module.loss(labels=given, logits=x)
        return jax.numpy.sum(losses), losses

    def curved(x: Any) -> Any:
        return module.gradient_and_hessian(labels=given, logits=x)[1]

    (_, beside), gradient = jax.jit(jax.value_and_grad(loss, has_aux=True))(x)
    alone = jax.jit(lambda x: module.loss(labels=given, logits=x))(x)
    for got, wanted in (
        (beside, exact.loss),
        (alone, exact.loss),
        (gradient, exact.gradient),
        (jax.jit(curved)(x), exact.hessian),
        (curved(x), exact.hessian),
    ):
        unit = spacings(wanted.astype(np.float64), dtype)
        assert (np.abs(np.asarray(got).astype(np.longdouble) - wanted) / unit).max() <= BAR

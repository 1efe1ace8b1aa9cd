"""How far softmax results are off where the differences x - max x are rounded: docs/accuracy.md.

python tools/measure_rounding.py
"""

import numpy as np

from xent_api import sparse_softmax_xent
from xent_api.testing import Target, find_target
from xent_api.testing.float64 import softmax_values, ulp_errors

LOGITS = 400_000
CASES = ((1.0, 2), (1.0, 10), (1.0, 1000), (10.0, 10), (30.0, 2), (30.0, 1000))
"""The standard deviation of the logits, and the classes."""


def worst(target: Target, scale: float, classes: int) -> tuple[float, float]:
    """Return the worst error of losses and of gradients in float32, in ulp."""
    random = np.random.default_rng(0)
    x = random.normal(0.0, scale, (LOGITS // classes, classes)).astype(np.float32)
    labels = random.integers(0, classes, len(x))
    with target.context():
        given = {"labels": target.xp.asarray(labels), "logits": target.xp.asarray(x)}
        found = sparse_softmax_xent.loss_and_gradient(**given)
    exact = softmax_values(x.astype(np.float64), labels)
    pairs = zip(found, (exact.loss, exact.gradient), strict=True)
    errors = [ulp_errors(np.asarray(got, np.float64), value, "float32") for got, value in pairs]
    # What is subnormal is not promised, and JAX has 0 there.
    normal = [np.abs(value) > 1e-36 for value in (exact.loss, exact.gradient)]
    loss, gradient = (float(e[keep].max()) for e, keep in zip(errors, normal, strict=True))
    return loss, gradient


def main() -> None:
    """Print the table, in Markdown: the largest error of a loss and of a gradient."""
    targets = [find_target(name) for name in ("numpy", "torch", "jax")]
    print(f"| logits | {' | '.join(target.name for target in targets)} |")
    print(f"|---|{'--:|' * len(targets)}")
    for scale, classes in CASES:
        cells = ["{:.1f}, {:.1f}".format(*worst(target, scale, classes)) for target in targets]
        print(f"| standard deviation {scale:g}, {classes} classes | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()

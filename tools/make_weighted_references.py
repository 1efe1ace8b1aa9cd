"""Write reference values with class weights: ``src/xent_api/testing/data/weighted.csv``.

By the ball arithmetic of python-flint at 1600 bits (480 digits), from the definition of the loss of
a row of K logits x with labels z and class weights c,

    L = w*sum_j y_j*(log(sum_k exp(x_k)) - x_j),   y_j = c_j*(z_j*(1-a) + a*sum(z)/K),

its first derivatives w*(sum(y)*p_j - y_j), the diagonal w*sum(y)*p_j*(1-p_j) of the second ones and
their product w*sum(y)*p_j*(v_j - sum(p*v)) with a vector v, where p is the softmax, and the total
weight w*sum(c*z): not the package's formulas, and every ball is checked to hold more digits than
are written. The points come from a fixed seed, so that the file can be made again bit for bit:

    python tools/make_weighted_references.py            # writes the file
    python tools/make_weighted_references.py --check    # tells whether it is the same

The format, which any language can read: lines that begin with # are comments; then come the
columns dtype, stratum, logits, labels, smoothing, weight, class_weights, vector, loss, gradient,
hessian, probabilities, product, total, separated by commas; those with a number for each class
separate them by spaces. Where one label is 1 and the others are 0, the row is one of class indices,
too. Numbers are written as in sigmoid.csv; class weights and vectors are of the dtype of the
computation.
"""

import math
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from flint import arb, ctx
from make_references import BITS, COUNT, SEED, main, number, written
from make_softmax_references import hard

from xent_api._checks.dtypes import compute_name, round_to

PATH = Path(__file__).parents[1] / "src/xent_api/testing/data/weighted.csv"
COLUMNS = (
    "dtype,stratum,logits,labels,smoothing,weight,class_weights,vector,"
    "loss,gradient,hessian,probabilities,product,total"
)
SCALES = (1.0, 10.0)
OPTIONS = {2: (0.0, 0.1), 5: (0.0, 1e-6, 0.75, 1.0)}
"""Number of classes → smoothings. Few of either: each pair is a call, and a compilation."""
Numbers = tuple[float, ...]


class Point(NamedTuple):
    """The inputs of a row."""

    dtype: str
    stratum: str
    logits: Numbers
    labels: Numbers
    smoothing: float
    weight: float
    class_weights: Numbers
    vector: Numbers


def points() -> Iterator[Point]:
    """Yield the points of every dtype; rows of one number of classes and smoothing share weights.

    One call has one set of class weights: those of a dtype and a number of classes.
    """
    for dtype, count in COUNT.items():
        rng = random.Random(f"{SEED} weighted {dtype}")
        compute = compute_name(dtype)
        for size, smoothings in OPTIONS.items():
            weights = [round_to(10.0 ** rng.uniform(-3, 3), compute) for _ in range(size)]
            weights[rng.randrange(size)] = 0.0 if size > 2 else 1.0
            for smoothing in smoothings:
                for scale in SCALES:
                    for _ in range(count // 6):
                        drawn = _random(dtype, size, scale, rng)
                        for stratum, logits, labels in drawn:
                            vector = tuple(
                                round_to(rng.gauss(0.0, 1.0), compute) for _ in range(size)
                            )
                            weight = round_to(rng.choice((1.0, rng.uniform(0.1, 10))), compute)
                            a = round_to(smoothing, compute)
                            yield Point(
                                dtype, stratum, logits, labels, a, weight, tuple(weights), vector
                            )


def _random(
    dtype: str, size: int, scale: float, rng: random.Random
) -> Iterator[tuple[str, Numbers, Numbers]]:
    logits = tuple(round_to(rng.gauss(0.0, scale), dtype) for _ in range(size))
    for label in sorted(rng.sample(range(size), 2)):
        yield f"hard, scale {scale:g}", logits, hard(size, label)
    parts = [rng.expovariate(1.0) for _ in range(size)]
    soft = tuple(round_to(part / sum(parts), dtype) for part in parts)
    yield f"soft, scale {scale:g}", logits, soft
    off = (*logits[:-1], -math.inf)
    kept = hard(size, rng.randrange(size - 1))
    yield f"a class switched off, scale {scale:g}", off, kept


def values(point: Point) -> tuple[str, ...]:
    """Return the results of a point as they are written."""
    ctx.prec = BITS
    size = len(point.logits)
    x = [arb(v) if v > -math.inf else None for v in point.logits]
    z, c, v = ([arb(n) for n in given] for given in (point.labels, *point[6:]))
    a, w, top = arb(point.smoothing), arb(point.weight), arb(max(point.logits))
    mass = sum(z, arb(0))
    y = [cj * (zj * (1 - a) + a * mass / size) for cj, zj in zip(c, z, strict=True)]
    e = [arb(0) if xj is None else (xj - top).exp() for xj in x]
    total, labels = sum(e, arb(0)), sum(y, arb(0))
    others = [sum((ek for k, ek in enumerate(e) if k != j), arb(0)) for j in range(size)]
    p, n = [ej / total for ej in e], [ej / total for ej in others]
    mx = top + total.log()
    terms = [arb(0) if xj is None else yj * (mx - xj) for yj, xj in zip(y, x, strict=True)]
    infinite = any(xj is None and yj != 0 for xj, yj in zip(x, y, strict=True))
    loss = "inf" if infinite else written(w * sum(terms, arb(0)))
    slopes = [w * ((labels - yj) * pj - yj * nj) for yj, pj, nj in zip(y, p, n, strict=True)]
    curves = [w * labels * pj * nj for pj, nj in zip(p, n, strict=True)]
    mean = sum((pj * vj for pj, vj in zip(p, v, strict=True)), arb(0))
    products = [w * labels * pj * (vj - mean) for pj, vj in zip(p, v, strict=True)]
    weight = w * sum((cj * zj for cj, zj in zip(c, z, strict=True)), arb(0))
    rows = (slopes, curves, p, products)
    return loss, *[" ".join(map(written, row)) for row in rows], written(weight)


def table() -> str:
    """Return the whole file."""
    assert __doc__ is not None
    rows = [f"# {line}".rstrip() for line in __doc__.strip().splitlines()] + [COLUMNS]
    for point in points():
        given = [
            " ".join(map(number, value)) if isinstance(value, tuple) else number(value)
            for value in point[2:]
        ]
        rows.append(",".join((point.dtype, point.stratum.replace(",", ""), *given, *values(point))))
    return "\n".join([*rows, ""])


if __name__ == "__main__":
    sys.exit(main(PATH, table))

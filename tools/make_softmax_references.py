"""Write the reference values of the softmax families: ``src/xent_api/testing/data/softmax.csv``.

By the ball arithmetic of python-flint at 1600 bits (480 digits), from the definition of the loss of
a row of K logits x with labels z,

    L = w*sum_j z'_j*(log(sum_k exp(x_k)) - x_j),   z'_j = z_j*(1-a) + a*sum(z)/K,

its first derivatives w*(sum(z)*p_j - z'_j) and its second ones w*sum(z)*p_j*(1-p_j), where p is the
softmax: not the package's formulas, and every ball is checked to hold more digits than are written.
The points come from a fixed seed, so that the file can be made again bit for bit:

    python tools/make_softmax_references.py            # writes the file
    python tools/make_softmax_references.py --check    # tells whether it is the same

The format, which any language can read: lines that begin with # are comments; then come the
columns dtype, stratum, logits, labels, smoothing, weight, loss, gradient, hessian, separated by
commas; those with a number for each class separate them by spaces. Where one label is 1 and the
others are 0, the row is one of class indices, too. Numbers are written as in sigmoid.csv.
"""

import math
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from flint import arb, ctx
from make_references import BITS, COUNT, SEED, main, number, written

from xent_api._checks.dtypes import FLOATING, compute_name, round_to

PATH = Path(__file__).parents[1] / "src/xent_api/testing/data/softmax.csv"
COLUMNS = "dtype,stratum,logits,labels,smoothing,weight,loss,gradient,hessian"
SCALES = (1.0, 10.0, 100.0)
SMOOTHING = {2: (0.1,), 5: (1e-6, 0.1, 1.0)}
"""Number of classes → smoothings. Few of either: each pair is a call, and a compilation."""
INF, NAN = math.inf, math.nan


class Point(NamedTuple):
    """The inputs of a row."""

    dtype: str
    stratum: str
    logits: tuple[float, ...]
    labels: tuple[float, ...]
    smoothing: float = 0.0
    weight: float = 1.0


def points() -> Iterator[Point]:
    """Yield the points of every dtype and stratum."""
    for dtype, count in COUNT.items():
        rng = random.Random(f"{SEED} softmax {dtype}")
        yield from _special(dtype)
        for size in SMOOTHING:
            for scale in SCALES:
                for _ in range(count // 6):
                    yield from _random(dtype, size, scale, rng)


def hard(size: int, label: int) -> tuple[float, ...]:
    """Return labels of which one is 1."""
    return tuple(float(j == label) for j in range(size))


def _special(dtype: str) -> Iterator[Point]:
    digits, least, largest = FLOATING[dtype]
    step = math.ldexp(1.0, -digits)
    rows = [
        (0.0,),
        (7.0,),
        (0.0, 0.0),
        (-0.0, 0.0, 0.0),
        (40.0, 0.0),
        (20.0, 0.0, -20.0),
        (1.0, 1.0, 0.0),
        (3.0, 3.0, 3.0, 3.0, 3.0),
        (1.0, 1.0 - step, 1.0 - 2 * step),
        (math.ldexp(1.0, least), 0.0),
        (largest / 8, 0.0, 1.0),
        (-largest, -largest),
        (2.0, -INF, 1.0),
        (-INF, 0.5, -INF),
        (30.0, 0.0, -INF),
        (-INF, -INF),
        (INF, 0.0),
        (INF, -INF),
        (NAN, 0.0),
    ]
    for logits in rows:
        size = len(logits)
        for label in range(size):
            yield Point(dtype, "special", logits, hard(size, label))
        yield Point(dtype, "special soft", logits, (0.25,) * size)
        if size == 3:
            yield Point(dtype, "special smoothed", logits, hard(size, 0), 0.5)
    yield Point(dtype, "special soft", (1.0, 2.0), (NAN, 0.5))


def _random(dtype: str, size: int, scale: float, rng: random.Random) -> Iterator[Point]:
    logits = tuple(round_to(rng.gauss(0.0, scale), dtype) for _ in range(size))
    top = max(range(size), key=logits.__getitem__)
    other = rng.choice([j for j in range(size) if j != top])
    yield Point(dtype, f"hard, the largest logit, scale {scale:g}", logits, hard(size, top))
    yield Point(dtype, f"hard, another logit, scale {scale:g}", logits, hard(size, other))
    parts = [rng.expovariate(1.0) for _ in range(size)]
    soft = tuple(round_to(part / sum(parts), dtype) for part in parts)
    yield Point(dtype, f"soft, scale {scale:g}", logits, soft)
    labels = rng.choice((hard(size, top), hard(size, other), soft))
    compute = compute_name(dtype)
    smoothing = round_to(rng.choice(SMOOTHING[size]), compute)
    weight = round_to(rng.choice((1.0, 10.0 ** rng.uniform(-3, 3))), compute)
    yield Point(dtype, f"options, scale {scale:g}", logits, labels, smoothing, weight)


def values(point: Point) -> tuple[str, ...]:
    """Return loss, gradient and Hessian of a point as they are written."""
    ctx.prec = BITS
    _, _, logits, labels, a, w = point
    size = len(logits)
    numbers = (*logits, *labels)
    top = max(logits) if all(v == v for v in numbers) else NAN
    if not math.isfinite(top):
        return "nan", " ".join(["nan"] * size), " ".join(["nan"] * size)
    x = [arb(v) if v > -INF else None for v in logits]
    mass, ma, mw = sum(map(arb, labels), arb(0)), arb(a), arb(w)
    z = [arb(v) * (1 - ma) + ma * mass / size for v in labels]
    e = [arb(0) if v is None else (v - arb(top)).exp() for v in x]
    total = sum(e, arb(0))
    others = [sum((v for k, v in enumerate(e) if k != j), arb(0)) for j in range(size)]
    p, n = [v / total for v in e], [v / total for v in others]
    mx = arb(top) + total.log()
    terms = [arb(0) if v is None else zj * (mx - v) for zj, v in zip(z, x, strict=True)]
    infinite = any(v is None and zj != 0 for v, zj in zip(x, z, strict=True))
    loss = "inf" if infinite else written(mw * sum(terms, arb(0)))
    slopes = [mw * ((mass - zj) * pj - zj * nj) for zj, pj, nj in zip(z, p, n, strict=True)]
    curves = [mw * mass * pj * nj for pj, nj in zip(p, n, strict=True)]
    return loss, " ".join(map(written, slopes)), " ".join(map(written, curves))


def table() -> str:
    """Return the whole file."""
    assert __doc__ is not None
    rows = [f"# {line}".rstrip() for line in __doc__.strip().splitlines()] + [COLUMNS]
    for point in points():
        inputs = [" ".join(map(number, numbers)) for numbers in (point.logits, point.labels)]
        options = map(number, (point.smoothing, point.weight))
        stratum = point.stratum.replace(",", "")
        rows.append(",".join((point.dtype, stratum, *inputs, *options, *values(point))))
    return "\n".join([*rows, ""])


if __name__ == "__main__":
    sys.exit(main(PATH, table))

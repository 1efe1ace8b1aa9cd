"""Write the reference values of `xent_api.special`: ``src/xent_api/testing/data/special.csv``.

By the ball arithmetic of python-flint at 1600 bits (480 digits), from the definitions
1/(1+exp(-x)), log(1+exp(x)), exp(x_j)/sum_k exp(x_k), x_j - log(sum_k exp(x_k)) and
log(sum_k exp(x_k)): every ball is checked to hold more digits than are written. The points come
from a fixed seed, so that the file can be made again bit for bit:

    python tools/make_special_references.py            # writes the file
    python tools/make_special_references.py --check    # tells whether it is the same

The format, which any language can read: lines that begin with # are comments; then come the
columns dtype, function, x, value, separated by commas. A function of rows has several numbers in x,
and all but logsumexp in value, separated by spaces. Numbers are written as in sigmoid.csv.
"""

import math
import random
import sys
from collections.abc import Iterator
from pathlib import Path

from flint import arb, ctx
from make_references import BITS, COUNT, SEED, logits, main, number, softplus, written

from xent_api._checks.dtypes import FLOATING, round_to

PATH = Path(__file__).parents[1] / "src/xent_api/testing/data/special.csv"
COLUMNS = "dtype,function,x,value"
SCALES = (1.0, 10.0, 100.0)
SIZES = (2, 5)
INF, NAN = math.inf, math.nan
Row = tuple[float, ...]


def elements(dtype: str, rng: random.Random) -> Iterator[float]:
    """Yield numbers for the functions of elements."""
    digits, least, largest = FLOATING[dtype]
    subnormal, normal = math.ldexp(1.0, least), math.ldexp(1.0, least + digits - 1)
    for x in (0.0, subnormal, normal - subnormal, normal, largest, INF):
        yield from (x, -x)
    yield NAN
    yield from (x for _, x in logits(dtype, COUNT[dtype], rng))


def rows(dtype: str, rng: random.Random) -> Iterator[Row]:
    """Yield rows for the functions of rows."""
    largest = FLOATING[dtype].largest
    yield from [
        *((7.0,), (-INF,), (INF,), (NAN,), (0.0, 0.0), (40.0, 0.0), (-40.0, -40.0)),
        *((-INF, -INF), (INF, 0.0), (INF, INF), (INF, -INF), (NAN, 0.0), (-INF, 1.0)),
        *((1.0, 1.0, 0.0, 1.0, -INF), (largest, -largest), (largest / 4, 0.0), (0.0, -0.0)),
    ]
    for size in SIZES:
        for scale in SCALES:
            for _ in range(COUNT[dtype] // 4):
                yield tuple(round_to(rng.gauss(0.0, scale), dtype) for _ in range(size))


def of_element(x: float) -> dict[str, str]:
    """Return the functions of a number as they are written."""
    if math.isnan(x):
        return dict.fromkeys(("sigmoid", "log_sigmoid", "softplus"), "nan")
    if math.isinf(x):
        one, none = "0x1p+0", "0x0p+0"
        if x > 0:
            return {"sigmoid": one, "log_sigmoid": none, "softplus": "inf"}
        return {"sigmoid": none, "log_sigmoid": "-inf", "softplus": none}
    return {
        "sigmoid": written(1 / (1 + (-arb(x)).exp())),
        "log_sigmoid": written(-softplus(-arb(x))),
        "softplus": written(softplus(arb(x))),
    }


def of_row(x: Row) -> dict[str, str]:
    """Return the functions of a row as they are written."""
    top, size = max(x), len(x)
    if any(map(math.isnan, x)):
        return {"softmax": _all("nan", size), "log_softmax": _all("nan", size), "logsumexp": "nan"}
    if math.isinf(top):
        nothing = {"softmax": _all("nan", size), "log_softmax": _all("nan", size)}
        return nothing | {"logsumexp": "inf" if top > 0 else "-inf"}
    e = [arb(0) if v == -INF else (arb(v) - arb(top)).exp() for v in x]
    largest = x.index(top)
    rest = sum((v for k, v in enumerate(e) if k != largest), arb(0)).log1p()
    logs = ["-inf" if v == -INF else written((arb(v) - arb(top)) - rest) for v in x]
    return {
        "softmax": " ".join(written(v / sum(e, arb(0))) for v in e),
        "log_softmax": " ".join(logs),
        "logsumexp": written(arb(top) + rest),
    }


def _all(value: str, size: int) -> str:
    return " ".join([value] * size)


def table() -> str:
    """Return the whole file."""
    assert __doc__ is not None
    ctx.prec = BITS
    lines = [f"# {line}".rstrip() for line in __doc__.strip().splitlines()] + [COLUMNS]
    for dtype in COUNT:
        rng = random.Random(f"{SEED} special {dtype}")
        found: list[tuple[Row, dict[str, str]]]
        found = [((x,), of_element(x)) for x in elements(dtype, rng)]
        found += [(row, of_row(row)) for row in rows(dtype, rng)]
        for x, values in found:
            given = " ".join(map(number, x))
            lines += [f"{dtype},{name},{given},{value}" for name, value in values.items()]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    sys.exit(main(PATH, table))

"""Write the reference values of the sigmoid family: ``src/xent_api/testing/data/sigmoid.csv``.

By the ball arithmetic of python-flint at 1600 bits (480 digits), from the definition of the loss,

    L = A*softplus(x) + B*softplus(-x),   A = w*((1-z)*(1-a) + a/2),   B = w*q*(z*(1-a) + a/2),

its first derivative A*sigmoid(x) - B*sigmoid(-x) and its second (A+B)*sigmoid(x)*sigmoid(-x): not
the package's formulas, and every ball is checked to hold more digits than are written. The points
come from a fixed seed, so that the file can be made again bit for bit:

    python tools/make_references.py            # writes the file
    python tools/make_references.py --check    # tells whether it is the same

The format, which any language can read: lines that begin with # are comments; then come the columns
dtype, stratum, logit, label, smoothing, pos_weight, weight, loss, gradient, hessian, separated by
commas. All numbers are C99 hexadecimal floats, "inf", "-inf" or "nan". Inputs are numbers of the
dtype (smoothing, pos_weight and weight: of the dtype that it is computed in). Results have 96 bits,
rounded to nearest; a result below 2^-1200 in magnitude, 0 in every dtype, is written as 0x0p+0.
"""

import argparse
import math
import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from flint import arb, ctx

from xent_api._checks.dtypes import FLOATING, compute_name, round_to

PATH = Path(__file__).parents[1] / "src/xent_api/testing/data/sigmoid.csv"
BITS, WRITTEN, UNDERFLOW = 1600, 96, -1200
SEED = 20261122
COLUMNS = "dtype,stratum,logit,label,smoothing,pos_weight,weight,loss,gradient,hessian"
COUNT = {"float16": 12, "bfloat16": 12, "float32": 40, "float64": 40}
"""How many random points each stratum gets."""
# Few different ones: smoothing is a static option, of which every value is a call of its own.
SMOOTHING = (0.0, 0.0, 1e-6, 1e-3, 0.1, 1.0)
# Where exp(-x) leaves the normal numbers of the dtype that is computed in, and where it is 0.
TAIL = {"float32": (87.0, 104.0), "float64": (708.0, 746.0)}


class Point(NamedTuple):
    """The inputs of a row."""

    dtype: str
    stratum: str
    logit: float
    label: float
    smoothing: float = 0.0
    pos_weight: float = 1.0
    weight: float = 1.0


def points() -> Iterator[Point]:
    """Yield the points of every dtype and stratum."""
    for dtype, count in COUNT.items():
        rng = random.Random(f"{SEED} {dtype}")
        yield from _special(dtype)
        yield from _hard(dtype, count, rng)
        yield from _soft(dtype, count, rng)
        yield from _options(dtype, count, rng)


def _special(dtype: str) -> Iterator[Point]:
    digits, least, largest = FLOATING[dtype]
    subnormal, normal = math.ldexp(1.0, least), math.ldexp(1.0, least + digits - 1)
    tiny = (0.0, subnormal, 3 * subnormal, normal - subnormal, normal)
    for x in (*tiny, largest, math.inf):
        for logit in (x, -x):
            for label in (0.0, 1.0, 0.5, 0.25):
                yield Point(dtype, "special", logit, label)
    for label in (subnormal, normal, 1.0 - math.ldexp(1.0, -digits)):
        for logit in (0.0, 1.0, -1.0, 10.0, -10.0):
            yield Point(dtype, "special", logit, label)
    for logit, label in ((math.nan, 0.0), (math.nan, 0.5), (1.0, math.nan), (math.inf, math.nan)):
        yield Point(dtype, "special", logit, label)


def logits(dtype: str, count: int, rng: random.Random) -> Iterator[tuple[str, float]]:
    """Yield logits of each stratum: uniform, log-uniform from 1e-30, tails."""
    low, high = TAIL[compute_name(dtype)]
    smallest = max(-30.0, math.log10(FLOATING[dtype].largest) * -0.9)
    for _ in range(count):
        yield "uniform", round_to(rng.uniform(-40.0, 40.0), dtype)
        yield "middle", round_to(rng.uniform(-4.0, 4.0), dtype)
        magnitude = 10.0 ** rng.uniform(smallest, 2.0)
        yield "log-uniform", round_to(rng.choice((-1, 1)) * magnitude, dtype)
        yield "tail", round_to(rng.choice((-1, 1)) * rng.uniform(0.5 * low, low), dtype)
        yield "underflow", round_to(rng.choice((-1, 1)) * rng.uniform(low, high), dtype)


def _hard(dtype: str, count: int, rng: random.Random) -> Iterator[Point]:
    for stratum, logit in logits(dtype, count, rng):
        for label in (0.0, 1.0):
            yield Point(dtype, f"hard {stratum}", logit, label)


def _label(dtype: str, logit: float, rng: random.Random) -> tuple[str, float]:
    """Return a label: uniform, near 0 or 1, or near sigmoid(logit), where the gradient cancels."""
    kind = rng.choice(("uniform", "near 0", "near 1", "near sigmoid"))
    sigma = 1 / (1 + math.exp(-logit)) if logit > -700 else 0.0
    value = {
        "uniform": rng.random(),
        "near 0": 10.0 ** rng.uniform(-30, -1),
        "near 1": 1.0 - 10.0 ** rng.uniform(-16, -1),
        "near sigmoid": min(sigma * (1.0 + rng.uniform(-1e-6, 1e-6)), 1.0),
    }[kind]
    return kind, round_to(value, dtype)


def _soft(dtype: str, count: int, rng: random.Random) -> Iterator[Point]:
    for stratum, logit in logits(dtype, count, rng):
        kind, label = _label(dtype, logit, rng)
        yield Point(dtype, f"soft {stratum}, label {kind}", logit, label)


def _options(dtype: str, count: int, rng: random.Random) -> Iterator[Point]:
    compute = compute_name(dtype)
    for stratum, logit in logits(dtype, count, rng):
        label = rng.choice((0.0, 1.0, _label(dtype, logit, rng)[1]))
        smoothing = round_to(rng.choice(SMOOTHING), compute)
        factor, weight = (
            round_to(rng.choice((1.0, 10.0 ** rng.uniform(-3, 3))), compute) for _ in range(2)
        )
        options = (smoothing, factor, weight)
        yield Point(dtype, f"options {stratum}", logit, label, *options)


def values(point: Point) -> tuple[str, str, str]:
    """Return loss, gradient and Hessian of a point as they are written."""
    ctx.prec = BITS
    _, _, x, z, a, q, w = point
    if math.isnan(x) or math.isnan(z):
        return "nan", "nan", "nan"
    mz, ma, mq, mw = map(arb, (z, a, q, w))
    negative = mw * ((1 - mz) * (1 - ma) + ma / 2)
    positive = mw * mq * (mz * (1 - ma) + ma / 2)
    if math.isinf(x):
        growing = negative if x > 0 else positive
        infinite = "inf" if growing != 0 else "0x0p+0"
        return infinite, written(negative if x > 0 else -positive), "0x0p+0"
    mx = arb(x)
    p, n = 1 / (1 + (-mx).exp()), 1 / (1 + mx.exp())
    loss = negative * softplus(mx) + positive * softplus(-mx)
    return (
        written(loss),
        written(negative * p - positive * n),
        written((negative + positive) * p * n),
    )


def softplus(x: arb) -> arb:
    """Return log(1 + exp(x))."""
    return x + (-x).exp().log1p() if x > 0 else x.exp().log1p()


def written(value: arb) -> str:
    """Return a ball's middle as a hexadecimal float, having checked that the ball is small."""
    if value == 0:
        return "0x0p+0"
    mantissa, exponent = (int(v) for v in value.mid().man_exp())
    top = mantissa.bit_length() + exponent
    if top < UNDERFLOW:
        return "0x0p+0"
    radius, radius_exponent = (int(v) for v in value.rad().man_exp())
    if radius and radius.bit_length() + radius_exponent > top - WRITTEN - 64:
        raise ArithmeticError(f"too wide a ball: {value}")
    shift = max(abs(mantissa).bit_length() - WRITTEN, 0)
    rounded = round_half_even(abs(mantissa), shift)
    sign = "-" if mantissa < 0 else ""
    return f"{sign}0x{rounded:x}p{exponent + shift:+d}"


def round_half_even(mantissa: int, shift: int) -> int:
    """Return mantissa / 2^shift, rounded to nearest, ties to even."""
    if shift == 0:
        return mantissa
    quotient, rest = divmod(mantissa, 1 << shift)
    half = 1 << (shift - 1)
    return quotient + (rest > half or (rest == half and quotient % 2 == 1))


def number(value: float) -> str:
    """Return an input as a hexadecimal float without needless zeros."""
    if not math.isfinite(value):
        return str(value)
    if value == 0.0:
        return "-0x0p+0" if math.copysign(1.0, value) < 0 else "0x0p+0"
    numerator, denominator = abs(value).as_integer_ratio()
    exponent = 1 - denominator.bit_length()
    zeros = (numerator & -numerator).bit_length() - 1
    sign = "-" if value < 0 else ""
    return f"{sign}0x{numerator >> zeros:x}p{exponent + zeros:+d}"


def table() -> str:
    """Return the whole file."""
    assert __doc__ is not None
    comment = [f"# {line}".rstrip() for line in __doc__.strip().splitlines()]
    rows = []
    for point in points():
        label = point.stratum.replace(",", "")
        cells = (point.dtype, label, *map(number, point[2:]), *values(point))
        rows.append(",".join(cells))
    return "\n".join([*comment, COLUMNS, *rows, ""])


def main(path: Path, make: Callable[[], str]) -> int:
    """Write or check a file."""
    parser = argparse.ArgumentParser(description="Make the reference values.")
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    text = make()
    if parser.parse_args().check:
        same = path.read_text() == text
        print("the same" if same else "different")
        return 0 if same else 1
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(PATH, table))

"""The table of the exhaustive sweeps, made from the results of each."""

import json
from pathlib import Path
from typing import Any

from xent_api._report.tables import WRONG
from xent_api.testing import BAR
from xent_api.testing.bars import ROUNDING

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "results" / "accuracy" / "exhaustive"
HALF = float(ROUNDING)
NATIVE = {"float32": HALF, "float16": 0.5005, "bfloat16": 0.5005}
BARS = {
    "numpy:native": NATIVE,
    "torch:native": NATIVE,
    "others": {"float32": BAR, "float16": HALF, "bfloat16": HALF},
}
MODES = {"jax": "under jit"}


def write_result(identity: dict[str, str], lines: list[dict[str, Any]], asymmetric: int) -> None:
    """Add the result of a sweep, and make the table of all of them."""
    result = identity | {
        "asymmetric": asymmetric,
        "lines": sorted(lines, key=lambda line: line["kind"]),
    }
    RESULTS.mkdir(parents=True, exist_ok=True)
    family = "" if identity["family"] == "sigmoid_xent" else f"-{identity['family']}"
    name = f"{identity['dtype']}-{identity['backend']}{family}.json".replace(":", "-")
    (RESULTS / name).write_text(json.dumps(result, indent=1) + "\n")
    (RESULTS.parent / "exhaustive.md").write_text(table())


def table() -> str:
    """Return the page of all results."""
    results = [json.loads(path.read_text()) for path in sorted(RESULTS.glob("*.json"))]
    parts = [INTRODUCTION]
    for dtype in ("float32", "float16", "bfloat16"):
        chosen = [result for result in results if result["dtype"] == dtype]
        if chosen:
            parts += [f"## {dtype}\n", *(_section(result) for result in chosen)]
    return "\n".join(parts)


def _section(result: dict[str, Any]) -> str:
    bars = BARS.get(result["backend"], BARS["others"])
    rows = [_row(line, bars[result["dtype"]]) for line in result["lines"]]
    symmetry = (
        "Results that are not bit for bit those of -x and the other label: "
        f"{result['asymmetric']}.\n"
    )
    sigmoid = result.get("family", "sigmoid_xent") == "sigmoid_xent"
    classes = "" if sigmoid else ", two classes (`sparse_softmax_xent`)"
    mode = MODES.get(result["backend"], "eager")
    return (
        "\n".join(
            [
                f"### {result['backend']} {result['version']}, {mode}{classes}\n",
                f"{result['date']}; {result['machine']}; source {result['source']}.\n",
                "| result | points | worst | at logit | label | above half an ulp |",
                "|---|--:|--:|--:|--:|--:|",
                *rows,
                "",
                symmetry if sigmoid and result["dtype"] == "float32" else "",
            ]
        ).rstrip()
        + "\n"
    )


def _row(line: dict[str, Any], bar: float) -> str:
    share = f"{100.0 * line['misrounded'] / line['points']:.2f} %"
    if "eps" in line["kind"]:
        share, bar = "", BAR
    wrong = f" {WRONG}" if line["worst"] > bar and "subnormal" not in line["kind"] else ""
    return (
        f"| {line['kind']} | {line['points']:,} | {line['worst']:.4g}{wrong} | {line['logit']:.9g} "
        f"| {line['label']:.9g} | {share} |"
    )


INTRODUCTION = """# The error of every float32, float16 and bfloat16 logit

Made by `nox -s exhaustive` (`tools/exhaustive.py`). Every number here is an error in ulp of the
dtype, against float64 arithmetic in another form (`xent_api.testing.float64`, whose own error is
below 3e-8 ulp of float32).

- **float32**: all 2^32 logits, infinities and NaN included, with the labels 0 and 1.
- **float16, bfloat16**: all 2^16 logits with every label of the dtype in [0, 1], subnormal ones
  included. The gradient at soft labels is a difference: its line shows what its error has beyond
  half an ulp, in units of float32's eps times max(sigmoid(x), z); the bar is 4.
- **two classes**: the same logits with a 0 beside them, and class indices; the gradient and the
  Hessian are those of the first class, whose label is z.
- **subnormal exp**: logits beyond 87.3, where exp(-abs(x)) is subnormal in float32, and subnormal
  bfloat16 labels. There nothing is promised.
- A result that is flushed to 0 counts as 0 ulp where the exact one is below 2^-126 (the smallest
  normal number of float32, in which all of them are computed), or where nothing is promised and it
  is subnormal in its dtype.

The bars: 4 ulp in float32, 0.51 ulp in float16 and bfloat16; a cross marks what is outside.
"""

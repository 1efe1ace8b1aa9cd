"""Write the page about the accuracy of array libraries: ``docs/array-libraries.md``.

    python -m xent_api --backend NAME --exhaustive --json results/accuracy/libraries/NAME.json
    python tools/libraries_page.py

The first command measures one library, in an environment of its own if need be; ``--exhaustive`` is
for those where ten minutes do.
"""

import json
from collections.abc import Iterable, Iterator
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "results" / "accuracy" / "libraries"
PAGE = ROOT / "docs" / "array-libraries.md"
TITLES = {
    "numpy": "NumPy",
    "torch": "PyTorch",
    "jax": "JAX",
    "tensorflow": "TensorFlow",
    "paddle": "Paddle",
    "mlx": "MLX",
    "dask": "Dask",
    "dpnp": "dpnp",
    "ndonnx": "ndonnx",
    "cubed": "Cubed",
    "sparse": "sparse",
    "array_api_strict": "array-api-strict",
    "mparray": "mparray",
}
DISTRIBUTIONS = {"ndonnx": " on onnxruntime"}
DTYPES = ("float32", "float64", "float16", "bfloat16")
FUNCTIONS = ("exp", "expm1", "log", "log1p", "logaddexp")
SUMS = {
    "sum": "sum of positive numbers",
    "equal": "sum of equal numbers",
    "axis 0": "sum over the first axis",
}
LOSSES = {
    "sigmoid": ("sigmoid",),
    "mean": (),
    "softmax": ("softmax", "sparse_softmax"),
    "weighted": ("weighted_softmax", "weighted_sparse_softmax"),
    "special": ("special",),
}
"""Column → families. Sums, of which the mean is made, have a bar of their own."""
MEAN = "sigmoid mean"
GOOD, FAIR, BAR = 1.0, 4.0, 100.0
"""Up to so many ulp a cell has the first, second and third colour."""
CASTS = (0.0, 0.0, 1.0)
"""The same of casts, of which only one result is right."""
NO_NUMBERS = "numbers that are none of"
NOTICED = 4.0
"""An error in ulp from which on it is listed below the tables."""
Record = dict[str, Any]


class Cell(NamedTuple):
    """A figure of the table."""

    worst: float
    mean: float
    exhaustive: bool
    limits: tuple[float, ...]
    of_the_dtype: bool

    def html(self) -> str:
        """Return it with its colour; the mean shows where one points."""
        if not self.of_the_dtype:
            return '<td title="its results are no numbers of the dtype">&ndash;</td>'
        kind = "abcd"[sum(self.worst > limit for limit in self.limits)]
        star = "*" if self.exhaustive else ""
        return f'<td class="{kind}" title="mean {shown(self.mean)}">{shown(self.worst)}{star}</td>'


class Library(NamedTuple):
    """What one file holds."""

    name: str
    head: Record
    results: list[Record]
    platform: Record
    date: str

    @property
    def flushed(self) -> dict[str, dict[str, bool]]:
        """Whether subnormal arguments and results are 0, by dtype."""
        found: dict[str, dict[str, bool]] = self.head["flushes_to_zero"]
        return found

    @property
    def title(self) -> str:
        """The name with the version."""
        return f"{TITLES[self.name]} {self.head['version']}{DISTRIBUTIONS.get(self.name, '')}"

    def cell(self, dtype: str, *names: str) -> Cell | None:
        """Return the worst of some results in a dtype."""
        found = [
            r
            for r in self.results
            if r["dtype"] == dtype
            and r["what"] in names
            and r["counted"]
            and r["kind"] != "example"
        ]
        if not found:
            return None
        worst = max(found, key=lambda r: float(r["worst"]))
        limits = CASTS if names[0].startswith("astype ") else (GOOD, FAIR, BAR)
        of_the_dtype = not any(NO_NUMBERS in line for r in found for line in r.get("wrong", ()))
        figures = float(worst["worst"]), float(worst["mean"]), worst["exhaustive"]
        return Cell(*figures, limits, of_the_dtype)

    def row(self, dtype: str) -> list[Cell | None]:
        """Return the cells of a row."""
        functions = [self.cell(dtype, name) for name in (*FUNCTIONS, *SUMS.values())]
        casts = [r["what"] for r in self.results if r["what"].startswith("astype ")]
        names = {r["what"] for r in self.results if r["kind"] == "loss"} - {MEAN}
        losses = [
            [n for n in names if n.partition(" ")[0] in families] or [MEAN]
            for families in LOSSES.values()
        ]
        return [*functions, self.cell(dtype, *casts), *(self.cell(dtype, *n) for n in losses)]


def shown(error: float) -> str:
    """Return an error in few characters."""
    if error == float("inf"):
        return "∞"
    if error >= 1000:
        mantissa, _, exponent = f"{error:.0e}".partition("e")
        return f"{mantissa}e{int(exponent)}"
    return f"{error:.0f}" if error >= 100 else f"{error:.1f}" if error >= 10 else f"{error:.2f}"


def libraries() -> list[Library]:
    """Return what was measured, in the order of the table."""
    found = []
    for name in TITLES:
        path = FOLDER / f"{name}.json"
        if path.exists():
            data = json.loads(path.read_text(encoding="utf-8"))
            (head,) = data["libraries"]
            found.append(Library(name, head, data["results"], data["platform"], data["date"][:10]))
    return found


def table(dtype: str, found: list[Library]) -> str:
    """Return the table of a dtype, in HTML."""
    head = "".join(f"<th>{name}</th>" for name in (*FUNCTIONS, *SUMS, "casts", *LOSSES))
    lines = []
    for library in found:
        cells = library.row(dtype)
        if any(cells):
            body = "".join("<td></td>" if cell is None else cell.html() for cell in cells)
            title = f'<a href="#{library.name.replace("_", "-")}">{escape(library.title)}</a>'
            lines.append(f"<tr><th>{title}</th>{body}</tr>")
    rows = "\n".join(lines)
    return f'<table class="ulp">\n<tr><th>{dtype}</th>{head}</tr>\n{rows}\n</table>'


def defects(library: Library) -> Iterator[str]:
    """Yield a line for each thing that is off, with an input that shows it."""
    flushed = {d: [n for n, is_0 in f.items() if is_0] for d, f in library.flushed.items()}
    for both, dtypes in _together((" and ".join(names), d) for d, names in flushed.items()):
        if both:
            yield f"Subnormal {both} are 0 in {dtypes}."
    if library.head["lacks"]:
        yield f"It lacks {', '.join(f'`{name}`' for name in library.head['lacks'])}."
    functions = [r for r in library.results if r["kind"] == "primitive"]
    raised = [(r["what"], r["dtype"]) for r in functions if r["state"] == "error"]
    for what, dtypes in _together(raised):
        yield f"`{what}` raises in {dtypes}."
    wrong = [(line, r["dtype"]) for r in functions for line in r["wrong"]]
    for line, dtypes in _together(pair for pair in wrong if NO_NUMBERS not in pair[0]):
        call, _, rest = line.partition(" is ")
        yield f"`{call}` is {rest}, in {dtypes}."
    none = {(NO_NUMBERS, line.rpartition(" ")[2]) for line, _ in wrong if NO_NUMBERS in line}
    for _, dtypes in _together(sorted(none)):
        yield f"It gives numbers that are none of {dtypes}."
    yield from (
        _off(r)
        for r in functions
        if float(r["worst"]) > (0.0 if r["what"].startswith("astype ") else NOTICED)
    )
    missed = [r for r in library.results if r["kind"] == "loss" and r["state"] != "pass"]
    for state, dtype in dict.fromkeys((r["state"], r["dtype"]) for r in missed):
        those = [r for r in missed if (r["state"], r["dtype"]) == (state, dtype)]
        worst = max(those, key=lambda r: float(r["worst_of_bar"]))
        count = f"{len(those)} losses and derivatives miss"
        names = (
            f"{count} the bar in {dtype}, the worst"
            if those[1:]
            else f"One loss misses the bar in {dtype}"
        )
        reason = f": {worst['text']}" if state != "fail" else ""
        figure = shown(float(worst["worst_of_bar"]))
        yield f"{names}, {worst['what']}, by {figure} times what is allowed{reason}."


def _together(pairs: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Yield each text with all of its dtypes."""
    found: dict[str, list[str]] = {}
    for text, dtype in pairs:
        found.setdefault(text, []).append(dtype)
    for text, dtypes in found.items():
        yield text, ", ".join(dtypes)


def _off(r: Record) -> str:
    """Return a line for a function that is off, with the input, what it gives and what is right."""
    if r["what"].startswith("sum "):
        return f"The {r['what']} is {shown(float(r['worst']))} ulp off, in {r['dtype']}."
    function, _, other = r["what"].partition(" ")
    at = [numbers[0] for numbers in r["worst_input"].values()]
    near = ", ".join(f"{float.fromhex(number):.9g}" for number in at)
    got, exact = (float.fromhex(r[name]) for name in ("worst_got", "worst_exact"))
    call = f"`{function}({', '.join([*at, *([other] if other else [])])})`"
    off = f"{shown(float(r['worst']))} ulp"
    if r["infinite"]:
        off = f"{r['infinite']} of {r['counted']} points are infinite or NaN"
    return f"{call}, at {near}, is {got:.6g} and not {exact:.6g} in {r['dtype']}: {off}."


def page(found: list[Library]) -> str:
    """Return the page."""
    dates = sorted({library.date for library in found})
    first = found[0].platform
    vectors = next((name for name in ("avx512f", "avx2") if name in first["features"]), "")
    machine = f"{first['processor']} ({vectors}), {first['system']}, Python {first['python']}"
    sections = []
    for library in found:
        lines = list(defects(library)) or ["Nothing beyond 4 ulp, and no special value."]
        listed = "\n".join(f"- {line}" for line in lines)
        anchor = library.name.replace("_", "-")
        sections.append(f'<a id="{anchor}"></a>\n\n### {library.title}\n\n{listed}')
    tables = "\n\n".join(table(dtype, found) for dtype in DTYPES)
    parts = (
        INTRODUCTION,
        f"{' to '.join(dict.fromkeys((dates[0], dates[-1])))}; {machine}.",
        tables,
    )
    return "\n\n".join((*parts, LEGEND, *sections)).rstrip() + "\n"


INTRODUCTION = """# How exact array libraries are

The Array API standard says that its test suite "reports the average and maximum deviation" of each mathematical function. This is
such a report: the worst error in units in the last place (ulp), of elementary functions, sums, casts, and the losses of this
package. Correct rounding has 0.5 at most. Green is within 1 ulp, yellow within 4, orange within 100, red beyond; a cast is green
where every result is the nearest number. A library's name leads to what is off there, with an input that shows it."""  # noqa: E501
LEGEND = """A star: all numbers of the dtype, and not a sample. Point at a figure for the mean. ∞: infinite or NaN where a number is right. A dash: the results are no numbers of the dtype.

| column | what |
|---|---|
| sum, equal, axis 0 | 65536 random numbers in [0, 1); as many times 0.1, and 1/3; the first axis of 32768 rows; in ulp of the sum of the absolute values |
| casts | to each other dtype, in ulp from the correctly rounded number |
| sigmoid, softmax, weighted, special | the losses with their derivatives, at the reference values whose bar is in ulp; weighted: with class weights. Where this package repairs a function, the losses show it, and the functions do not. Dask's are by [compiled kernels](kernels.md), which were installed beside it. |
| mean | the mean of 16384 losses |

[What is measured](reference/command-line.md#what-is-measured) has the points. `python -m xent_api --backend NAME` makes such a
report of your library, [also in CI](how-to/check-in-ci.md). The figures are in `results/accuracy/libraries`; `tools/libraries_page.py`
makes this page of them. CuPy is not in the table: no GPU was at hand. Libraries choose their functions by the processor: on others the figures differ.

## What is off"""  # noqa: E501


if __name__ == "__main__":
    PAGE.write_text(page(libraries()), encoding="utf-8")

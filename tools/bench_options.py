"""Time what class weights, dtypes, probabilities and products cost, and the functions of `special`.

    python tools/bench_options.py [--quick]

Writes ``results/speed/options.json`` and the table ``options.md``: a million logits of float32,
with compiled kernels, on one thread. ``--quick`` takes 100 000.
"""

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from bench import RESULTS, main
from contenders import OURS, Call

from xent_api import sigmoid_xent, softmax_xent, sparse_softmax_xent, special

CLASSES = (10, 100, 1000)
LIBRARIES = ("numpy", "torch")
PACKAGES = ("numpy", "scipy", "torch", "llvmlite")
FUNCTIONS = ("sigmoid", "log_sigmoid", "softplus", "softmax", "log_softmax", "logsumexp")
INTRODUCTION = """
Made by `nox -s bench` (`tools/bench_options.py`), from `options.json`: float32, one thread,
compiled kernels. `time` is that of the call in the first column: a mean with its gradient, where no
other is named. `against` is that time divided by the time of what it is compared with: the call
without the option, or the function of SciPy or PyTorch.
"""


@dataclass(frozen=True)
class Cell:
    """What is timed."""

    library: str
    what: str
    classes: int | None
    """None for functions of elements, and the sigmoid family."""
    size: int
    threads: int


def cells(threads: int, *, quick: bool) -> Iterator[Cell]:
    """Yield what is timed, on one thread."""
    size = 10**5 if quick else 10**6
    for library in LIBRARIES if threads == 1 else ():
        for classes in CLASSES:
            for what in (*OPTIONS, *FUNCTIONS[3:]):
                yield Cell(library, what, classes, size, threads)
        for what in ("probabilities", "product", *FUNCTIONS[:3]):
            yield Cell(library, what, None, size, threads)


class Problem:
    """The arrays of a cell, and its calls."""

    def __init__(self, cell: Cell) -> None:
        random = np.random.default_rng(0)
        shape = (cell.size,) if cell.classes is None else (cell.size // cell.classes, cell.classes)
        self.classes, self.numpy = cell.classes, cell.library == "numpy"
        self.x = self.array(random.normal(0.0, 3.0, shape))
        self.vector = self.array(random.normal(0.0, 1.0, shape))
        self.wide = np.float64
        if not self.numpy:
            import torch

            torch.set_num_threads(1)
            self.wide = torch.float64
        if cell.classes is None:
            self.given = {"labels": self.array(random.random(shape) < 0.5), "logits": self.x}
            return
        indices = random.integers(0, cell.classes, shape[0])
        self.weights = self.array(random.uniform(0.5, 2.0, cell.classes))
        self.given = {"labels": self.array(indices, "int64"), "logits": self.x}
        shares = self.array(random.dirichlet([1.0] * cell.classes, shape[0]))
        self.dense = {"labels": shares, "logits": self.x}

    def array(self, values: Any, dtype: str = "float32") -> Any:
        """Return an array of the library."""
        found = np.asarray(values, dtype)
        if self.numpy:
            return found
        import torch

        return torch.from_numpy(found)

    def family(self) -> Any:
        """Return the family of the labels."""
        return sigmoid_xent if self.classes is None else sparse_softmax_xent

    def pair(self, plain: dict[str, Any], **options: Any) -> tuple[Call, Call]:
        """Return a mean with its gradient with the options, and without."""
        family = sparse_softmax_xent if plain is self.given else softmax_xent
        smoothing = {k: v for k, v in options.items() if k == "label_smoothing"}
        call = partial(family.loss_and_gradient, **plain)
        return (
            partial(call, **({"reduction": "mean"} | options)),
            partial(call, reduction="mean", **smoothing),
        )


def _weighted(p: Problem) -> tuple[Call, Call]:
    return p.pair(p.given, class_weights=p.weights)


def _smoothed(p: Problem) -> tuple[Call, Call]:
    return p.pair(p.given, class_weights=p.weights, label_smoothing=0.1)


def _mean(p: Problem) -> tuple[Call, Call]:
    return p.pair(p.given, class_weights=p.weights, reduction="weighted_mean")


def _dense(p: Problem) -> tuple[Call, Call]:
    return p.pair(p.dense, class_weights=p.weights)


def _dense_mean(p: Problem) -> tuple[Call, Call]:
    return p.pair(p.dense, class_weights=p.weights, reduction="weighted_mean")


def _wider(p: Problem) -> tuple[Call, Call]:
    return p.pair(p.given, dtype=p.wide)


def _probabilities(p: Problem) -> tuple[Call, Call]:
    family = p.family()
    return partial(family.gradient_and_probabilities, **p.given), partial(
        family.gradient, **p.given
    )


def _product(p: Problem) -> tuple[Call, Call]:
    family = p.family()
    ours = partial(family.hessian_vector_product, vector=p.vector, **p.given)
    return ours, partial(family.gradient, **p.given)


OPTIONS: dict[str, tuple[str, Callable[[Problem], tuple[Call, Call]]]] = {
    "class weights": ("class indices with class weights", _weighted),
    "class weights, smoothed": ("the same, smoothed", _smoothed),
    "weighted mean": ("class weights and the weighted mean", _mean),
    "dense class weights": ("probabilities with class weights", _dense),
    "dense weighted mean": ("the same and the weighted mean", _dense_mean),
    "dtype": ("a loss of float64", _wider),
    "probabilities": ("gradient and probabilities / gradient", _probabilities),
    "product": ("product with the Hessian / gradient", _product),
}
"""What → its words in the table, and the two calls."""


def _peer(p: Problem, name: str) -> Call:
    """Return SciPy's or PyTorch's function."""
    if p.numpy:
        from scipy import special as scipy

        known = {"sigmoid": scipy.expit, "log_sigmoid": scipy.log_expit}
        if name == "softplus":
            return lambda: np.logaddexp(p.x, np.float32(0.0))
        function = known.get(name) or partial(getattr(scipy, name), axis=-1)
        return lambda: function(p.x)
    import torch

    own = {
        "sigmoid": torch.sigmoid,
        "log_sigmoid": torch.nn.functional.logsigmoid,
        "softplus": torch.nn.functional.softplus,
    }
    function = own.get(name) or partial(getattr(torch, name), dim=-1)
    return lambda: function(p.x)


def calls(cell: Cell) -> dict[str, Call]:
    """Return our call, and what it is compared with."""
    problem = Problem(cell)
    if cell.what in OPTIONS:
        ours, plain = OPTIONS[cell.what][1](problem)
    else:
        ours, plain = (
            partial(getattr(special, cell.what), problem.x),
            _peer(problem, cell.what),
        )
    return {f"{OURS} {cell.what}": ours, "plain": plain}


def _table(rows: list[dict[str, Any]]) -> str:
    """Return a table of ratios, in Markdown."""
    pairs = iter(rows)
    head = ("call", "classes", "NumPy: time, ms", "against", "PyTorch: time, ms", "against")
    found: dict[tuple[str, str], list[str]] = {}
    for ours in pairs:
        plain = next(pairs)["seconds"]
        what = ours["what"]
        words = OPTIONS[what][0] if what in OPTIONS else f"`special.{what}`"
        cells_ = found.setdefault((words, str(ours["classes"] or "")), [])
        cells_ += [f"{1e3 * ours['seconds']:.2f}", f"{ours['seconds'] / plain:.2f}"]
    lines: list[tuple[str, ...]] = [head, ("---", "--:", "--:", "--:", "--:", "--:")]
    lines += [(*key, *values) for key, values in found.items()]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def write(result: dict[str, Any]) -> None:
    """Write the results and their table."""
    (RESULTS / "options.json").write_text(json.dumps(result, indent=0) + "\n")
    versions = ", ".join(f"{name} {v}" for name, v in result["versions"].items())
    size = max(row["size"] for row in result["rows"])
    parts = [
        "# What options cost",
        INTRODUCTION.strip(),
        f"{size:,} logits in rows of so many classes:".replace(",", " "),
        _table(result["rows"]),
        f"Measured {result['date']} on {result['machine']}, with {versions}.",
    ]
    (RESULTS / "options.md").write_text("\n\n".join(parts) + "\n")


if __name__ == "__main__":
    sys.exit(main(__file__, cells, {"kernels": calls}, PACKAGES, write))

"""Compare every result of float32, float16 and bfloat16 logits with the float64 yardstick.

    python tools/exhaustive.py numpy --dtype float32

float32: all 2^32 logits, with labels 0 and 1: loss, gradient and Hessian, and whether each loss and
gradient is that of the other label at -x, bit for bit. float16 and bfloat16: all 2^16 logits with
all labels of the dtype in [0, 1]. With ``--family sparse_softmax_xent`` the logits have a 0 beside
them, and the labels are the numbers of these two classes. What is done stands in a file, from which
a run that was stopped goes on; the results are added to ``results/accuracy/exhaustive``, from which
the table ``results/accuracy/exhaustive.md`` is made.
"""

import argparse
import ast
import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from array_api_compat import array_namespace
from exhaustive_table import ROOT, write_result
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

import xent_api
from xent_api import sigmoid_xent, sparse_softmax_xent
from xent_api.testing import Target, find_target
from xent_api.testing.float64 import Numbers, sigmoid_values, spacings, ulp_errors
from xent_api.testing.machine import describe_machine
from xent_api.testing.targets import package_version

PIECE = 2**18
"""Elements that are worked on at once: so many that NumPy and PyTorch take them in tiles."""
LABELS = 32
"""How many labels make a block of a 16-bit sweep."""
UNDERFLOW = 126 * float(np.log(2.0))
"""Where exp(-abs(x)) becomes subnormal in float32; beyond it no accuracy is promised."""
SMALLEST = 2.0**-126
"""The smallest normal number of float32, below which results may be flushed to 0."""
QUANTITIES = ("loss", "gradient", "hessian")


class Line(NamedTuple):
    """The errors of one kind in one block."""

    kind: str
    points: int
    worst: float
    logit: float
    label: float
    misrounded: int
    """How many errors are above half an ulp."""


class Sweep:
    """The calls and the blocks of one backend, dtype and family."""

    def __init__(self, target: Target, dtype: str, family: str = "sigmoid_xent") -> None:
        self.target = target
        self.dtype = dtype
        self.symmetric = family == "sigmoid_xent"
        call = FAMILIES[family]
        # JAX under `jit`, as it is used; the others eagerly.
        self.call = target.trace(call) if target.name == "jax" and target.trace else call
        if dtype != "float32":
            self.logits = _every(dtype)
            within = (self.logits >= 0) & (self.logits <= 1)
            self.labels = np.unique(np.abs(self.logits[within])) if self.symmetric else HARD

    def blocks(self) -> range:
        """Return the numbers of the blocks."""
        if self.dtype == "float32":
            return range(2**31 // 2**20)
        return range(-(-len(self.labels) // LABELS))

    def check(self, lines: list[Line]) -> None:
        """See that every point was counted once for each quantity."""
        wanted = 2 * 2**32 if self.dtype == "float32" else 2**16 * len(self.labels)
        for quantity in QUANTITIES:
            points = sum(line.points for line in lines if line.kind.startswith(quantity))
            if points != wanted:
                raise RuntimeError(f"{quantity}: {points} points instead of {wanted}")

    def run(self, block: int) -> dict[str, Any]:
        """Return what a block gave."""
        with self.target.context(), np.errstate(all="ignore"):
            lines, asymmetric = (
                self._single(block) if self.dtype == "float32" else self._half(block)
            )
        return {"block": block, "lines": list(merge(lines)), "asymmetric": asymmetric}

    def _single(self, block: int) -> tuple[list[Line], int]:
        lines: list[Line] = []
        asymmetric = 0
        for first in range(block * 2**20, (block + 1) * 2**20, PIECE):
            bits = np.arange(first, first + PIECE, dtype=np.uint32)
            logits = {sign: (bits | (sign < 0) << 31).astype(np.uint32) for sign in (1.0, -1.0)}
            found = {}
            for sign in (1.0, -1.0):
                for label in (0.0, 1.0):
                    x = logits[sign].view(np.float32)
                    found[sign, label] = got = self._values(x, np.full_like(x, label))
                    lines += self._judge(x, label, got)
            for sign in (1.0, -1.0) if self.symmetric else ():
                one, other = found[sign, 1.0], found[-sign, 0.0]
                asymmetric += _unlike(one[0], other[0]) + _unlike(one[1], -other[1])
        return lines, asymmetric

    def _half(self, block: int) -> tuple[list[Line], int]:
        lines: list[Line] = []
        for label in self.labels[block * LABELS : (block + 1) * LABELS].tolist():
            z = np.full_like(self.logits, label)
            lines += self._judge(self.logits, label, self._values(self.logits, z))
        return lines, 0

    def _judge(self, x: Any, label: float, got: list[Any]) -> Iterator[Line]:
        wide = x.astype(np.float64)
        if not self.symmetric:
            wide[wide == np.inf] = np.nan  # what +inf among classes gives
        return _judged(self.dtype, wide, label, got)

    def _values(self, logits: Any, labels: Any) -> list[Any]:
        """Return loss, gradient and Hessian as float32, which holds narrower numbers exactly."""
        xp = self.target.xp
        dtype = getattr(xp, self.dtype, None) or _ml_dtype(self.dtype)
        x, z = (xp.astype(xp.asarray(v), dtype) for v in (logits, labels))
        return [np.asarray(xp.astype(v, xp.float32)) for v in self.call(z, x)]


def _all(labels: Any, logits: Any) -> tuple[Any, Any, Any]:
    loss, slope = sigmoid_xent.loss_and_gradient(labels=labels, logits=logits)
    _, curvature = sigmoid_xent.gradient_and_hessian(labels=labels, logits=logits)
    return loss, slope, curvature


def _two_classes(labels: Any, logits: Any) -> tuple[Any, Any, Any]:
    """Return what the first of two classes has, of which the other one's logit is 0."""
    xp = array_namespace(logits)
    given = {
        "labels": xp.astype(labels == 0.0, xp.int32),
        "logits": xp.stack([logits, xp.zeros_like(logits)], axis=-1),
    }
    loss, slope = sparse_softmax_xent.loss_and_gradient(**given)
    _, curvature = sparse_softmax_xent.gradient_and_hessian(**given)
    return loss, slope[..., 0], curvature[..., 0]


BACKENDS = ("numpy", "numpy:native", "torch", "torch:native", "jax")
FAMILIES = {"sigmoid_xent": _all, "sparse_softmax_xent": _two_classes}
HARD = np.asarray([0.0, 1.0], dtype=np.float32)


def _every(dtype: str) -> Any:
    """Return all 2^16 numbers of a dtype, NaN included, as float32."""
    bits = np.arange(2**16, dtype=np.uint16)
    return bits.view(np.float16 if dtype == "float16" else _ml_dtype(dtype)).astype(np.float32)


def _ml_dtype(dtype: str) -> Any:
    import ml_dtypes

    return getattr(ml_dtypes, dtype)


def _unlike(one: Any, other: Any) -> int:
    differ = (one.view(np.int32) != other.view(np.int32)) & ~(np.isnan(one) & np.isnan(other))
    return int(np.count_nonzero(differ))


def _judged(dtype: str, wide: Numbers, label: float, got: list[Any]) -> Iterator[Line]:
    exact = sigmoid_values(wide, label)
    promised = ~(np.abs(wide) > UNDERFLOW) | np.isinf(wide)
    if 0.0 < label < SMALLEST:
        promised[:] = False
    for name, values, wanted in zip(QUANTITIES, got, exact, strict=True):
        tiny = ~promised | (np.abs(wanted) < SMALLEST)
        errors = ulp_errors(values.astype(np.float64), wanted, dtype, flushed=tiny)
        if name == "gradient" and label not in (0.0, 1.0):
            errors = _beyond(errors, wanted, wide, label, dtype)
        yield from _lines(_kind(dtype, name, label), errors, wide, label, promised)


def _kind(dtype: str, name: str, label: float) -> str:
    if dtype == "float32":
        return f"{name}, z = {label:g}"
    if name != "gradient":
        return name
    return f"{name}, hard labels" if label in (0.0, 1.0) else f"{name}, soft labels (eps)"


def _beyond(errors: Numbers, exact: Numbers, x: Numbers, label: float, dtype: str) -> Numbers:
    """Return what errors have beyond one rounding, in float32's eps times max(sigmoid(x), z)."""
    with np.errstate(all="ignore"):
        larger = np.maximum(1.0 / (1.0 + np.exp(-x)), label)
        over = np.maximum(errors - 0.5, 0.0) * spacings(exact, dtype)
        beyond: Numbers = over / (2.0**-23 * larger)
    beyond[errors <= 0.5] = 0.0
    beyond[np.isnan(beyond)] = np.inf  # where one of the two is no number
    return beyond


def _lines(kind: str, errors: Numbers, x: Numbers, label: float, promised: Any) -> Iterator[Line]:
    for where, chosen in (("", promised), (", subnormal exp", ~promised)):
        if not chosen.any():
            continue
        inside = errors if chosen.all() else np.where(chosen, errors, -1.0)
        at = int(np.argmax(inside))
        yield Line(
            kind + where,
            int(np.count_nonzero(chosen)),
            float(inside[at]),
            float(x[at]),
            label,
            int(np.count_nonzero(inside > 0.5)),
        )


def merge(lines: Iterable[Line]) -> Iterable[Line]:
    """Return one line for each kind."""
    found: dict[str, Line] = {}
    for line in lines:
        old = found.get(line.kind)
        if old is not None:
            worse = max(old, line, key=lambda entry: entry.worst)
            points, misrounded = old.points + line.points, old.misrounded + line.misrounded
            line = worse._replace(points=points, misrounded=misrounded)  # noqa: PLW2901
        found[line.kind] = line
    return found.values()


def _identity(name: str, dtype: str, family: str) -> dict[str, str]:
    """Return what the results depend on: a state of other code or versions is no start."""
    package = Path(xent_api.__file__).parent
    modules = sorted(package.rglob("*.py"))
    paths = [path for path in modules if not _aside(name, family, path, package)]
    digest = hashlib.sha256()
    for path in [*paths, package / "testing" / "float64.py", Path(__file__)]:
        digest.update(_code(path).encode())
    return {
        "backend": name,
        "version": package_version(name),
        "dtype": dtype,
        "family": family,
        "source": digest.hexdigest()[:16],
        "machine": describe_machine(),
    }


def _code(path: Path) -> str:
    """Return what a module does: comments and docstrings are no part of it."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
            node.body = [part for part in node.body if not _is_text(part)]
    return ast.dump(tree)


def _is_text(node: ast.stmt) -> bool:
    value = node.value if isinstance(node, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)


def _aside(name: str, family: str, path: Path, package: Path) -> bool:
    """Tell whether a module takes no part in a family on a backend."""
    if family == "sigmoid_xent" and ("softmax" in path.stem or "rows" in path.stem):
        return True
    others = {"numpy", "torch", "jax", "dask", "mlx", "cupy"} - {name.partition(":")[0]}
    parts = path.relative_to(package).with_suffix("").parts
    if parts[0] == "_backends" and not others.isdisjoint(parts):
        return True
    folders = {"testing", "_report", "facades", "_checks"}  # what checks arguments never computes
    return not folders.isdisjoint(parts)


def resume(state: Path, identity: dict[str, str]) -> tuple[str, dict[int, dict[str, Any]]]:
    """Return when a state was begun and its finished blocks; begin a new one where it is another's.

    The file is written anew, so that half a line of a killed run does not stay in it.
    """
    header = identity | {"date": dt.datetime.now(dt.UTC).date().isoformat()}
    blocks: list[dict[str, Any]] = []
    if state.exists():
        lines = [json.loads(line) for line in state.read_text().splitlines() if line.endswith("}")]
        if lines and lines[0] | {"date": ""} == identity | {"date": ""}:
            header, *blocks = lines
    done = {entry["block"]: entry for entry in blocks}
    state.parent.mkdir(parents=True, exist_ok=True)
    state.write_text("".join(json.dumps(line) + "\n" for line in [header, *done.values()]))
    return header["date"], done


def main() -> None:
    """Sweep what is left, then write the results."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("backend", choices=BACKENDS, help="on the CPU")
    parser.add_argument("--dtype", default="float32", choices=("float32", "float16", "bfloat16"))
    parser.add_argument("--family", default="sigmoid_xent", choices=FAMILIES)
    parser.add_argument("--workers", type=int, default=2, help="threads")
    parser.add_argument("--state", type=Path, default=ROOT / ".exhaustive", help="folder")
    options = parser.parse_args()
    sweep = Sweep(find_target(options.backend), options.dtype, options.family)
    state = options.state / f"{options.backend}-{options.dtype}-{options.family}.jsonl"
    identity = _identity(options.backend, options.dtype, options.family)
    date, done = resume(state, identity)
    left = [block for block in sweep.blocks() if block not in done]
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with (
        state.open("a") as file,
        Progress("{task.description}", *columns, speed_estimate_period=120) as bar,
        ThreadPoolExecutor(options.workers) as pool,
    ):
        title = f"{options.backend} {options.dtype} {options.family}"
        task = bar.add_task(title, total=len(sweep.blocks()), completed=len(done))
        for entry in pool.map(sweep.run, left):
            done[entry["block"]] = entry
            file.write(json.dumps(entry) + "\n")
            file.flush()
            bar.advance(task)
    lines = list(merge(Line(*line) for entry in done.values() for line in entry["lines"]))
    sweep.check(lines)
    asymmetric = sum(entry["asymmetric"] for entry in done.values())
    write_result(identity | {"date": date}, [line._asdict() for line in lines], asymmetric)


if __name__ == "__main__":
    main()

"""Time compiled kernels on PyTorch's tensors and on rows of classes, beside the peers' calls.

    python tools/bench_tensors.py [--quick]

Writes ``results/speed/tensors.json`` and the tables ``tensors.md``: on one thread, and what two
threads gain. ``--quick`` leaves out the largest arrays.
"""

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from bench import RESULTS, main
from contenders import OURS, Call

from xent_api import execution, sigmoid_xent, sparse_softmax_xent

SIZES = (8, 1_024, 10_000, 100_000, 1_000_000, 10_000_000)
SHAPES = (
    ((32, 10), -1),
    ((256, 1_000), -1),
    ((10_000, 100), -1),
    ((4, 21, 128, 128), 1),
    ((1_000_000, 10), -1),
    ((10_000, 1_000), -1),
    ((312, 32_000), -1),
)
"""Of logits, and the axis of the classes. The pictures have positions that are ignored."""
IGNORED = 0
TASKS = {
    "training": "PyTorch, forward and backward of the mean",
    "loss": "PyTorch, the mean alone",
    "arrays": "NumPy, loss and gradient",
}
PEERS = {"training": "PyTorch", "loss": "PyTorch", "arrays": "SciPy"}
PACKAGES = ("numpy", "scipy", "torch", "llvmlite")
INTRODUCTION = """
Made by `nox -s bench` (`tools/bench_tensors.py`), from `tensors.json`: float32. The peer is
PyTorch's own loss, and for NumPy SciPy's `log_softmax` with the textbook gradient. `ours` is our
time with kernels; the ratios are the peer's time divided by it: above 1 we are faster.
"""


@dataclass(frozen=True)
class Cell:
    """What is timed."""

    task: str
    shape: tuple[int, ...]
    axis: int | None
    """None for elements, that is for the sigmoid family."""
    size: int
    threads: int

    def arrays(self) -> tuple[Any, Any]:
        """Return the same random logits and labels for every library."""
        random = np.random.default_rng(0)
        logits = random.normal(0.0, 3.0, self.shape).astype(np.float32)
        if self.axis is None:
            return logits, (random.random(self.shape) < 0.5).astype(np.float32)
        rows = np.moveaxis(logits, self.axis, -1).shape[:-1]
        return logits, random.integers(0, self.shape[self.axis], rows)

    def options(self) -> dict[str, Any]:
        """Return the options of our call."""
        if self.axis is None:
            return {"reduction": "mean"}
        ignored = {"ignore_index": IGNORED} if self.axis == 1 else {}
        return {"axis": self.axis, "reduction": "mean", **ignored}


def cells(threads: int, *, quick: bool) -> Iterator[Cell]:
    """Yield what is timed; with several threads only what they share."""
    whole: list[tuple[str, tuple[int, ...], int | None]] = [
        ("training", (size,), None) for size in SIZES
    ]
    whole += [(task, shape, axis) for task in TASKS for shape, axis in SHAPES]
    for task, shape, axis in whole:
        size = int(np.prod(shape))
        if (quick and size > 2_000_000) or (threads > 1 and size < 1_000_000):
            continue
        yield Cell(task, shape, axis, size, threads)


def torch_calls(cell: Cell) -> dict[str, Call]:
    """Return our call and PyTorch's own."""
    import torch
    from torch.nn import functional

    torch.set_num_threads(cell.threads)
    logits, labels = map(torch.from_numpy, cell.arrays())
    training = cell.task == "training"
    logits.requires_grad_(training)
    family = sigmoid_xent if cell.axis is None else sparse_softmax_xent
    options = cell.options()
    own: dict[str, Any] = {"ignore_index": IGNORED} if cell.axis == 1 else {}
    peer: Callable[..., Any] = functional.cross_entropy
    if cell.axis is None:
        peer = functional.binary_cross_entropy_with_logits

    def timed(loss: Callable[[], Any]) -> Call:
        def call() -> None:
            value = loss()
            if training:
                logits.grad = None
                value.backward()

        return call

    return {
        f"{OURS} {cell.task}": timed(lambda: family.loss(labels=labels, logits=logits, **options)),
        "PyTorch": timed(lambda: peer(logits, labels, **own)),
    }


def numpy_calls(cell: Cell) -> dict[str, Call]:
    """Return our call and SciPy's `log_softmax` with the textbook gradient."""
    from scipy.special import log_softmax

    logits, labels = cell.arrays()
    assert cell.axis is not None
    axis, places = cell.axis, np.expand_dims(labels, cell.axis)
    options = cell.options() | {"reduction": "none"}

    def ours() -> Any:
        with execution(workers=cell.threads):
            return sparse_softmax_xent.loss_and_gradient(labels=labels, logits=logits, **options)

    def textbook() -> Any:
        logs = log_softmax(logits, axis=axis)
        loss = -np.take_along_axis(logs, places, axis=axis)
        gradient = np.exp(logs)
        at_label = np.take_along_axis(gradient, places, axis=axis) - 1.0
        np.put_along_axis(gradient, places, at_label, axis=axis)
        if axis == 1:
            kept = places != IGNORED
            loss, gradient = np.where(kept, loss, 0.0), np.where(kept, gradient, 0.0)
        return loss, gradient

    return {f"{OURS} {cell.task}": ours, "SciPy": textbook}


def calls(cell: Cell) -> dict[str, Call]:
    """Return what is compared in a cell."""
    return numpy_calls(cell) if cell.task == "arrays" else torch_calls(cell)


def _table(rows: list[dict[str, Any]]) -> str:
    """Return a table of ratios, in Markdown."""
    found = {
        (r["task"], tuple(r["shape"]), r["axis"], r["threads"], r["call"]): r["seconds"]
        for r in rows
    }
    head = ("what", "logits", "ours, µs", "peer / ours", "one thread / two")
    lines = [head, ("---", "---", "--:", "--:", "--:")]
    for task, shape, axis, threads, call in found:
        if threads > 1 or not call.startswith(OURS):
            continue
        mine = found[task, shape, axis, 1, call]
        ratio = found[task, shape, axis, 1, PEERS[task]] / mine
        both = found.get((task, shape, axis, 2, call))
        kind = "sigmoid" if axis is None else "class indices"
        size = " x ".join(f"{n:,}".replace(",", " ") for n in shape)
        gain = f"{mine / both:.2f}" if both else ""
        lines.append((f"{TASKS[task]}, {kind}", size, f"{1e6 * mine:.3g}", f"{ratio:.2f}", gain))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def write(result: dict[str, Any]) -> None:
    """Write the results and their table."""
    (RESULTS / "tensors.json").write_text(json.dumps(result, indent=0) + "\n")
    versions = ", ".join(f"{name} {v}" for name, v in result["versions"].items())
    parts = [
        "# Kernels on tensors and rows",
        INTRODUCTION.strip(),
        _table(result["rows"]),
        f"Measured {result['date']} on {result['machine']}, with {versions}.",
    ]
    (RESULTS / "tensors.md").write_text("\n\n".join(parts) + "\n")


if __name__ == "__main__":
    sys.exit(main(__file__, cells, {"kernels": calls}, PACKAGES, write))

"""The table and the picture of ``results/speed/bench.json``.

python tools/bench_page.py
"""

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from contenders import OURS
from peers import markdown

from xent_api._report.tables import Table

RESULTS = Path(__file__).parents[1] / "results" / "speed"
PEERS = {
    "NumPy": ("NumPy textbook", "scikit-learn", "numexpr"),
    "PyTorch": ("PyTorch",),
    "PyTorch compiled": ("PyTorch compiled",),
    "JAX": ("optax",),
}
"""What each of our calls is compared with."""
INTRODUCTION = """
Made by `nox -s bench` (`tools/bench.py`), from `bench.json`. `mean` is a number, `training` the
mean with its gradient (by backward in PyTorch and JAX; the gradient of the mean in NumPy; in
scikit-learn losses with gradients, which it does not reduce). Peers' times are given as ratios to
ours: above 1 we are faster. `±` is half the distance from the fastest to the slowest run.
"""
Rows = dict[str, dict[str, Any]]


def write(result: dict[str, Any], folder: Path) -> None:
    """Write the page and the picture."""
    groups: dict[tuple[Any, ...], Rows] = defaultdict(dict)
    for row in result["rows"]:
        key = tuple(row[k] for k in ("threads", "dtype", "size", "operation", "variant"))
        groups[key][row["call"]] = row
    largest = max(size for _, _, size, operation, _ in groups if operation == "mean")
    parts = [
        "# Time and memory of the sigmoid family, beside other libraries",
        INTRODUCTION,
    ]
    memory = {k: g for k, g in groups.items() if k[0] == 1 and k[2] >= largest}
    for ours in PEERS:
        parts.append(f"## {ours}")
        for threads in sorted({key[0] for key in groups}):
            for dtype in ("float32", "float64"):
                chosen = {k: g for k, g in groups.items() if k[:3] == (threads, dtype, largest)}
                title = f"{dtype}, {largest:.0e} elements, {threads} thread(s), ns an element"
                table = _table(title, ours, chosen)
                parts += [markdown(table)] * bool(table.rows)
        parts.append(markdown(_memory(ours, memory)))
    parts.append("## Against the size")
    parts.append("![Time an element against the size](bench.png)")
    versions = ", ".join(f"{name} {v}" for name, v in result["versions"].items())
    parts.append(f"Measured {result['date']} on {result['machine']}, with {versions}.")
    (folder / "bench.md").write_text("\n\n".join(part.strip() for part in parts) + "\n")
    (folder / "bench.png").write_bytes(_picture(groups))


def _table(title: str, ours: str, groups: dict[tuple[Any, ...], Rows]) -> Table:
    columns = ("operation", "variant", f"{OURS} {ours}", *(f"{peer} /" for peer in PEERS[ours]))
    rows = []
    for (*_, size, operation, variant), calls in groups.items():
        mine = calls.get(f"{OURS} {ours}")
        if mine:
            ratios = [ratio(calls.get(peer), mine) for peer in PEERS[ours]]
            rows.append((operation, variant, time(mine, size), *ratios))
    return Table(title, columns, rows, frozenset(columns[2:]))


def time(row: dict[str, Any] | None, size: int) -> str:
    """Return nanoseconds an element, with the spread."""
    if row is None:
        return ""
    spread = (row["most"] - row["least"]) / 2
    return f"{row['seconds'] / size * 1e9:.1f} ± {spread / size * 1e9:.1f}"


def ratio(peer: dict[str, Any] | None, ours: dict[str, Any] | None) -> str:
    """Return how many times our time a peer takes."""
    return "" if peer is None or ours is None else f"{peer['seconds'] / ours['seconds']:.2f}"


def _memory(ours: str, groups: dict[tuple[Any, ...], Rows]) -> Table:
    names = (f"{OURS} {ours}", *PEERS[ours])
    rows = []
    for (_, dtype, size, operation, variant), calls in groups.items():
        if names[0] in calls:
            found = [calls.get(name, {}).get("bytes") for name in names]
            cells = ["" if n is None else f"{n / size:.1f}" for n in found]
            rows.append((f"{size:.0e}", dtype, operation, variant, *cells))
    title = "Memory beyond the inputs, results included, bytes an element, at most during a call"
    columns = ("size", "dtype", "operation", "variant", *names)
    return Table(title, columns, rows, frozenset(names))


def _picture(groups: dict[tuple[Any, ...], Rows]) -> bytes:
    from io import BytesIO

    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 5), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    names = [name for ours, peers in PEERS.items() for name in (f"{OURS} {ours}", *peers)]
    for axes, operation in zip(panels, ("loss", "training"), strict=True):
        wanted = sorted(
            (key[2], calls)
            for key, calls in groups.items()
            if (key[0], key[1], *key[3:]) == (1, "float32", operation, "plain")
        )
        for i, name in enumerate(names):
            points = [(n, c[name]["seconds"] / n * 1e9) for n, c in wanted if name in c]
            ours = name.startswith(OURS)
            if points:
                axes.plot(
                    *zip(*points, strict=True),
                    label=name,
                    color=f"C{i}",
                    linestyle="-" if ours else "--",
                    linewidth=2 if ours else 1,
                )
        axes.set(xscale="log", yscale="log", title=operation, xlabel="elements")
        axes.grid(visible=True, color="0.92")
    panels[0].set_ylabel("ns an element, float32, 1 thread")
    handles: dict[str, Any] = {}
    for axes in panels:
        lines, labels = axes.get_legend_handles_labels()
        handles |= dict(zip(labels, lines, strict=True))
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=5)
    file = BytesIO()
    figure.savefig(file, format="png", dpi=110)
    return file.getvalue()


if __name__ == "__main__":
    write(json.loads((RESULTS / "bench.json").read_text()), RESULTS)

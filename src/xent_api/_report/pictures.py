"""Pictures of errors against the logit, by matplotlib."""

from collections.abc import Sequence
from io import BytesIO
from typing import Any

from ..testing import BAR
from . import softmax
from .measure import CASES, CENTRES, Measured

OURS = "xent_api on"
FAR = 30.0
"""An error from which on even a picture of backends is drawn on a logarithmic axis."""
MARKERS = "os^vDPX*<>hp"
BLACKS = ("black", "0.45", "0.7")
"""Of this package beside others, on several backends."""
LEAST = 0.1
"""What an error of less is shown as where the axis is logarithmic."""


def draw_backends(systems: Sequence[Measured]) -> bytes:
    """Return a PNG of this package's errors on each backend."""
    return _draw(systems, "xent_api on each backend", logarithmic=False)


def draw_peers(systems: Sequence[Measured]) -> bytes:
    """Return a PNG of the errors of the peers, and of this package as the last one, in black."""
    return _draw(systems, "The losses of other systems, and this one", logarithmic=True)


def draw_softmax(systems: Sequence[Measured]) -> bytes:
    """Return a PNG of the errors of softmax losses, of this package in black."""
    margin = "logit at the label, the others around 0"
    title = "Softmax losses of ten classes"
    return _draw(systems, title, softmax.CASES, softmax.MARGINS, margin, logarithmic=True)


def _draw(
    systems: Sequence[Measured],
    title: str,
    cases: tuple[str, ...] = CASES,
    centres: tuple[float, ...] = CENTRES,
    abscissa: str = "logit x",
    *,
    logarithmic: bool,
) -> bytes:
    from matplotlib.figure import Figure  # no pyplot: it would have a state, and want a display

    figure = Figure(figsize=(13, 1.5 + 2.75 * len(cases) / 3), layout="constrained")
    figure.suptitle(f"{title}: worst (thick) and median (dotted) error, float32")
    worst = max((system.worst(case) for system in systems for case in cases), default=0.0)
    logarithmic = logarithmic or worst > FAR
    panels = figure.subplots(len(cases) // 3, 3, sharex=True, sharey=True, squeeze=False)
    for axes, case in zip(panels.flat, cases, strict=True):
        blacks = iter(BLACKS * len(systems))
        for i, system in enumerate(systems):
            ours = logarithmic and system.name.startswith(OURS)
            color = next(blacks) if ours else f"C{i % 10}"
            _lines(axes, centres, system, case, i, color, logarithmic=logarithmic)
        axes.axhline(BAR, color="0.6", linestyle="--", linewidth=1)
        axes.set_title(case.replace("soft z", "0 < z < 1"))
        unit = r"eps$\cdot$max($\sigma$(x), z)" if case == "gradient, soft z" else "ulp"
        axes.set_ylabel(unit)
        axes.grid(visible=True, color="0.92")
    for axes in panels[-1]:
        axes.set_xlabel(abscissa)
    _scale(panels[0, 0], centres[0], max(5.0, 1.1 * worst), logarithmic=logarithmic)
    handles = panels[0, 0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", ncols=4, frameon=False, fontsize=9)
    file = BytesIO()
    figure.savefig(file, format="png", dpi=110)
    return file.getvalue()


def _lines(
    axes: Any,
    centres: tuple[float, ...],
    system: Measured,
    case: str,
    i: int,
    color: str,
    *,
    logarithmic: bool,
) -> None:
    worst, median = system.curves[case]
    if logarithmic:
        worst, median = (tuple(max(LEAST, e) for e in errors) for errors in (worst, median))
    ours = color in BLACKS
    label = f"{system.name} {system.version}".removesuffix(" ?")
    # Systems that compute alike lie on each other: marks at places of their own show them all.
    step = max(8, len(centres) // 8)
    style: dict[str, Any] = {
        "color": color,
        "marker": MARKERS[i % len(MARKERS)],
        "markevery": ((5 * i) % step, step),
        "markersize": 5,
    }
    axes.plot(centres, worst, linewidth=2.2 if ours else 1.5, label=label, **style)
    axes.plot(centres, median, color=color, linewidth=0.8, linestyle=":")


def _scale(axes: Any, left: float, top: float, *, logarithmic: bool) -> None:
    if logarithmic:
        axes.set_yscale("log")
        axes.set_ylim(LEAST, 1e8)
        axes.text(left, 1.3 * BAR, f"the bar: {BAR:g}", color="0.4", fontsize=8)
        axes.text(left, 2.5e7, "no digit is left", color="0.4", fontsize=8)
    else:
        axes.set_ylim(0.0, top)
        axes.text(left, BAR + 0.1, f"the bar: {BAR:g}", color="0.4", fontsize=8)

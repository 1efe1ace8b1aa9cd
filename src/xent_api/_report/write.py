"""The report as files: a page, and the pictures that are also in it."""

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from ..testing import Target
from ..testing.machine import describe_machine
from ..testing.targets import package_version
from . import softmax
from .comparison import comparison, softmax_comparison, special
from .contents import Report
from .measure import Measured, call_target, measure
from .page import Part, page
from .peers import installed_peers
from .pictures import OURS, draw_backends, draw_peers, draw_softmax

CAPTIONS = (
    "This package on each backend, against the logit x, for labels z. Marks tell lines apart.",
    "The same for other systems' losses, on a logarithmic axis, and for this package in black.",
    "The softmax losses of other systems, and this one in black, against how sure they are.",
)
FILES = ("backends.png", "peers.png", "softmax.png")
SLOW = frozenset({"mparray"})
"""Multi-precision backends: so many points would take minutes, and show nothing."""
UNDRAWN = "it has no float32, or so many points would take it minutes"

Outcome: TypeAlias = tuple[list[Measured], list[str]]
"""What was measured, and a line for each system that could not be."""


def write_report(
    folder: Path, title: str, report: Report, unable: Sequence[str], say: Callable[[str], object]
) -> Path:
    """Measure the backends and the peers that are here, write the files; return the page."""
    backends, unmeasured = measure_backends(report.targets, say)
    peers, uncalled = measure_peers(say)
    rows, unmeasured_rows = measure_softmax(report.targets, say)
    pictures = []
    if backends:
        pictures = [draw_backends(backends), draw_peers([*peers, backends[0]]), draw_softmax(rows)]
    parts: list[Part] = [
        f"{dt.datetime.now(dt.UTC).date()}; {describe_machine()}.",
        *report.problems(),
        *unable,
        *report.notes(),
        *unmeasured,
        *uncalled,
        *unmeasured_rows,
        report.verdict(),
        *(part for pair in zip(CAPTIONS, pictures, strict=False) for part in pair),
        comparison([*backends, *peers]),
        special([*backends, *peers]),
        softmax_comparison(rows),
        report.summary(),
        *report.primitives(),
        *report.tables(),
    ]
    for name, picture in zip(FILES, pictures, strict=False):
        (folder / name).write_bytes(picture)
    index = folder / "index.html"
    index.write_text(page(title, parts), encoding="utf-8")
    return index


def measure_backends(targets: Sequence[Target], say: Callable[[str], object]) -> Outcome:
    """Measure this package on each target that has float32."""
    left_out = [target.name for target in targets if not _drawn(target)]
    found, problems = _measured(
        (
            (f"{OURS} {target.name}", package_version(target.name), call_target(target))
            for target in targets
            if target.name not in left_out
        ),
        say,
    )
    return found, problems + [f"{name} is not in the pictures: {UNDRAWN}." for name in left_out]


def _drawn(target: Target) -> bool:
    return target.name not in SLOW and "float32" in target.dtypes()


def measure_peers(say: Callable[[str], object]) -> Outcome:
    """Measure each peer that is installed."""
    return _measured(((peer.name, peer.version, peer.call) for peer in installed_peers()), say)


def measure_softmax(targets: Sequence[Target], say: Callable[[str], object]) -> Outcome:
    """Measure the softmax losses of each peer that is installed, and of each target."""
    peers = ((peer.name, peer.version, call) for peer, call in softmax.installed_peers())
    ours = (
        (f"{OURS} {target.name}", package_version(target.name), softmax.call_target(target))
        for target in targets
        if _drawn(target)
    )
    return _measured((*peers, *ours), say, softmax.measure)


def _measured(
    systems: Iterable[tuple[str, str, Any]],
    say: Callable[[str], object],
    how: Callable[[str, str, Any], Measured] = measure,
) -> Outcome:
    found, problems = [], []
    for name, version, call in systems:
        say(f"measuring {name}\n")
        try:
            found.append(how(name, version, call))
        except Exception as error:  # noqa: BLE001 - what is installed may still raise anything
            problems.append(f"{name} cannot be measured: {type(error).__name__}: {error}")
    return found, problems

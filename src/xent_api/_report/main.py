"""The command line: which backends are here, and what they give."""

import argparse
import sys
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from textwrap import fill
from typing import TextIO

from .._version import __version__
from ..testing import KNOWN
from ..testing.targets import package_version
from .contents import Report, examine
from .tables import WIDTH, show

TITLE = f"xent_api {__version__}: cross entropy with logits for every array library"
READING = (
    "An error is given in ulp, units in the last place of the result: correct rounding has 0.5 at "
    "most. The bar is 4 ulp in float32 and float64 and 0.51 in float16 and bfloat16. With weights, "
    "soft labels and rounded differences x - max x it is higher, as the docs say."
)


def main(arguments: Sequence[str] | None = None, out: TextIO | None = None) -> int:
    """Show the report; return the exit status, 1 where anything failed."""
    out = out or sys.stdout
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.report and (missing := [n for n in ("numpy", "matplotlib") if not find_spec(n)]):
        parser.error(f"--report needs {' and '.join(missing)}, of the extra [report]")
    if options.report:
        try:
            options.report.mkdir(parents=True, exist_ok=True)
        except OSError as error:  # said now, and not after all the work
            parser.error(f"--report: {error}")
    names: list[str] = options.backend or list(KNOWN)
    report = examine(names, _Progress(sys.stderr))
    problems = report.problems()
    if options.backend:
        reasons = [(name, report.found[name]) for name in names]
        problems += [f"{name} cannot run: {r}" for name, r in reasons if isinstance(r, str)]
    explained = bool(options.verbose or options.backend)
    for text in (TITLE, READING, _found(report, names, explained=explained)):
        _say(text, out)
    for line in problems:
        _say(f"FAIL {line}", out)
    if options.verbose:
        _say("Backends", out)
        out.writelines(f"{line}\n" for line in [*report.backends(), ""])
    for table in report.tables() if options.verbose else ():
        show(table, out)
    if report.targets:
        show(report.summary(), out)
    _say(report.verdict(), out)
    if options.report:
        _write(options.report, report, problems, out)
    return 1 if problems or not report.targets else 0


def _say(text: str, out: TextIO) -> None:
    """Write a paragraph in lines that fit; words are not cut."""
    out.write(f"{fill(text, WIDTH, break_long_words=False, break_on_hyphens=False)}\n\n")


def _found(report: Report, names: Sequence[str], *, explained: bool) -> str:
    missing = len(names) - len(report.targets)
    why = "" if explained or not missing else " --verbose tells why the others cannot run."
    here = [f"{target.name} {package_version(target.name)}" for target in report.targets]
    listed = f": {', '.join(here)}" if here else ""
    return f"Found {len(here)} of {len(names)} backends{listed}.{why}"


class _Progress:
    """Lines about what is being done, each with the seconds that have passed."""

    def __init__(self, out: TextIO) -> None:
        self.out, self.start = out, time.monotonic()

    def __call__(self, text: str) -> None:
        self.out.write(f"[{time.monotonic() - self.start:4.0f} s] {text}")
        self.out.flush()


def _write(folder: Path, report: Report, problems: list[str], out: TextIO) -> None:
    from .write import write_report  # wants NumPy and matplotlib

    progress = _Progress(sys.stderr)
    index = write_report(folder, TITLE, report, problems, progress)
    out.write(f"{index} is written. It took {time.monotonic() - progress.start:.0f} s.\n")


def _folder(text: str) -> Path:
    if not text:
        raise argparse.ArgumentTypeError("a folder; got an empty name")
    return Path(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m xent_api",
        description="Run the documented examples and the reference values on the array libraries "
        "that are installed here.",
    )
    parser.add_argument(
        "--backend",
        action="append",
        metavar="NAME",
        help="a known name or the import path of any array namespace; repeatable; by default all "
        f"that can run of {', '.join(KNOWN)}",
    )
    parser.add_argument(
        "--report",
        type=_folder,
        metavar="DIR",
        help="also write index.html there, with pictures of the errors of each backend and of the "
        "losses of PyTorch, optax, Keras, scikit-learn, TensorFlow and Paddle, where installed "
        "(some ten seconds for each of them)",
    )
    parser.add_argument(
        "--verbose",
        action="store_true",
        help="also each element of the examples, each quantity, and why backends cannot run",
    )
    parser.add_argument("--version", action="version", version=f"xent_api {__version__}")
    return parser

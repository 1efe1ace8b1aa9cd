"""The command line: which backends are here, and what they give."""

import argparse
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TextIO

from .._version import __version__
from ..testing import KNOWN
from .contents import Report, examine
from .tables import show

TITLE = f"xent_api {__version__}: cross entropy with logits for every array library"


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
    out.write(f"{TITLE}\n\n")
    names: list[str] = options.backend or list(KNOWN)
    report = examine(names, sys.stderr.write)
    detailed = list(report.outcomes) if options.backend else list(report.outcomes)[:1]
    for table in report.tables(detailed):
        show(table, out)
    problems = report.problems()
    if options.backend:
        problems += [f"{name} cannot run" for name in names if isinstance(report.found[name], str)]
    out.writelines(f"{line}\n" for line in [*problems, report.verdict()])
    if options.report:
        _write(options.report, report, problems, out)
    return 1 if problems or not report.targets else 0


def _write(folder: Path, report: Report, problems: list[str], out: TextIO) -> None:
    from .write import write_report  # wants NumPy and matplotlib

    index = write_report(folder, TITLE, report, problems, sys.stderr.write)
    out.write(f"{index} is written.\n")


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
        "(seconds for each of them)",
    )
    parser.add_argument("--version", action="version", version=f"xent_api {__version__}")
    return parser

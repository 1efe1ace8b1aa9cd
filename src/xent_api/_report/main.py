"""The command line: which backends are here, and what they give."""

import argparse
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from textwrap import fill
from typing import TextIO

from .._checks.dtypes import FLOATING
from .._version import __version__
from ..testing import KNOWN
from ..testing.families import FAMILIES
from ..testing.listed import Listed
from .cases import OF_THE_PLUGIN
from .contents import Report, examine
from .examined import Chosen
from .junit import junit
from .record import record, written
from .tables import WIDTH, show

TITLE = f"xent_api {__version__}: cross entropy with logits for every array library"
READING = (
    "An error is given in ulp, units in the last place of the result: correct rounding has 0.5 at "
    "most. The bar is 4 ulp in float32 and float64 and 0.51 in float16 and bfloat16. With weights, "
    "soft labels and rounded differences x - max x it is higher, as the docs say."
)


def main(arguments: Sequence[str] | None = None, out: TextIO | None = None) -> int:
    """Show the report; return the exit status: 1 where anything missed, 2 where nothing can run."""
    out = out or sys.stdout
    parser = _parser()
    options = parser.parse_args(arguments)
    _check(parser, options)
    names: list[str] = list(dict.fromkeys(options.backend or KNOWN))
    progress = _Progress(sys.stderr)
    chosen = Chosen(
        options.dtypes or None,
        options.families or tuple(FAMILIES),
        _listed(parser, "--xfails-file", options.xfails_file),
        _listed(parser, "--skips-file", options.skips_file),
        options.exhaustive,
    )
    report = examine(names, chosen, progress)
    unable = _unable(report, options)
    _tell(report, options, unable, out)
    for text in _of_files(report, options, chosen):
        _say(text, out)
    _say(report.verdict(), out)
    if options.json:
        options.json.write_text(written(record(report)), encoding="utf-8")
    if options.junitxml:
        options.junitxml.write_bytes(junit(report.cases, unable, progress.seconds))
    if options.report:
        _write(options.report, report, unable, out)
    if unable or all(case.state == "skip" for case in report.cases):
        return 2
    return 1 if any(case.failed for case in report.cases) else 0


def _tell(report: Report, options: argparse.Namespace, unable: Sequence[str], out: TextIO) -> None:
    """Write all that is shown in a terminal, but for the last lines."""
    few = bool(options.backend or options.verbose)
    for text in (TITLE, READING, _found(report, explained=few)):
        _say(text, out)
    for line in [*report.problems(), *unable]:
        _say(f"FAIL {line}", out)
    if options.verbose:
        _say("Backends", out)
        out.writelines(f"{line}\n" for line in [*report.backends(), ""])
    for table in report.tables() if options.verbose else ():
        show(table, out)
    for table in report.primitives() if few else ():
        show(table, out)
    for line in report.notes() if few else ():
        _say(line, out)
    if report.examined:
        show(report.summary(), out)


def _unable(report: Report, options: argparse.Namespace) -> list[str]:
    """Return a line for each backend that was asked for, and cannot run as it was asked to."""
    if not options.backend:
        return []
    lines = [f"{name} cannot run: {reason}" for name, reason in report.missing.items()]
    for one in report.examined:
        lacking = [name for name in options.dtypes or () if name not in one.dtypes]
        lines += [f"{one.name} has no {name}" for name in lacking]
    return lines


def _of_files(report: Report, options: argparse.Namespace, chosen: Chosen) -> Iterator[str]:
    """Yield what is to be said of the ids in the files that were given."""
    for case in report.cases:
        if case.state == "xpass":
            yield f"{case.id} passes, and is listed as a failure: {case.text}"
    for path, listed in ((options.xfails_file, chosen.xfails), (options.skips_file, chosen.skips)):
        for pattern in listed.unused():
            # One file can serve the pytest plugin, which has more tests.
            if pattern.partition("::")[0].rpartition("/")[2] not in OF_THE_PLUGIN:
                yield f"{path}: no case of this run is {pattern}"


def _say(text: str, out: TextIO) -> None:
    """Write a paragraph in lines that fit; words are not cut, and nothing else is sent."""
    text = "".join(c if c.isprintable() else " " for c in text)
    out.write(f"{fill(text, WIDTH, break_long_words=False, break_on_hyphens=False)}\n\n")


def _found(report: Report, *, explained: bool) -> str:
    here = [f"{one.name} {one.version}" for one in report.examined]
    why = "" if explained or not report.missing else " --verbose tells why the others cannot run."
    listed = f": {', '.join(here)}" if here else ""
    return f"Found {len(here)} of {len(here) + len(report.missing)} backends{listed}.{why}"


class _Progress:
    """Lines about what is being done, each with the seconds that have passed."""

    def __init__(self, out: TextIO) -> None:
        self.out, self.start = out, time.monotonic()

    @property
    def seconds(self) -> float:
        """How long it has taken."""
        return time.monotonic() - self.start

    def __call__(self, text: str) -> None:
        self.out.write(f"[{self.seconds:4.0f} s] {text}")
        self.out.flush()


def _write(folder: Path, report: Report, unable: Sequence[str], out: TextIO) -> None:
    from .write import write_report  # wants NumPy and matplotlib

    progress = _Progress(sys.stderr)
    index = write_report(folder, TITLE, report, unable, progress)
    out.write(f"{index} is written. It took {progress.seconds:.0f} s.\n")


def _check(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Refuse what cannot be done: now, and not after all the work."""
    if options.exhaustive and "float32" not in (options.dtypes or ["float32"]):
        parser.error("--exhaustive is of float32; got other --dtypes")
    for option, wanted in (("report", ("numpy", "matplotlib")), ("exhaustive", ("numpy",))):
        missing = [name for name in wanted if not find_spec(name)]
        if getattr(options, option) and missing:
            parser.error(f"--{option} needs {' and '.join(missing)}, of the extra [report]")
    try:
        option = "report"
        if options.report:
            options.report.mkdir(parents=True, exist_ok=True)
        for option in ("json", "junitxml"):
            path = getattr(options, option)
            if path and path.is_dir():
                raise IsADirectoryError(f"{path} is a folder")
            if path:
                path.touch()
    except OSError as error:
        parser.error(f"--{option}: {error}")


def _listed(parser: argparse.ArgumentParser, option: str, path: Path | None) -> Listed:
    try:
        return Listed.read(path)
    except (OSError, UnicodeDecodeError) as error:
        parser.error(f"{option}: {error}")


def _folder(text: str) -> Path:
    if not text:
        raise argparse.ArgumentTypeError("a folder; got an empty name")
    return Path(text)


def _names(known: Iterable[str]) -> Callable[[str], list[str]]:
    """Return what reads names of `known`, with commas between them."""

    def read(text: str) -> list[str]:
        names = [name.strip() for name in text.split(",") if name.strip()]
        unknown = [name for name in names if name not in known]
        if unknown or not names:
            raise argparse.ArgumentTypeError(f"some of {', '.join(known)}; got {text!r}")
        return names

    return read


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m xent_api",
        allow_abbrev=False,
        description="Compare the losses with exact values on the array libraries that are "
        "installed here, run the documented examples, and measure the functions that losses are "
        "made of. The exit status is 0, 1 if anything misses its bar, or 2 if something that was "
        "asked for cannot run, or nothing was.",
    )
    parser.add_argument(
        "--backend",
        action="append",
        metavar="NAME",
        help="a known name, the import path of any array namespace, or module:attribute for an "
        "object that has the functions of one; repeatable; by default all that can run of "
        f"{', '.join(KNOWN)}",
    )
    for option, known in (("dtypes", FLOATING), ("families", FAMILIES)):
        parser.add_argument(
            f"--{option}",
            type=_names(known),
            metavar="NAMES",
            help=f"some of {', '.join(known)}, with commas between them; by default all",
        )
    for option, meaning in (
        ("xfails-file", "ids of known failures, one in a line, `# reason` behind it"),
        ("skips-file", "ids that are not to be run, likewise"),
        ("json", "also write all figures there, as data"),
        ("junitxml", "also write a case for each quantity and example there"),
    ):
        parser.add_argument(f"--{option}", type=Path, metavar="FILE", help=meaning)
    parser.add_argument(
        "--report",
        type=_folder,
        metavar="DIR",
        help="also write index.html there, with pictures of the errors of each backend and of the "
        "losses of PyTorch, optax, Keras, scikit-learn, TensorFlow and Paddle, where installed "
        "(some ten seconds for each of them)",
    )
    parser.add_argument(
        "--exhaustive",
        action="store_true",
        help="measure exp, log1p, log and expm1 at all 2^32 numbers of float32 (ten minutes for "
        "each backend; needs NumPy)",
    )
    parser.add_argument(
        "--verbose",
        action="store_true",
        help="also each element of the examples, each quantity, and why backends cannot run",
    )
    parser.add_argument("--version", action="version", version=f"xent_api {__version__}")
    return parser

"""What makes tests of an array library: each on every target, eagerly and traced.

`pytest_xent_api`, the entry point, registers it where ``--xent-backend`` is given.
"""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .._checks.dtypes import FLOATING
from .causes import explain
from .check import Finding, check_family
from .families import FAMILIES
from .listed import Listed
from .suite import Suite
from .targets import KNOWN, Target, Unavailable, find_target, package_version

MARKERS = (
    "autodiff: in the default set of the package's own tests on JAX",
    "dtypes(*names): run only for these dtypes",
    "eager: run only without tracing",
    "everywhere: in the default set of the package's own tests on every backend",
    "nightly: not in the default set of the package's own tests",
    "only(*libraries): run only on the targets of these libraries",
)
FOLDER = Path(__file__).parent / "conformance"
TARGETS = pytest.StashKey[dict[str, "Target | str"]]()
DTYPES = pytest.StashKey[tuple[str, ...]]()
XFAILS = pytest.StashKey[Listed]()
SKIPS = pytest.StashKey[Listed]()
FORGOTTEN = pytest.StashKey[bool]()
"""Whether tests were collected, but none of these."""
FOUND = pytest.StashKey[dict[tuple[str, str, str], dict[str, Finding]]]()


def pytest_configure(config: pytest.Config) -> None:
    """Find the targets; read the files."""
    for line in MARKERS:
        config.addinivalue_line("markers", line)
    here = str(config.invocation_params.dir)
    if here not in sys.path:  # `pytest` does not look there for modules, as `python -m pytest` does
        sys.path.append(here)
    names: list[str] = config.getoption("xent_backend")
    config.stash[TARGETS] = {name: _find(name, lenient=_is_lenient(config)) for name in names}
    dtypes = (config.getoption("xent_dtypes") or "").split(",")
    config.stash[DTYPES] = tuple(name.strip() for name in dtypes if name.strip())
    unknown = [name for name in config.stash[DTYPES] if name not in FLOATING]
    if unknown:
        raise pytest.UsageError(
            f"--xent-dtypes must be some of {', '.join(FLOATING)}; got {', '.join(unknown)}"
        )
    for name, target in config.stash[TARGETS].items():
        missing = isinstance(target, Target) and [
            dtype for dtype in config.stash[DTYPES] if dtype not in target.dtypes()
        ]
        if missing:
            raise pytest.UsageError(f"--xent-dtypes: {name} has no {', '.join(missing)}")
    for key, option in ((XFAILS, "xent_xfails_file"), (SKIPS, "xent_skips_file")):
        try:
            config.stash[key] = Listed.read(config.getoption(option))
        except (OSError, UnicodeDecodeError) as error:
            raise pytest.UsageError(f"--{option.replace('_', '-')}: {error}") from None
    config.stash[FOUND] = {}


def _is_lenient(config: pytest.Config) -> bool:
    """Tell whether it is the package's own checkout that runs the tests."""
    return getattr(config.option, "xent_lenient", False)


def _find(name: str, *, lenient: bool) -> Target | str:
    try:
        return find_target(name)
    except Unavailable as reason:
        if lenient and name in KNOWN:
            return str(reason)
        # A name mistyped, or a library that is missing, must not look like a pass.
        raise pytest.UsageError(f"--xent-backend {name}: {reason}") from None


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Return a line for each target."""
    lines = []
    for name, target in config.stash[TARGETS].items():
        if isinstance(target, Target):
            modes = "eager, traced" if target.trace else "eager"
            lines.append(f"backend {name} {package_version(name)}: {modes}")
        else:
            lines.append(f"backend {name}: cannot run, {target}")
    return lines


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give `suite`, `dtype` and `target_name` their values."""
    targets = metafunc.config.stash[TARGETS]
    if not _is_lenient(metafunc.config) and Path(metafunc.definition.path).parent != FOLDER:
        return  # a test of somebody else's, run with these
    if "target_name" in metafunc.fixturenames:
        metafunc.parametrize("target_name", list(targets))
    if "suite" not in metafunc.fixturenames:
        return
    names = [name for name in ("suite", "dtype") if name in metafunc.fixturenames]
    suites, reason = _suites(metafunc, targets)
    values = [(suite, dtype) for suite in suites for dtype in _dtypes(metafunc, suite)]
    if "dtype" not in names:
        values = [(suite, "") for suite in suites]
    elif suites and not values:
        reason = "for other dtypes"
    if not values:
        nothing = pytest.param(*[None] * len(names), marks=pytest.mark.skip(reason=reason))
        metafunc.parametrize(names, [nothing], ids=["none"], indirect=["suite"])
        return
    ids = [f"{suite}-{dtype}".removesuffix("-") for suite, dtype in values]
    given = [value[: len(names)] for value in values]
    metafunc.parametrize(names, given, ids=ids, indirect=["suite"])


def _suites(metafunc: pytest.Metafunc, targets: dict[str, Target | str]) -> tuple[list[Suite], str]:
    """Return on what a test is run, and why where that is nothing."""
    runs = [target for target in targets.values() if isinstance(target, Target)]
    mark = metafunc.definition.get_closest_marker("only")
    wanted = mark.args if mark else ()
    if wanted:
        runs = [target for target in runs if {target.library, target.name} & {*wanted}]
    suites = [Suite(target) for target in runs]
    if not any(metafunc.definition.iter_markers("eager")):
        suites += [Suite(target, traced=True) for target in runs if target.trace]
    nothing = "none of the selected backends runs here"
    return suites, f"for {', '.join(wanted)} only" if wanted else nothing


def _dtypes(metafunc: pytest.Metafunc, suite: Suite) -> list[str]:
    mark = metafunc.definition.get_closest_marker("dtypes")
    allowed = mark.args if mark else ()
    chosen = metafunc.config.stash[DTYPES]
    return [
        dtype
        for dtype in suite.target.dtypes()
        if (not allowed or dtype in allowed) and (not chosen or dtype in chosen)
    ]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what the files list."""
    ours = any(Path(item.path).parent == FOLDER for item in items)
    config.stash[FORGOTTEN] = bool(items) and not ours
    for item in items:
        known, skipped = (config.stash[key].reason(item.nodeid) for key in (XFAILS, SKIPS))
        if known is not None:
            item.add_marker(pytest.mark.xfail(reason=known, strict=False))
        if skipped is not None:
            item.add_marker(pytest.mark.skip(reason=skipped))


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Name what is listed and passes, and the lines that match nothing."""
    if config.stash.get(FORGOTTEN, False) and not _is_lenient(config):
        terminalreporter.write_line(
            "--xent-backend: no test of it ran; add --pyargs xent_api.testing"
        )
    for kind, reports in terminalreporter.stats.items():
        # Under pytest-xdist it is other processes that collected the tests.
        for name in (report.nodeid for report in reports if hasattr(report, "nodeid")):
            known = [config.stash[key].reason(name) for key in (XFAILS, SKIPS)]
            if kind == "xpassed" and known[0] is not None:
                terminalreporter.write_line(f"{name} passes, and is listed as a failure")
    for option, key in (("--xent-xfails-file", XFAILS), ("--xent-skips-file", SKIPS)):
        for line in config.stash[key].unused():
            terminalreporter.write_line(f"{option}: no test of this run is {line}")


@pytest.fixture
def suite(request: pytest.FixtureRequest) -> Iterator[Suite]:
    """Yield one target in one mode, in the target's context."""
    wanted: Suite = request.param
    with wanted.target.context():
        yield wanted


@pytest.fixture
def findings(
    request: pytest.FixtureRequest,
) -> Callable[[Suite, str, str], dict[str, Finding]]:
    """Return what a family gives in a dtype, by quantity: computed once for all of them."""
    known = request.config.stash[FOUND]

    def found(suite: Suite, dtype: str, family: str) -> dict[str, Finding]:
        key = str(suite), dtype, family
        if key not in known:
            results = check_family(suite.target, dtype, FAMILIES[family], suite.call)
            if not suite.traced:
                explain(suite.target, results)
            known[key] = {finding.quantity: finding for finding in results}
        return known[key]

    return found

"""The conformance suite: every test on every backend, eagerly and traced, from one definition."""

import gc
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest
from helpers.selection import in_default_set
from helpers.suite import Suite

from xent_api.testing import KNOWN, Target, Unavailable, find_target
from xent_api.testing.targets import package_version

FOLDER = Path(__file__).parent
STALE = pytest.StashKey[list[str]]()
TARGETS = pytest.StashKey[dict[str, "Target | str"]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--backend",
        action="append",
        metavar="NAME",
        help="a known name or the import path of any array namespace; repeatable; default: all",
    )
    parser.addoption("--nightly", action="store_true", help="also what is not in the default set")


def pytest_configure(config: pytest.Config) -> None:
    names: list[str] = config.getoption("--backend") or list(KNOWN)
    config.stash[TARGETS] = {name: _find(name) for name in names}
    config.stash[STALE] = []


def pytest_report_header(config: pytest.Config) -> list[str]:
    lines = []
    for name, target in config.stash[TARGETS].items():
        if isinstance(target, Target):
            modes = "eager, traced" if target.trace else "eager"
            lines.append(f"backend {name} {package_version(name)}: {modes}")
        else:
            lines.append(f"backend {name}: cannot run, {target}")
    return lines


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    targets = metafunc.config.stash[TARGETS]
    if "target_name" in metafunc.fixturenames:
        metafunc.parametrize("target_name", list(targets))
    if "suite" not in metafunc.fixturenames:
        return
    runs = [target for target in targets.values() if isinstance(target, Target)]
    mark = metafunc.definition.get_closest_marker("only")
    wanted = mark.args if mark else ()
    if wanted:
        runs = [target for target in runs if {target.library, target.name} & {*wanted}]
    if not runs:
        reason = (
            "none of the selected backends runs here"
            if not wanted
            else f"for {', '.join(wanted)} only"
        )
        names = [name for name in ("suite", "dtype") if name in metafunc.fixturenames]
        nothing = pytest.param(*[None] * len(names), marks=pytest.mark.skip(reason=reason))
        metafunc.parametrize(names, [nothing], ids=["none"], indirect=["suite"])
        return
    suites = [Suite(target) for target in runs]
    if not any(metafunc.definition.iter_markers("eager")):
        suites += [Suite(target, traced=True) for target in runs if target.trace]
    if "dtype" not in metafunc.fixturenames:
        metafunc.parametrize("suite", suites, ids=str, indirect=True)
        return
    mark = metafunc.definition.get_closest_marker("dtypes")
    allowed = mark.args if mark else ()
    pairs = [
        (suite, dtype)
        for suite in suites
        for dtype in suite.target.dtypes()
        if not allowed or dtype in allowed
    ]
    ids = [f"{suite}-{dtype}" for suite, dtype in pairs]
    metafunc.parametrize(("suite", "dtype"), pairs, ids=ids, indirect=["suite"])


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark the known defects of each backend, collect the lines that match no test; select."""
    here = [item for item in items if FOLDER in item.path.parents]
    for path in sorted((FOLDER / "xfails").glob("*.txt")):
        if not any(name.partition(":")[0] == path.stem for name in config.stash[TARGETS]):
            continue
        for pattern, reason in _lines(path):
            matching = [item for item in here if fnmatch(item.nodeid, f"*{pattern}")]
            for item in matching:
                strict = not reason.startswith("depends on the CPU")
                item.add_marker(pytest.mark.xfail(reason=reason, strict=strict))
            if not matching:
                config.stash[STALE].append(f"{path.name}: {pattern}")
    if not config.getoption("--nightly"):
        chosen = [(item, in_default_set(item)) for item in items]
        config.hook.pytest_deselected(items=[item for item, runs in chosen if not runs])
        items[:] = [item for item, runs in chosen if runs]


def pytest_collection_finish() -> None:
    """Keep the garbage collector off a million objects of the libraries, which stay anyway.

    The traced tests of PyTorch take a sixth less time so.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000, 50, 100)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    for line in config.stash[STALE]:
        terminalreporter.write_line(f"xfail line that matches no selected test: {line}")


@pytest.fixture
def suite(request: pytest.FixtureRequest) -> Iterator[Suite]:
    """One target in one mode, in the target's context."""
    wanted: Suite = request.param
    with wanted.target.context():
        yield wanted


def _lines(path: Path) -> list[tuple[str, str]]:
    """Return the patterns of test ids and their reasons: ``pattern  # reason`` on a line."""
    found = []
    for line in path.read_text().splitlines():
        pattern, _, reason = line.partition("#")
        if pattern.strip():
            # Brackets in test ids are no character classes.
            found.append((pattern.strip().replace("[", "[[]"), reason.strip()))
    return found


def _find(name: str) -> Target | str:
    try:
        return find_target(name)
    except Unavailable as reason:
        if name not in KNOWN:  # a name mistyped must not look like a pass
            raise pytest.UsageError(f"--backend {name}: {reason}") from None
        return str(reason)

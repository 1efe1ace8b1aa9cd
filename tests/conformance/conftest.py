"""The rest of the conformance suite: what is the package's own business, and what takes long.

What any library can be asked is in ``xent_api.testing.conformance``, and runs with these tests.
"""

import gc
from pathlib import Path

import pytest
from helpers.selection import in_default_set

from xent_api.testing import KNOWN
from xent_api.testing.listed import Listed
from xent_api.testing.plugin import TARGETS

FOLDER = Path(__file__).parent / "xfails"
STALE = pytest.StashKey[list[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--nightly", action="store_true", help="also what is not in the default set")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Let known backends be missing; by default take all."""
    config.option.xent_lenient = True
    config.option.xent_backend = config.option.xent_backend or list(KNOWN)
    config.stash[STALE] = []


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark the known defects of each backend, collect the lines that match no test; select."""
    for path in sorted(FOLDER.glob("*.txt")):
        if not any(name.partition(":")[0] == path.stem for name in config.stash[TARGETS]):
            continue
        listed = Listed.read(path)
        for item in items:
            reason = listed.reason(item.nodeid)
            if reason is not None:
                strict = not reason.startswith("depends on the CPU")
                item.add_marker(pytest.mark.xfail(reason=reason, strict=strict))
        config.stash[STALE] += [f"{path.name}: {line}" for line in listed.unused()]
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

"""pytest's entry point of the suite: ``pytest --pyargs xent_api.testing --xent-backend NAME``.

pytest imports this module in every run of every project that has the package installed. Until it is
asked for something, it imports nothing but pytest.
"""

from pathlib import Path

import pytest

PACKAGE = "xent_api.testing.conformance"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("xent_api", "losses of xent_api on an array library")
    group.addoption(
        "--xent-backend",
        action="append",
        metavar="NAME",
        help="a known name, an import path of a namespace, or module:attribute; repeatable",
    )
    group.addoption(
        "--xent-dtypes",
        metavar="NAMES",
        help="floating dtypes, with commas between them; default: all that the library has",
    )
    for name, meaning in (
        ("--xent-xfails-file", "ids of known failures, `# reason` behind each"),
        ("--xent-skips-file", "ids of tests that are not to be run, likewise"),
    ):
        group.addoption(name, type=Path, metavar="FILE", help=meaning)


def pytest_configure(config: pytest.Config) -> None:
    """Register what makes the tests, where they are asked for."""
    if config.getoption("xent_backend"):
        from xent_api.testing import plugin

        config.pluginmanager.register(plugin, "xent_api.testing.plugin")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Say what is missing where the tests are collected without a backend."""
    if metafunc.module.__name__.startswith(PACKAGE) and not metafunc.config.getoption(
        "xent_backend"
    ):
        pytest.fail("these tests need the option --xent-backend NAME", pytrace=False)

"""The README and what it speaks of."""

import re
from pathlib import Path

from helpers.abilities import LIBRARIES, table

from xent_api.testing import KNOWN, sigmoid_vectors

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_ci_runs_the_test_command_of_the_readme_and_nothing_else() -> None:
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    commands = [line for line in lines if line and not line.startswith(("#", "set ", "cd "))]
    assert len(commands) == 1
    assert f"```sh\n{commands[0]}\n```" in README


def test_every_known_library_stands_in_the_table_of_backends() -> None:
    text = README.partition("## Backends")[2].partition("## ")[0]
    assert set(LIBRARIES) == {known.partition(":")[0] for known in KNOWN}
    for library in LIBRARIES.values():
        assert f"| {library.title} |" in text.partition("What the suite")[0]


def test_the_table_of_abilities_is_what_the_tests_are_made_of() -> None:
    assert table() in README


def test_the_number_of_reference_values_on_numpy() -> None:
    count = sum(len(sigmoid_vectors(name)) for name in ("float16", "float32", "float64"))
    assert f"{count} exact reference values" in README


def test_the_folders_that_it_names_are_there() -> None:
    text = README.partition("## Where things are")[2]
    named = [part for part in text.split("`")[1::2] if "/" in part]
    assert len(named) > 5
    assert all((ROOT / path).exists() for path in named)


def test_its_links_within_the_repository_lead_somewhere() -> None:
    links = [link for link in re.findall(r"\]\(([^)]+)\)", README) if "://" not in link]
    assert len(links) > 2
    assert all((ROOT / link).exists() for link in links)

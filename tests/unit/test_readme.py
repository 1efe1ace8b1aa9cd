"""The README and what it speaks of."""

import re
from pathlib import Path

from helpers.abilities import LIBRARIES, PAGES

from xent_api.testing import KNOWN, check_namespace

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_ci_runs_the_test_command_of_the_readme_and_nothing_else() -> None:
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    commands = [line for line in lines if line and not line.startswith(("#", "set ", "cd "))]
    assert len(commands) == 1
    assert f"```sh\n{commands[0]}\n```" in README


def test_it_fits_on_two_screens() -> None:
    assert len(README.splitlines()) <= 170


def test_the_tables_of_backends_are_made_of_what_tests_run() -> None:
    assert set(LIBRARIES) == {known.partition(":")[0] for known in KNOWN}
    for name, table in PAGES.items():
        assert f"\n\n{table()}\n\n" in (ROOT / name).read_text(encoding="utf-8")


def test_its_table_of_speed_is_the_recorded_one() -> None:
    recorded = (ROOT / "results" / "speed" / "sizes.md").read_text(encoding="utf-8")
    lines = [line for line in recorded.splitlines() if line.startswith("|")]
    assert len(lines) == 15
    assert "\n".join(lines) in README


def test_the_number_of_reference_values_on_numpy() -> None:
    count = sum(finding.points for finding in check_namespace("numpy"))
    assert f"{count} exact reference values" in README


def test_its_links_within_the_repository_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", README)
    assert len(links) > 10
    assert all((ROOT / link).exists() for link in links if "://" not in link)

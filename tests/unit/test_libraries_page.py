"""The page about array libraries is made of the recorded figures, and these are reports."""

import json
from pathlib import Path

import jsonschema
import libraries_page

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "src" / "xent_api" / "testing" / "data" / "report.schema.json"


def test_the_page_is_that_of_the_figures() -> None:
    found = libraries_page.libraries()
    assert [library.name for library in found] == list(libraries_page.TITLES)
    assert libraries_page.page(found) == libraries_page.PAGE.read_text(encoding="utf-8")


def test_the_figures_are_reports() -> None:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    for path in libraries_page.FOLDER.glob("*.json"):
        jsonschema.Draft202012Validator(schema).validate(json.loads(path.read_text("utf-8")))
        assert path.stem in libraries_page.TITLES

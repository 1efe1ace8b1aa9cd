"""The documentation and what it speaks of."""

import re
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [*sorted(DOCS.rglob("*.md")), ROOT / "CONTRIBUTING.md"]
RUN = {"pycon", "python", "sh", "text"}
"""Languages of the blocks: `pycon` runs as doctests, `python` in test_listed.py, and `sh` has these
commands."""
COMMANDS = re.compile(
    r"python3? -m (xent_api|venv)|pip install|pytest tests/conformance|\.venv/bin/nox$"
)


def _pages() -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in PAGES)


TESTS = (ROOT / "tests", ROOT / "src" / "xent_api" / "testing")


def test_public_names_agree_with_the_table_and_the_reference() -> None:
    table = (DOCS / "reference" / "index.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(xent_api[\w.]*)` \| (.+) \|$", table, re.MULTILINE)
    assert len(rows) == 12
    for module, names in rows:
        public = set(import_module(module).__all__)
        told = {name for name in names.split("`")[1::2] if name}
        assert told == public, module


@pytest.mark.parametrize(
    "name", ["sigmoid_xent", "softmax_xent", "sparse_softmax_xent", "special", "testing"]
)
def test_every_public_function_has_an_entry_in_the_reference(name: str) -> None:
    page = name.removesuffix("_xent").replace("_", "-")
    text = (DOCS / "reference" / f"{page}.md").read_text(encoding="utf-8")
    entries = set(re.findall(r"(?:auto\w+|py:function):: (\w+)$", text, re.MULTILINE))
    assert set(import_module(f"xent_api.{name}").__all__) <= entries


def test_what_the_scope_names_is_enforced() -> None:
    named = re.findall(r"`([\w/]+\.py)::(test_\w+)`", (DOCS / "scope.md").read_text("utf-8"))
    assert len(named) > 12
    for file, test in named:
        (path,) = [p for p in (folder / file for folder in TESTS) if p.exists()]
        assert f"def {test}(" in path.read_text(encoding="utf-8"), test


def test_every_block_of_code_is_one_that_runs() -> None:
    text = _pages()
    languages = re.findall(r"^```(\w+)$", text, re.MULTILINE)
    assert set(languages) <= RUN
    assert languages.count("pycon") > 25
    for block in re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        assert all(COMMANDS.search(line) for line in block.splitlines()), block


def test_its_links_lead_somewhere() -> None:
    for path in PAGES:
        links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8"))
        for link in (link for link in links if "://" not in link):
            assert (path.parent / link).exists(), (path.name, link)


def test_the_paths_of_the_checklists_are_there() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    paths = [part for part in text.split("`")[1::2] if "/" in part and " " not in part]
    assert len(paths) > 12
    for path in paths:
        pattern = re.sub(r"<name>", "*", path)
        assert list(ROOT.glob(pattern)) or "changelog.d" in path, path


def test_every_page_is_in_the_table_of_contents_and_in_the_landing_page() -> None:
    listed = set(re.findall(r"(?:file|root): (\S+)", (DOCS / "_toc.yml").read_text("utf-8")))
    assert listed == {str(path.relative_to(DOCS).with_suffix("")) for path in DOCS.rglob("*.md")}
    landing = (DOCS / "index.md").read_text(encoding="utf-8")
    assert all(f"({name}.md)" in landing for name in listed if name.startswith("how-to/"))


def test_the_field_s_word_is_class_indices() -> None:
    texts = [*PAGES, ROOT / "README.md", *(ROOT / "src").rglob("*.py")]
    assert not [path for path in texts if "class number" in path.read_text("utf-8").lower()]

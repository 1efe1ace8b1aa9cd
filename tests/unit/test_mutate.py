"""The mutations still fit the sources."""

import ast

import pytest
from mutate import CONTROL, MUTATIONS, ROOT, Mutation


@pytest.mark.parametrize("mutation", [CONTROL, *MUTATIONS], ids=lambda mutation: mutation.name)
def test_the_text_of_a_mutation_stands_once_in_its_file(mutation: Mutation) -> None:
    text = (ROOT / "src" / "xent_api" / mutation.file).read_text(encoding="utf-8")
    assert text.count(mutation.old) == 1
    assert mutation is CONTROL or mutation.old != mutation.new
    ast.parse(text.replace(mutation.old, mutation.new))  # what does not run is no mutation

"""The page about what a loss costs on many devices."""

import growth


def test_the_page_has_the_tables_of_the_results() -> None:
    text = growth.PAGE.read_text(encoding="utf-8")
    assert growth.page(text) == text

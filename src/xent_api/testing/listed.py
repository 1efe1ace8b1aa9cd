"""Files of test ids: known failures, and tests that are not to be run."""

from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple


class Line(NamedTuple):
    """A pattern of ids, why it is there, and the line as it stands."""

    pattern: str
    reason: str
    text: str


class Listed:
    """The lines of a file: ``id  # reason``.

    An id is ``test_reference.py::test_reference[numpy-float32-sigmoid-loss]``, as the tests are
    called by both runners. A folder before the file's name does not matter; ``*`` and ``?`` stand
    for any characters, brackets for themselves. Empty lines and what follows a ``#`` are comments.

    Parameters
    ----------
    text : str
        What the file holds.

    Examples
    --------
    >>> listed = Listed("test_errors.py::*[mylib-*]  # issue 12")
    >>> listed.reason("test_errors.py::test_not_an_array[mylib-float32]")
    'issue 12'
    >>> listed.unused()
    []
    """

    def __init__(self, text: str = "") -> None:
        self._lines = list(_lines(text))
        self._used = set[Line]()

    @classmethod
    def read(cls, path: Path | None) -> "Listed":
        """Return what a file holds; nothing for None."""
        return cls("" if path is None else path.read_text(encoding="utf-8-sig"))

    def reason(self, name: str) -> str | None:
        """Return the reason that stands beside an id, or None where it is not listed."""
        name = _without_folder(name)
        matching = [line for line in self._lines if fnmatchcase(name, line.pattern)]
        self._used.update(matching)
        return matching[0].reason or "no reason is given" if matching else None

    def unused(self) -> list[str]:
        """Return the patterns that have matched no id."""
        return [line.text for line in self._lines if line not in self._used]


def _lines(text: str) -> Iterable[Line]:
    for line in text.splitlines():
        given, _, reason = line.partition("#")
        if given.strip():
            pattern = _without_folder(given.strip()).replace("[", "[[]")
            yield Line(pattern, reason.strip(), given.strip())


def _without_folder(name: str) -> str:
    """Return an id without the folder of its file."""
    file, separator, test = name.partition("::")
    return f"{file.rpartition('/')[2]}{separator}{test}"

"""The reference values as files: their version, their checksums, readers in other languages."""

import math
import re
import shutil
import subprocess
from pathlib import Path

import checksums
import numpy as np
import pytest

from xent_api.testing import VECTORS, sigmoid_vectors, ulp_error

ROOT = Path(__file__).parents[2]
READERS = ROOT / "docs" / "readers"
VALUES = checksums.FOLDER / "sigmoid.csv"


def test_the_checksums_are_those_of_this_version() -> None:
    assert re.fullmatch(r"\d{4}\.\d{2}\.\d{2}", VECTORS)
    assert checksums.FILE.read_text() == checksums.made()
    assert len(checksums.made().splitlines()) == 1 + len(list(checksums.FOLDER.glob("*.csv"))) > 4


def test_other_values_need_another_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checksums, "FOLDER", tmp_path)
    monkeypatch.setattr(checksums, "FILE", tmp_path / "SHA256SUMS")
    monkeypatch.setattr("sys.argv", ["checksums.py"])
    (tmp_path / "a.csv").write_text("1\n")
    checksums.main()
    (tmp_path / "a.csv").write_text("2\n")
    with pytest.raises(SystemExit, match="needs another day"):
        checksums.main()
    monkeypatch.setattr(checksums, "VECTORS", "2999.01.01")
    checksums.main()
    assert checksums.FILE.read_text() == checksums.made()


def _textbook(dtype: str) -> tuple[int, int, float]:
    """Return what the readers print: points, those beyond 4 ulp, the worst finite error."""
    kind, errors = np.dtype(dtype).type, []
    with np.errstate(all="ignore"):
        for v in sigmoid_vectors(dtype):
            exact = float(v.loss)
            if v.plain and math.isfinite(exact):
                x, z = kind(v.logit), kind(v.label)
                loss = np.maximum(x, kind(0)) - x * z + np.log1p(np.exp(-np.abs(x)))
                errors.append(ulp_error(float(loss), v.loss, dtype))
    worst = max(error for error in errors if error < math.inf)
    return len(errors), sum(error > 4 for error in errors), worst


@pytest.mark.nightly
@pytest.mark.parametrize("language", ["c", "mjs"])
def test_readers_in_other_languages_find_what_a_textbook_loses(
    language: str, tmp_path: Path
) -> None:
    tool = {"c": "cc", "mjs": "node"}[language]
    if not shutil.which(tool):
        pytest.skip(f"{tool} is not here")
    source = READERS / f"vectors.{language}"
    command = ["node", str(source)]
    if language == "c":
        command = [str(tmp_path / "vectors")]
        flags = ("-Wall", "-Wextra", "-Werror", "-O1")
        subprocess.run(["cc", *flags, str(source), "-o", command[0], "-lm"], check=True)
    done = subprocess.run([*command, str(VALUES)], capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    found = re.fullmatch(
        r"(\d+) losses, (\d+) off by more than 4 ulp, worst (\S+) at x = \S+\n", done.stdout
    )
    assert found is not None, done.stdout
    points, beyond, worst = _textbook("float32" if language == "c" else "float64")
    assert int(found[1]) == points
    # Their exp and log1p round otherwise, and subnormal numbers count there.
    assert abs(int(found[2]) - beyond) <= 0.1 * points
    assert float(found[3]) == pytest.approx(worst, rel=0.01)

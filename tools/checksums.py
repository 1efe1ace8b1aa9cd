"""Write the checksums of the reference values: ``src/xent_api/testing/data/SHA256SUMS``.

    python tools/checksums.py            # writes the file
    python tools/checksums.py --check    # tells whether the values are those of the file

Whoever pins a version pins the bytes: where the values change, ``VECTORS`` in
``src/xent_api/testing/vectors.py`` has to be another day.
"""

import hashlib
import sys
from pathlib import Path

from xent_api.testing import VECTORS

FOLDER = Path(__file__).parents[1] / "src" / "xent_api" / "testing" / "data"
FILE = FOLDER / "SHA256SUMS"


def made() -> str:
    """Return what the file should hold, in the form that ``sha256sum --check`` reads."""
    sums = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}"
        for path in sorted(FOLDER.glob("*.csv"))
    ]
    return "\n".join([f"# xent_api reference values {VECTORS}", *sums, ""])


def main() -> int:
    """Write or compare; return the exit status."""
    new, old = made(), FILE.read_text(encoding="ascii") if FILE.exists() else ""
    if "--check" in sys.argv[1:]:
        return 0 if new == old else 1
    if new != old and new.partition("\n")[0] == old.partition("\n")[0]:
        raise SystemExit(f"the values have changed since {VECTORS}: VECTORS needs another day")
    FILE.write_text(new, encoding="ascii")
    return 0


if __name__ == "__main__":
    sys.exit(main())

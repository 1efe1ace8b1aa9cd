"""``python -m xent_api``."""

import sys

from ._report.main import main

if __name__ == "__main__":
    sys.exit(main())

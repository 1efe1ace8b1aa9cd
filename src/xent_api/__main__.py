"""``python -m xent_api``."""

import sys

from ._report.main import main

if __name__ == "__main__":
    try:
        status = main()
    except BrokenPipeError:  # the reader, `head` perhaps, has seen enough
        sys.stderr.close()
        status = 1
    sys.exit(status)

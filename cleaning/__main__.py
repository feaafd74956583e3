"""`python -m cleaning` is the command `cleaning`."""

import sys

from cleaning.cli import main

if __name__ == "__main__":
    sys.exit(main())

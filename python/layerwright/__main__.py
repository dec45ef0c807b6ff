"""`python -m layerwright` is the command line."""

import sys

from layerwright.cli import main

if __name__ == "__main__":
    sys.exit(main())

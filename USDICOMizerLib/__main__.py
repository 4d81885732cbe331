"""`python -m USDICOMizerLib`."""

import sys

from USDICOMizerLib.cli import main

if __name__ == "__main__":
    sys.exit(main())

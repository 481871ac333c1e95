"""`python -m retrowalk` is the command `retrowalk`."""

import sys

from retrowalk.cli import main

sys.exit(main())

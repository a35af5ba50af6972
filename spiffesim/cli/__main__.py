"""``python -m spiffesim.cli``."""

from __future__ import annotations

import sys

from spiffesim.cli.main import main

if __name__ == "__main__":
    sys.exit(main())

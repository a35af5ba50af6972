"""Our own validator behind the line protocol: ``python -m spiffesim.compare``."""

from __future__ import annotations

import sys

from spiffesim.compare.lines import serve
from spiffesim.compare.ours import ours

serve(ours(), sys.stdin.buffer, sys.stdout)

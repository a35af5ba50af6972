"""The ``spiffesim`` command.

``spiffesim demo`` runs the nested tutorial in this process; ``spiffesim demo --config DIR`` runs what a directory
of SPIRE configuration describes. It exits with 0, with 2 after a usage or configuration error (one line on
standard error), and with 130 when it is interrupted.
"""

from __future__ import annotations

from spiffesim.cli.main import main

__all__ = ["main"]

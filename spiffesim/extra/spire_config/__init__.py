"""Deployments from SPIRE's own configuration files: a compose file, and the HCL that it names.

- `deploy`: starts what a directory describes, and returns a `Deployment`: the simulation and the notes.

Nothing that a file says is dropped silently: a key is used, or there is a `Note` on it, or there is an
``InvalidConfiguration`` that names file, line and key. Needs the extra ``spire-config``.
"""

from __future__ import annotations

from spiffesim.extra.spire_config.deployment import Deployment, deploy
from spiffesim.extra.spire_config.document import Note, Place

__all__ = ["Deployment", "Note", "Place", "deploy"]

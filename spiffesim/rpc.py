"""RPC: what a call between two processes looks like to the one that called, in the words of Go's gRPC."""

from __future__ import annotations

from spiffesim.errors import Refused, SpiffeSimError


def code_name(status: str) -> str:
    """A gRPC status as Go prints it: ``PermissionDenied`` for ``PERMISSION_DENIED``."""
    return "".join(word.capitalize() for word in status.split("_"))


def error_text(error: SpiffeSimError) -> str:
    """The refusal of a server as its caller logs it."""
    if not isinstance(error, Refused):
        return str(error)
    return f"rpc error: code = {code_name(error.status)} desc = {error.message}"

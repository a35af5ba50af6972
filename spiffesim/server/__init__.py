"""The server: its authorities, its bundle, its services, and the loops that keep them up to date."""

from spiffesim.server.server import Server

__all__ = ["Server"]

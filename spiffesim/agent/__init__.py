"""The agent: its own identity, what it fetches from its server, and the Workload API."""

from spiffesim.agent.agent import Agent

__all__ = ["Agent"]

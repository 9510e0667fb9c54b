"""Addresses for those who bind."""

from bench.ports import Ports


def free_endpoint() -> str:
    """An endpoint that nobody has right now, and that no outgoing connection of another test takes meanwhile."""
    with Ports() as ports:
        return ports.endpoint("free")

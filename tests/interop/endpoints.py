"""Addresses for those who bind."""

import socket


def free_endpoint() -> str:
    """An endpoint that nobody has right now; the kernel hands the same port out again only much later."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"tcp://127.0.0.1:{listener.getsockname()[1]}"

"""Clients of an RFC 6 queue: a REQ, which says ``[empty, body...]``, and a DEALER, which may be a hop."""

from collections.abc import Sequence

import zmq

from tests.plain.peer import PlainClient


class PlainReq(PlainClient):
    kind = zmq.REQ

    def ask(self, *body: bytes, timeout_s: float = 5.0) -> list[bytes]:
        self.socket.send_multipart(body)
        return self.receive(timeout_s)


class PlainDealer(PlainClient):
    """May have many requests under way, and more than one frame of address in them."""

    kind = zmq.DEALER

    def send(self, *body: bytes, stack: Sequence[bytes] = ()) -> None:
        self.socket.send_multipart([*stack, b"", *body])

    def ask(self, *body: bytes, stack: Sequence[bytes] = (), timeout_s: float = 5.0) -> list[bytes]:
        """The whole message that comes back: stack, empty, body."""
        self.send(*body, stack=stack)
        return self.receive(timeout_s)

"""RFC 10 clients: to the letter a ROUTER, which addresses a server by its endpoint; and a DEALER, its like.

On the wire they are the same. Neither has an identity. A server is there when it answers PING by PONG. The
control frame is a sequence number of four bytes, as in the guide.
"""

import struct
import time
from itertools import count

import zmq

from tests.plain.peer import PlainClient

PING = b"PING"
PONG = b"PONG"
PING_S = 0.05


class _PlainFlp(PlainClient):
    def __init__(self, endpoint: str) -> None:
        super().__init__(endpoint)
        self._sequence = count(1)

    def send(self, *frames: bytes) -> None:
        raise NotImplementedError

    def ping(self, timeout_s: float = 5.0) -> None:
        """Returns once the server has answered by PONG; TimeoutError."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            self.send(PING)
            try:
                assert self.receive(PING_S) == [PONG]
                return
            except TimeoutError:
                continue
        raise TimeoutError(f"{self.endpoint} did not answer PING in {timeout_s} s")

    def answer(self, timeout_s: float = 5.0) -> list[bytes]:
        """The next message that is not a PONG: PINGs may be answered late."""
        while (frames := self.receive(timeout_s)) == [PONG]:
            pass
        return frames

    def ask(self, *body: bytes, timeout_s: float = 5.0) -> list[bytes]:
        """The body of the answer to this very request."""
        control = struct.pack(">I", next(self._sequence))
        self.send(control, *body)
        frames = self.answer(timeout_s)
        assert frames[0] == control, f"expected the control frame {control!r} unmodified, got {frames[0]!r}"
        return frames[1:]


class PlainFlpRouter(_PlainFlp):
    kind = zmq.ROUTER

    def send(self, *frames: bytes) -> None:
        self.socket.send_multipart([self.endpoint.encode(), *frames])  # dropped while it is not connected

    def receive(self, timeout_s: float = 5.0) -> list[bytes]:
        server, *frames = super().receive(timeout_s)
        assert server == self.endpoint.encode(), f"expected the identity {self.endpoint!r}, got {server!r}"
        return frames


class PlainFlpDealer(_PlainFlp):
    kind = zmq.DEALER

    def send(self, *frames: bytes) -> None:
        self.socket.send_multipart(frames)

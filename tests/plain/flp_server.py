"""An RFC 10 server.

A ROUTER that binds, and whose identity is its public endpoint. PING (one frame) is answered by PONG. A
request is a control frame and body frames; the reply begins with the same control frame.
"""

import zmq

from tests.plain.peer import TURN_MS, Handle, PlainLoop, echo


class PlainFlpServer(PlainLoop):
    def __init__(self, endpoint: str, handle: Handle = echo) -> None:
        super().__init__()
        self.endpoint = endpoint
        self.handle = handle
        """Called in the loop: while it works, no PING is answered."""
        self.pings = 0
        self.clients: set[bytes] = set()
        """Their identities."""
        self.requests: list[list[bytes]] = []
        """Every request, control frame first, as it came."""

    def open(self, context):
        self.socket = context.socket(zmq.ROUTER)
        self.socket.linger = 0
        self.socket.identity = self.endpoint.encode()
        self.socket.bind(self.endpoint)

    def turn(self):
        if not self.socket.poll(TURN_MS):
            return
        client, control, *body = self.socket.recv_multipart()
        self.clients.add(client)
        if control == b"PING" and not body:
            self.pings += 1
            self.socket.send_multipart([client, b"PONG"])
            return
        self.requests.append([control, *body])
        answer = self.handle(body)
        if answer is not None:
            self.socket.send_multipart([client, control, *answer])

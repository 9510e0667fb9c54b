"""An RFC 6 worker.

A DEALER that connects to the queue. First message READY (one frame, 01). HEARTBEAT (one frame, 02) each
second both ways. A request is an address stack, an empty frame, and one or more body frames; the reply has
the same stack. A worker that has not heard its queue for three beats opens a new connection and says READY
again.
"""

import time

import zmq

from tests.plain.peer import TURN_MS, Handle, PlainLoop, echo

READY = b"\x01"
HEARTBEAT = b"\x02"


class PlainPppWorker(PlainLoop):
    def __init__(self, queue: str, handle: Handle = echo, beat_s: float = 1.0, liveness: int = 3) -> None:
        super().__init__()
        self.queue = queue
        self.handle = handle
        """Called in the loop: while it works, nothing beats, as in the guide's worker."""
        self.beat_s = beat_s
        self.silence_s = beat_s * liveness
        self.ready_sent = 0
        self.beats_heard = 0
        self.requests: list[list[bytes]] = []
        """Every request, as it came."""

    def open(self, context):
        self.context = context
        self.connect()

    def connect(self):
        self.socket = self.context.socket(zmq.DEALER)
        self.socket.linger = 0
        self.socket.connect(self.queue)
        self.socket.send(READY)
        self.ready_sent += 1
        self.heard_at = time.monotonic()
        self.beat_at = self.heard_at + self.beat_s

    def turn(self):
        if self.socket.poll(TURN_MS):
            self.receive(self.socket.recv_multipart())
            self.heard_at = time.monotonic()
        if time.monotonic() > self.heard_at + self.silence_s:
            self.socket.close()
            self.connect()
        if time.monotonic() >= self.beat_at:
            self.socket.send(HEARTBEAT)
            self.beat_at = time.monotonic() + self.beat_s

    def receive(self, frames):
        if frames == [HEARTBEAT]:
            self.beats_heard += 1
            return
        self.requests.append(frames)
        null = frames.index(b"")
        stack, body = frames[:null], frames[null + 1 :]
        answer = self.handle(body)
        if answer is not None:
            self.socket.send_multipart([*stack, b"", *answer])

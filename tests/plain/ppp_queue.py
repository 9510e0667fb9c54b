"""An RFC 6 queue.

Two ROUTERs. Workers that are alive and idle wait in the order in which they became so; the one that waited
longest gets the next request, one at a time. HEARTBEAT to every worker each second; one that was silent for
``silence_s`` is forgotten. While nobody is idle the clients are not read.
"""

import time
from collections import OrderedDict

import zmq

from tests.plain.peer import TURN_MS, PlainLoop

READY = b"\x01"
HEARTBEAT = b"\x02"


class PlainPppQueue(PlainLoop):
    def __init__(
        self,
        frontend: str = "tcp://127.0.0.1:*",
        backend: str = "tcp://127.0.0.1:*",
        beat_s: float = 1.0,
        silence_s: float = 3.0,
        beat_frees: bool = False,
    ) -> None:
        super().__init__()
        self.frontend = frontend
        self.backend = backend
        """Where to bind, and once open, where they are bound."""
        self.beat_s = beat_s
        self.silence_s = silence_s
        self.beat_frees = beat_frees
        """Whether a HEARTBEAT makes a busy worker idle: the fault of the guide's queue."""
        self.heard_at: dict[bytes, float] = {}
        """Workers, and when they were heard last."""
        self.idle: OrderedDict[bytes, None] = OrderedDict()
        self.beats_heard = 0
        self.readies = 0
        self.client_waits = False
        """Whether a client has sent what was not read yet."""
        self.forgotten = 0
        """Workers that were silent for too long."""
        self.beat_at = 0.0

    def open(self, context):
        self.clients, self.frontend = self.bind(context, self.frontend)
        self.workers, self.backend = self.bind(context, self.backend)

    @staticmethod
    def bind(context, endpoint):
        socket = context.socket(zmq.ROUTER)
        socket.linger = 0
        socket.bind(endpoint)
        return socket, socket.last_endpoint.decode()

    def turn(self):
        poller = zmq.Poller()
        poller.register(self.workers, zmq.POLLIN)
        if self.idle:
            poller.register(self.clients, zmq.POLLIN)
        readable = dict(poller.poll(TURN_MS))
        self.client_waits = bool(self.clients.poll(0))
        if self.workers in readable:
            worker, *frames = self.workers.recv_multipart()
            self.from_worker(worker, frames)
        if self.clients in readable and self.idle:
            worker, _ = self.idle.popitem(last=False)
            self.workers.send_multipart([worker, *self.clients.recv_multipart()])
        now = time.monotonic()
        for worker in [
            worker for worker, heard_at in self.heard_at.items() if now > heard_at + self.silence_s
        ]:
            self.forgotten += 1
            del self.heard_at[worker]
            self.idle.pop(worker, None)
        if now >= self.beat_at:
            for worker in self.heard_at:
                self.workers.send_multipart([worker, HEARTBEAT])
            self.beat_at = now + self.beat_s

    def from_worker(self, worker, frames):
        if frames == [READY]:
            self.readies += 1
            self.heard_at[worker] = time.monotonic()
        if worker not in self.heard_at:
            return  # the first message must be READY
        self.heard_at[worker] = time.monotonic()
        beat = frames == [HEARTBEAT]
        self.beats_heard += beat
        if not beat or self.beat_frees:
            self.idle[worker] = None
            self.idle.move_to_end(worker)
        if frames not in ([READY], [HEARTBEAT]):
            self.clients.send_multipart(frames)

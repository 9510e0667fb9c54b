"""A peer as a context: ``PlainLoop`` runs in a thread until the block is left, ``PlainClient`` is called."""

import contextlib
import threading
from collections.abc import Callable, Sequence

import zmq

Handle = Callable[[list[bytes]], Sequence[bytes] | None]
"""Frames of a body to those of the answer; None: there will never be one."""

TURN_MS = 10
"""The longest a loop is deaf to being stopped."""


def echo(body):
    return body


class PlainLoop:
    """Override ``open`` (make sockets) and ``turn`` (wait at most ``TURN_MS`` for a message, take it)."""

    def __init__(self):
        self._stop = threading.Event()
        self._failure: BaseException | None = None
        self._opened = threading.Event()
        self._thread = threading.Thread(target=self._run, name=type(self).__name__, daemon=True)

    def open(self, context: zmq.Context[zmq.Socket[bytes]]) -> None:
        raise NotImplementedError

    def turn(self) -> None:
        raise NotImplementedError

    def __enter__(self):
        self._thread.start()
        assert self._opened.wait(5), f"{self!r} did not open its sockets in 5 s"
        self._check()
        return self

    def __exit__(self, *exception):
        self.stop()

    def stop(self):
        """Close its sockets, whatever waits for it; harmless the second time."""
        self._stop.set()
        self._thread.join(10)
        assert not self._thread.is_alive(), f"{self!r} did not stop in 10 s"
        self._check()

    def _check(self):
        if self._failure is not None:
            raise self._failure

    def _run(self):
        with zmq.Context() as context:
            try:
                self.open(context)
                self._opened.set()
                while not self._stop.is_set():
                    self.turn()
            except BaseException as failure:
                self._failure = failure
            finally:
                self._opened.set()
                context.destroy(linger=0)


class PlainClient:
    """One socket, used by the thread that made it."""

    kind: int

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        with contextlib.ExitStack() as stack:
            self.context = stack.enter_context(zmq.Context())
            self.socket = stack.enter_context(self.context.socket(self.kind))
            self.socket.linger = 0
            self.socket.connect(endpoint)
            self._stack = stack.pop_all()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._stack.close()

    def receive(self, timeout_s: float = 5.0) -> list[bytes]:
        """The next message, or TimeoutError."""
        if not self.socket.poll(int(timeout_s * 1e3)):
            raise TimeoutError(f"no message from {self.endpoint} in {timeout_s} s")
        return self.socket.recv_multipart()

    def hears_nothing(self, for_s: float) -> bool:
        return not self.socket.poll(int(for_s * 1e3))

"""A TCP connection that a test can cut: what goes into ``endpoint`` comes out at ``target``."""

import selectors
import socket
from threading import Event, Lock, Thread


class Cable:
    """As many connections as are made, each carried on; ``cut`` ends those of now at both ends."""

    def __init__(self, target: str) -> None:
        self._target = int(target.rpartition(":")[2])
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"tcp://127.0.0.1:{self._listener.getsockname()[1]}"
        self._other: dict[socket.socket, socket.socket] = {}
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._lock = Lock()
        self._stop = Event()
        self._thread = Thread(target=self._run, name="Cable", daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exception):
        self._stop.set()
        self._thread.join(5)
        self.cut()
        self._selector.close()
        self._listener.close()

    def cut(self) -> None:
        """At once; what is on its way is lost. New connections are carried again."""
        with self._lock:
            for end in list(self._other):
                self._end(end)

    def _run(self):
        while not self._stop.is_set():
            for key, _ in self._selector.select(0.01):
                with self._lock:
                    self._carry(key.fileobj)

    def _carry(self, end):
        if end is self._listener:
            self._accept()
        elif end in self._other:  # else it was cut in this turn
            try:
                octets = end.recv(1 << 16)
                self._other[end].sendall(octets)
            except OSError:
                octets = b""
            if not octets:
                self._end(end)

    def _accept(self):
        here, _ = self._listener.accept()
        try:
            there = socket.create_connection(("127.0.0.1", self._target))
        except OSError:
            here.close()
            return
        for end, other in ((here, there), (there, here)):
            self._other[end] = other
            self._selector.register(end, selectors.EVENT_READ)

    def _end(self, end):
        other = self._other.pop(end, None)
        if other is not None:
            self._selector.unregister(end)
            end.close()
            self._end(other)

"""Loopback ports of a deployment: the same port for the same name, and nobody else's while the deployment lives.

Invariant: a port that was given out stays reserved until ``close``, also while the part that binds it is dead. The
reservation is a socket that is bound but does not listen: with SO_REUSEADDR set afterwards, a part's own bind (which
sets it too, in libzmq and Tornado alike) succeeds beside it, while a second reservation, which asks without it, fails.
Ports lie below the kernel's ephemeral range, so that no outgoing connection takes a dead worker's place.
"""

import errno
import socket
from contextlib import suppress
from pathlib import Path
from random import Random
from types import TracebackType

from bench.errors import BadInput, PartFailed

HOST = "127.0.0.1"
PORTS = range(20_000, 32_000)
"""Below the Linux default of 32768 to 60999 for outgoing connections, above what services usually take."""


class Ports:
    """Reservations by name."""

    def __init__(self, random: Random | None = None) -> None:
        low, high = _ephemeral()
        self._candidates = [port for port in PORTS if not low <= port <= high]
        (random or Random()).shuffle(self._candidates)
        self._reserved: dict[str, socket.socket] = {}

    def __enter__(self) -> "Ports":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()

    def port(self, name: str) -> int:
        """The port of ``name``, reserved at the first call."""
        if name not in self._reserved:
            self._reserved[name] = self._next()
        port: int = self._reserved[name].getsockname()[1]
        return port

    def endpoint(self, name: str) -> str:
        """The same as a ZeroMQ endpoint."""
        return f"tcp://{HOST}:{self.port(name)}"

    def close(self) -> None:
        """Give all of them back."""
        for reservation in self._reserved.values():
            reservation.close()
        self._reserved.clear()

    def _next(self) -> socket.socket:
        while self._candidates:
            with suppress(OSError):
                return reserve(HOST, self._candidates.pop())
        raise PartFailed(f"no free port in {PORTS.start} to {PORTS.stop - 1} on {HOST}")


def reserve(host: str, port: int) -> socket.socket:
    """Bind without listening.

    Raises:
        OSError: the port is in use or reserved.
    """
    reservation = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        reservation.bind((host, port))
    except OSError:
        reservation.close()
        raise
    reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return reservation


def check_free(host: str, port: int) -> None:
    """Whether a part could listen there.

    Raises:
        BadInput: it could not.
    """
    probe = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        # As the part does: TIME_WAIT is no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))
        probe.listen(1)
    except OSError as error:
        if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
            raise BadInput(f"host must be an IPv4 address of this machine, got {host!r}") from None
        raise BadInput(f"port {port} on {host} must be free, got: {error.strerror}") from None
    finally:
        probe.close()


def _ephemeral() -> tuple[int, int]:
    """The kernel's range for outgoing connections; an empty one where it does not tell."""
    try:
        low, high = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()
    except OSError:
        return 0, -1
    return int(low), int(high)

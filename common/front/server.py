"""The front put together: a listening Tornado server, its desk, its pages, and the order in which it stops.

Invariant: a front that drains takes nothing new and loses nothing it has taken: first the listening socket is
closed (others on the same port take over), then what is in flight is answered, then connections are closed.
"""

import asyncio
import logging
import socket
from time import monotonic
from typing import cast

from tornado.http1connection import HTTP1Connection
from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPConnection, HTTPServerConnectionDelegate
from tornado.iostream import IOStream

from common.front.client import Client
from common.front.exchange import Exchange, Site
from common.front.metrics import Tally
from common.front.pages import About, Pages
from common.front.patience import Patience
from common.front.settings import HttpSettings
from common.front.transactions import Desk

log = logging.getLogger("brokerbench.front")

_POLL_S = 0.01
_UNLIMITED = 1 << 62


class Front(HTTPServerConnectionDelegate):
    """One front. Made, used and closed in a running event loop, the client's own."""

    def __init__(self, client: Client, about: About, http: HttpSettings) -> None:
        self._http = http
        self._drain_s = about.settings.limits.drain_s
        self._tally = Tally()
        self._desk = Desk(client, self._tally)
        self._patience: Patience[IOStream] = Patience(http.idle_s, http.transfer_s)
        pages = Pages(self._desk, about, self._tally)
        limit = about.settings.limits.body_bytes
        self._site = Site(self._desk, pages, self._tally, self._patience, limit)
        # An exchange refuses too large a body itself: Tornado would answer with a bare 400.
        self._server = HTTPServer(self, max_body_size=_UNLIMITED)
        self._server.conn_params.header_timeout = None  # see patience.py
        self._sweep: asyncio.TimerHandle | None = None

    def __repr__(self) -> str:
        return f"<Front {self._desk!r}, {self._site.open} requests open>"

    def listen(self) -> int:
        """Take connections. Returns the port.

        Raises:
            OSError: the port is in use, or not ours to take.
        """
        http = self._http
        # Tornado's own bind_sockets leaves a socket open when the port is in use.
        family = socket.AF_INET6 if ":" in http.host else socket.AF_INET
        listener = socket.create_server(
            (http.host, http.port), family=family, backlog=http.backlog, reuse_port=http.reuse_port
        )
        listener.setblocking(False)
        self._server.add_socket(listener)
        self._sweep_later()
        port: int = listener.getsockname()[1]
        log.info("listening on %s:%d", http.host, port)
        return port

    def start_request(self, server_conn: object, request_conn: HTTPConnection) -> Exchange:
        """Called by Tornado whenever a connection is ready for its next request."""
        connection = cast(HTTP1Connection, request_conn)
        self._patience.idle(connection.stream, monotonic())
        return Exchange(self._site, connection)

    def gauges(self) -> dict[str, int]:
        """How many connections clients hold open: so many of its descriptors are theirs."""
        return {"connections": len(self._server._connections)}  # Tornado counts them, and shows nobody

    async def drain(self) -> None:
        """Stop in good order, within ``limits.drain_s``; then close. New transactions are rejected from now
        on, and what is still in flight at the end is answered unknown.
        """
        log.info("draining: %r", self)
        self._desk.draining = True
        self._server.conn_params.no_keep_alive = True
        for _ in range(2):  # what the kernel has accepted for us already gets an answer, not a reset
            await asyncio.sleep(0)
        self._server.stop()
        until = monotonic() + self._drain_s
        # Polled: it happens once in a front's life, and being told would cost every request.
        while self._busy and monotonic() < until:
            await asyncio.sleep(_POLL_S)
        self._desk.abandon()
        await self.close()

    async def close(self) -> None:
        """Stop at once: connections are cut, whatever they wait for."""
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None
        self._desk.draining = True
        self._server.stop()
        await self._server.close_all_connections()

    @property
    def _busy(self) -> bool:
        return self._site.open > 0 or len(self._desk.in_flight) > 0

    def _sweep_later(self) -> None:
        loop = asyncio.get_running_loop()
        self._sweep = loop.call_later(self._patience.sweep_s, self._sweep_now)

    def _sweep_now(self) -> None:
        self._tally.cut += self._patience.sweep(monotonic())
        self._sweep_later()

"""What the front says of itself: alive, ready, its numbers, its place in the topology, its interface. Read
only.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import msgspec

from common.front import metrics
from common.front.openapi import document
from common.front.problem import Refused
from common.front.transactions import Desk
from common.settings import Settings

ALLOW = "GET, HEAD"
_TEXT = b"text/plain; charset=utf-8"
_JSON = b"application/json"


class About(msgspec.Struct, frozen=True):
    """Where this front stands: what ``/topology`` shows."""

    topology: str
    family: str
    part: str
    endpoints: tuple[str, ...]
    """What its client side is connected to."""
    settings: Settings


class TopologyPage(msgspec.Struct, frozen=True):
    """``/topology``: what does not change, and how things are right now."""

    about: About
    ready: bool
    draining: bool
    gauges: Mapping[str, int]


class Page(NamedTuple):
    """A 200."""

    media_type: bytes
    body: bytes


class Pages:
    """The pages, by path."""

    def __init__(self, desk: Desk, about: About, tally: metrics.Tally) -> None:
        self._desk = desk
        self._about = about
        self._exposition = metrics.Exposition(tally, self._gauges)
        self._openapi = msgspec.json.encode(document(about.settings.limits.body_bytes))
        self._pages: dict[str, Callable[[], Page]] = {
            "/livez": self._livez,
            "/readyz": self._readyz,
            "/metrics": self._metrics,
            "/openapi.json": lambda: Page(_JSON, self._openapi),
            "/topology": self._topology,
        }

    def check(self, method: str, path: str) -> None:
        """Whether ``path`` is a page that ``method`` may ask for.

        Raises:
            Refused: it is not.
        """
        if path not in self._pages:
            known = ", ".join(("/v1/transactions", *self._pages))
            raise Refused("not-found", f"the path must be one of {known}, got {path[:200]!r}")
        if method not in ("GET", "HEAD"):
            raise Refused("method-not-allowed", f"the method must be {ALLOW}, got {method[:40]}", allow=ALLOW)

    def read(self, path: str) -> Page:
        """A page that was checked.

        Raises:
            Refused: it is ``/readyz``, and the front is not.
        """
        return self._pages[path]()

    def _livez(self) -> Page:
        return Page(_TEXT, b"alive\n")

    def _readyz(self) -> Page:
        if self._desk.draining:
            raise Refused("draining", "this front is stopping and takes no new transactions")
        if not self._desk.ready:
            raise Refused("not-ready", "a transaction would wait for a worker until its deadline")
        return Page(_TEXT, b"ready\n")

    def _metrics(self) -> Page:
        return Page(metrics.MEDIA_TYPE.encode(), self._exposition.text())

    def _topology(self) -> Page:
        desk = self._desk
        page = TopologyPage(self._about, desk.ready, desk.draining, self._gauges())
        return Page(_JSON, msgspec.json.encode(page))

    def _gauges(self) -> Mapping[str, int]:
        return {**self._desk.client.gauges(), "front": len(self._desk.in_flight)}

"""``bare-proxy``: libzmq's own proxy in C where the broker stands; Paranoid Pirate workers and client around it.

The workers' READYs and HEARTBEATs end in the proxy, which sends none: so both sides are told to expect nothing.
"""

import signal

import msgspec
import zmq

from brokered.broker import BACKEND, FRONTEND
from brokered.topology import ParanoidPirate
from common.network import socket
from common.settings import Beats, Settings
from common.topology import Part

UNHEARD_S = 3600.0
"""The cadence that a peer is held to where nobody beats: longer than any run."""


class BareProxy(ParanoidPirate):
    """Round robin, no ready list, no heartbeats, no table."""

    name = "bare-proxy"
    summary = "baseline: zmq.proxy, in C, in the broker's place"
    survives = frozenset[str]()

    def broker(self, name: str, frontend: str, backend: str, settings: Settings) -> Part:
        """A DEALER towards the workers: it takes turns among them."""
        sockets = (
            socket(FRONTEND, "ROUTER", [frontend], settings, bind=True),
            socket(BACKEND, "DEALER", [backend], settings, bind=True),
        )
        return Part("broker", name, sockets)

    def machine(self, part, settings, random):  # type: ignore[no-untyped-def]
        """The Paranoid Pirate's, deaf to silence."""
        beats = msgspec.structs.replace(settings.beats, plain_interval_s=UNHEARD_S)
        return super().machine(part, msgspec.structs.replace(settings, beats=beats), random)


def run(frontend: "zmq.Socket[bytes]", backend: "zmq.Socket[bytes]") -> None:
    """Proxy until SIGTERM. Call from the main thread."""
    stopped = False

    def stop(*_: object) -> None:
        nonlocal stopped
        stopped = True
        frontend.close(0)

    signal.signal(signal.SIGTERM, stop)
    try:
        zmq.proxy(frontend, backend)
    except zmq.ZMQError:
        if not stopped:
            raise


assert Beats

"""What every socket of ours is told, and the few words in which they differ. Reasons: docs/sockets.md.

Invariant: no socket blocks, lingers, or takes messages without a bound; a routing id that ends in ``.*`` is completed
by a new random suffix each time the socket is opened, so that a session is never mistaken for the one before.
"""

from collections.abc import Sequence
from typing import Literal

from common.settings import Settings
from common.topology import Socket

FRAME_SLACK_BYTES = 4096
"""A frame of ours besides the body: header, status, reason."""

PIPE_MIN = 1000
"""libzmq's own default mark; a smaller one would silence a socket's monitor while its pipe is full."""


def socket(
    name: str,
    kind: Literal["ROUTER", "DEALER"],
    endpoints: Sequence[str],
    settings: Settings,
    *,
    bind: bool,
    routing_id: str | None = None,
    heartbeats: bool = True,
    immediate: bool = True,
    send_mark: int | None = None,
    receive_mark: int | None = None,
) -> Socket:
    """Describe a socket. Marks are messages per connection, by default well above what credit can need."""
    network = settings.network
    mark = max(PIPE_MIN, settings.limits.outstanding, settings.credit + 16)
    options: dict[str, int | str] = {
        "linger": 0,
        "maxmsgsize": settings.limits.body_bytes + FRAME_SLACK_BYTES,
        "sndhwm": mark if send_mark is None else send_mark,
        "rcvhwm": mark if receive_mark is None else receive_mark,
        "handshake_ivl": network.handshake_ms,
        "backlog": 1024,
    }
    if heartbeats and network.zmtp_heartbeat_ms:
        options |= {
            "heartbeat_ivl": network.zmtp_heartbeat_ms,
            "heartbeat_timeout": network.zmtp_timeout_ms,
            # counted in tenths of a second, cut off: well above the time-out, never below it
            "heartbeat_ttl": max(300, 2 * network.zmtp_timeout_ms),
        }
    if kind == "ROUTER":
        options |= {"router_mandatory": 1, "router_handover": 1}
    if not bind:
        options |= {
            "immediate": int(immediate),
            "connect_timeout": network.connect_timeout_ms,
            "reconnect_ivl": network.reconnect_ms,
        }
    if routing_id is not None:
        options["routing_id"] = routing_id
    return Socket(name, kind, bind, tuple(endpoints), options)

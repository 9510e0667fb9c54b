"""The commands and envelopes of RFC 6/PPP, byte for byte. PROTOCOL.md, section 4."""

from typing import NamedTuple

from common.wire import Malformed

READY = b"\x01"
HEARTBEAT = b"\x02"
EMPTY = b""


class Envelope(NamedTuple):
    """A REQUEST or REPLY taken apart at its first empty frame."""

    stack: list[bytes]
    """Who is to be answered; the last frame may be a header of ours. Empty from a peer without an address."""
    body: list[bytes]


def open_envelope(frames: list[bytes], first: int, frames_max: int) -> Envelope:
    """Take apart ``frames[first:]``.

    Raises:
        Malformed: no empty frame, or too many frames.
    """
    if len(frames) > frames_max:
        raise Malformed(f"a message has at most {frames_max} frames, got {len(frames)}")
    try:
        null = frames.index(EMPTY, first)
    except ValueError:
        raise Malformed(
            f"expected [address..., empty, body...], got {len(frames) - first} frames, none empty"
        ) from None
    return Envelope(frames[first:null], frames[null + 1 :])

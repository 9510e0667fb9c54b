"""Frames of ours on the wire: the header that travels with a transaction and the status that comes back.

Invariant: what ``parse_header`` and ``parse_status`` return was checked in full. A header that begins with our magic
and fails the check is ``Malformed``, as is what has the layout of a status and is none that was asked for; anything
else is somebody else's. The layouts are in PROTOCOL.md, sections 2 and 3.
"""

import struct
import uuid
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from common.transaction import Fate, Transaction, is_id

HEADER_MAGIC = b"BBTX"
STATUS_MAGIC = b"BBST"
VERSION = 1

RETRY = 0x01
PROBE = 0x02
_FLAGS_KNOWN = RETRY | PROBE

DRAINING = b"draining"
"""The reason frame of a rejection by which a part says that it takes nothing more."""

TTL_MS_MAX = 0xFFFF_FFFF
US_MAX = 0xFFFF_FFFF

# magic, version, flags, length of id, 0, time to live in ms, deadline in ns, boot id
_HEADER = struct.Struct(">4sBBBBIQ16s")
_TTL = struct.Struct(">I")
_TTL_AT = 8
_DEADLINE = struct.Struct(">Q")
_DEADLINE_AT = 12
# magic, version, code, length of id, 0, waited, slot, worked in us
_STATUS = struct.Struct(">4sBBBBIII")

HEADER_SIZE = _HEADER.size
STATUS_SIZE = _STATUS.size

_NO_BOOT = bytes(16)

_ID_LENGTH_AT = 6

_CODES = {1: Fate.COMPLETED, 2: Fate.FAILED, 3: Fate.REJECTED, 4: Fate.UNKNOWN}
_CODE_OF = {fate: code for code, fate in _CODES.items()}


class Malformed(ValueError):
    """A frame that carries our magic and breaks our layout. The message it came in is dropped."""


class Header(NamedTuple):
    """What travels with a transaction."""

    id: bytes
    retry: bool
    probe: bool
    ttl_ms: int
    """What was left to live when the last hop sent it, ms."""
    deadline: float
    """Seconds on this host's monotonic clock: exact where the sender shares our boot, else now + ttl."""


class Status(NamedTuple):
    """How a worker or broker says that a transaction ended, and where the time went (us)."""

    id: bytes
    fate: Fate
    waited_us: int
    slot_us: int
    worked_us: int


@cache
def boot_id() -> bytes:
    """16 bytes that say whose CLOCK_MONOTONIC it is; zeros where the kernel does not tell."""
    try:
        return uuid.UUID(Path("/proc/sys/kernel/random/boot_id").read_text().strip()).bytes
    except (OSError, ValueError):
        return _NO_BOOT


def pack_header(transaction: Transaction, now: float, *, probe: bool = False) -> bytes:
    """Make the header of a transaction that is sent at ``now``."""
    id, _, deadline, retry = transaction
    flags = (RETRY if retry else 0) | (PROBE if probe else 0)
    ttl_ms = min(max(int((deadline - now) * 1e3), 0), TTL_MS_MAX)
    deadline_ns = int(deadline * 1e9)
    return _HEADER.pack(HEADER_MAGIC, VERSION, flags, len(id), 0, ttl_ms, deadline_ns, boot_id()) + id


def is_header(frame: bytes) -> bool:
    """Whether ``frame`` claims to be a header of ours."""
    return frame[:4] == HEADER_MAGIC


def parse_header(frame: bytes, now: float) -> Header:
    """Read a frame for which ``is_header`` holds.

    Raises:
        Malformed: wrong version, length, flags or id.
    """
    if len(frame) <= HEADER_SIZE:
        raise Malformed(f"a header has more than {HEADER_SIZE} bytes, got {len(frame)}")
    _, version, flags, id_length, zero, ttl_ms, deadline_ns, boot = _HEADER.unpack_from(frame)
    id = frame[HEADER_SIZE:]
    if version != VERSION:
        raise Malformed(f"header version must be {VERSION}, got {version}")
    if flags > _FLAGS_KNOWN or zero:
        raise Malformed(f"header flags must be of {_FLAGS_KNOWN:#04x}, then a 0, got {flags:#04x}, {zero}")
    if len(id) != id_length or not is_id(id):
        raise Malformed(f"header id must be {id_length} of [A-Za-z0-9._~-], got {id[:80]!r}")
    shared_clock = boot == boot_id() and boot != _NO_BOOT
    deadline = deadline_ns / 1e9 if shared_clock else now + ttl_ms / 1e3
    return Header(id, flags & RETRY != 0, flags & PROBE != 0, ttl_ms, deadline)


def age_header(frame: bytes, held_s: float) -> bytes:
    """A hop's duty: the same header with what this hop held it taken off its time to live."""
    held_ms = int(held_s * 1e3)
    if held_ms <= 0:
        return frame
    (ttl_ms,) = _TTL.unpack_from(frame, _TTL_AT)
    return frame[:_TTL_AT] + _TTL.pack(max(ttl_ms - held_ms, 0)) + frame[_TTL_AT + _TTL.size :]


def is_sent_with(frame: bytes, deadline: float) -> bool:
    """Whether a header of ours that came back was sent with that deadline: an id may be used again when its
    transaction has ended, and the late answer to the first is none to the second.
    """
    return _DEADLINE.unpack_from(frame, _DEADLINE_AT) == (int(deadline * 1e9),)


def pack_status(id: bytes, fate: Fate, waited_us: int = 0, slot_us: int = 0, worked_us: int = 0) -> bytes:
    """Make a status frame; durations above 71 minutes are written as the largest that fits."""
    if waited_us | slot_us | worked_us > US_MAX:  # all at once: it is asked for every transaction
        waited_us, slot_us, worked_us = min(waited_us, US_MAX), min(slot_us, US_MAX), min(worked_us, US_MAX)
    code = _CODE_OF[fate]
    return _STATUS.pack(STATUS_MAGIC, VERSION, code, len(id), 0, waited_us, slot_us, worked_us) + id


def is_status(frame: bytes) -> bool:
    """Whether ``frame`` has the layout of a status, of whatever version, code and transaction. What only begins with
    the magic is the body of a peer that never heard of us.
    """
    return (
        len(frame) > STATUS_SIZE
        and frame[:4] == STATUS_MAGIC
        and len(frame) == STATUS_SIZE + frame[_ID_LENGTH_AT]
        and not frame[_ID_LENGTH_AT + 1]
        and is_id(frame[STATUS_SIZE:])
    )


def parse_status(frame: bytes) -> Status:
    """Read a frame for which ``is_status`` holds.

    Raises:
        Malformed: wrong version or code.
    """
    _, version, code, _, _, waited_us, slot_us, worked_us = _STATUS.unpack_from(frame)
    if version != VERSION:
        raise Malformed(f"status version must be {VERSION}, got {version}")
    fate = _CODES.get(code)
    if fate is None:
        raise Malformed(f"status code must be one of {sorted(_CODES)}, got {code}")
    return Status(frame[STATUS_SIZE:], fate, waited_us, slot_us, worked_us)


def parse_reply_status(frame: bytes, id: bytes) -> Status | None:
    """Read the first frame of a reply to transaction ``id``: None if it is not a status but body.

    Raises:
        Malformed: it is a status, of another version, code or transaction.
    """
    if frame[:4] != STATUS_MAGIC or not is_status(frame):
        return None
    status = parse_status(frame)
    if status.id != id:
        raise Malformed(f"status id must be {id!r}, got {status.id!r}")
    return status


def gives_back(body: Sequence[bytes], id: bytes) -> bool:
    """Whether a reply's frames (status first) say of transaction ``id``: untouched, and nothing more is taken
    here.
    """
    if list(body[1:]) != [DRAINING]:
        return False
    try:
        status = parse_reply_status(body[0], id)
    except Malformed:
        return False
    return status is not None and status.fate is Fate.REJECTED


def time_status(status: Status, waited_us: int, slot_us: int) -> bytes:
    """The same status as seen by the dispatcher: its wait added to the worker's, the slot as it saw it."""
    id, fate, waited_there_us, _, worked_us = status
    return pack_status(id, fate, waited_there_us + waited_us, slot_us, worked_us)


_PROBE_ANSWER = struct.Struct(">II")


def pack_probe_answer(depth: int, workers: int) -> bytes:
    """The body of a broker's answer to a probe: queue depth and live workers."""
    return _PROBE_ANSWER.pack(depth, workers)


def parse_probe_answer(frame: bytes) -> tuple[int, int]:
    """Read ``(depth, workers)``.

    Raises:
        Malformed: wrong length.
    """
    if len(frame) != _PROBE_ANSWER.size:
        raise Malformed(f"a probe's answer has {_PROBE_ANSWER.size} bytes, got {len(frame)}")
    depth, workers = _PROBE_ANSWER.unpack(frame)
    return depth, workers

"""One socket of a part with its monitor: messages and connection events in, messages out, never blocking.

Invariant: nothing is believed too early. A refused send is tried once more after the socket has processed its
commands (a false EAGAIN is common); at a bound ROUTER a lost connection is matched to the peer by the descriptor its
messages came from, learnt only after older events were read, since descriptors are used again; and never from the
last words of a peer that has gone.
"""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import zmq
from zmq.utils.monitor import parse_monitor_message

from common.machine import Connected, Disconnected, Unroutable
from common.topology import Socket

_EVENTS = zmq.EVENT_ACCEPTED | zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_DISCONNECTED
_NOBLOCK = zmq.NOBLOCK
_MORE = zmq.NOBLOCK | zmq.SNDMORE

COMMANDS_EVERY = 100
"""Frames read in one go after which libzmq takes in its commands, be it in the middle of a message. Where they tell of
a connection lost, with IMMEDIATE, it then ends the process: ``Assertion failed: !_more (src/fq.cpp)``. So it is made to
take them in before a message that might contain that frame.
"""


class CannotBind(OSError):
    """An endpoint that cannot be bound: in use, or not an address of this machine."""


class Link:
    """An open socket, as ``spec`` describes it."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], spec: Socket, random: Random) -> None:
        """Open it.

        Raises:
            CannotBind: with the endpoint and libzmq's reason.
        """
        self.name = spec.name
        self._context = context
        self._spec = spec
        self._random = random
        self._bound_router = spec.bind and spec.kind == "ROUTER"
        self.open()

    def open(self) -> None:
        """Open the socket; also anew, after ``close``."""
        self._socket = self._context.socket(getattr(zmq, self._spec.kind))
        # Bound once, and below pyzmq's Python layer, which adds only the draft API's options: a third of the
        # cost of a message.
        binding: Any = super(zmq.Socket, self._socket)
        self._receive_frame: Callable[[int, bool], zmq.Frame] = binding.recv
        self._send_frame: Callable[[bytes, int], None] = binding.send
        self._accepted: set[int] = set()
        """Descriptors of connections that live."""
        self._peer_of: dict[int, bytes] = {}
        self._descriptor_of: dict[bytes, int] = {}
        self._certain: set[bytes] = set()
        """Peers whose descriptor is known for sure. After a new connection nobody's is: a peer may have gone on over
        it (HANDOVER), of which libzmq tells nothing."""
        self._leaving: set[bytes] = set()
        """Peers that have gone, as long as last words of theirs may wait to be read."""
        self._pending: list[Connected | Disconnected] = []
        self._in_one_go = 0
        """Frames read since the socket was last found empty, which makes libzmq count anew."""
        self._longest = 8
        """Frames of the longest message so far; ours have 3 to 5 and the body's."""
        for option, value in self._spec.options.items():
            setattr(self._socket, option, self._value(value))
        self._monitor = self._socket.get_monitor_socket(_EVENTS)
        for endpoint in self._spec.endpoints:
            self._attach(endpoint)

    def close(self) -> None:
        """Close it, with all that it still holds."""
        self._socket.disable_monitor()
        self._monitor.close(0)
        self._socket.close(0)

    @property
    def socket(self) -> "zmq.Socket[bytes]":
        """What to poll for messages."""
        return self._socket

    @property
    def monitor(self) -> "zmq.Socket[bytes]":
        """What to poll for ``events``."""
        return self._monitor

    def options(self) -> dict[str, int | str]:
        """Every option of the spec as libzmq reports it now; those it never reports, as they were set."""
        return {option: self._report(option, value) for option, value in self._spec.options.items()}

    def receive(self) -> list[bytes] | None:
        """The next whole message, or None."""
        while True:
            if self._in_one_go + self._longest >= COMMANDS_EVERY:
                self._socket.get(zmq.EVENTS)
            try:
                first = self._receive_frame(_NOBLOCK, False)
            except zmq.Again:
                self._leaving.clear()
                self._in_one_go = 0
                return None
            try:
                frames = self._receive_rest(first)
            except zmq.Again:
                # Its connection broke while we read: libzmq dropped the rest with it. The next may be another's.
                continue
            self._in_one_go = (self._in_one_go + len(frames)) % COMMANDS_EVERY  # as libzmq counts
            self._longest = max(self._longest, len(frames))
            return frames

    def _receive_rest(self, frame: zmq.Frame) -> list[bytes]:
        """A ``Frame`` says itself whether more follow; to ask the socket costs three times a plain receive."""
        receive = self._receive_frame
        frames = [frame.bytes]
        if self._bound_router and frames[0] not in self._certain:
            frame = self._learn(frames[0])
            frames.append(frame.bytes)
        while frame.more:
            frame = receive(_NOBLOCK, False)
            frames.append(frame.bytes)
        return frames

    def readable(self) -> bool:
        """Whether a message waits; processes the socket's commands, and so re-arms its descriptor."""
        events = self._socket.get(zmq.EVENTS)
        assert isinstance(events, int)
        return bool(events & zmq.POLLIN)

    def send(self, frames: Sequence[bytes]) -> Unroutable | None:
        """Send a message; what comes back says that it was refused, whole."""
        try:
            self._send(frames)
        except zmq.ZMQError as error:
            if error.errno not in (zmq.EAGAIN, zmq.EHOSTUNREACH):
                raise
            self._socket.get(zmq.EVENTS)
        else:
            return None
        try:
            self._send(frames)
        except zmq.ZMQError as error:
            if error.errno not in (zmq.EAGAIN, zmq.EHOSTUNREACH):
                raise
            return Unroutable(self.name, frames, error.errno == zmq.EHOSTUNREACH)
        return None

    def events(self) -> list[Connected | Disconnected]:
        """What the monitor has to say. Before a ``Disconnected`` is delivered, ``receive`` until None."""
        self._read_monitor()
        events, self._pending = self._pending, []
        return events

    @property
    def eventful(self) -> bool:
        """Whether ``events`` has something to say that the monitor does not signal any more: ``receive`` may have
        read it.
        """
        return bool(self._pending)

    def _send(self, frames: Sequence[bytes]) -> None:
        send = self._send_frame
        for frame in frames[:-1]:
            send(frame, _MORE)
        send(frames[-1], _NOBLOCK)

    def _learn(self, peer: bytes) -> zmq.Frame:
        """Receive the first frame of a peer's message, and note whose descriptor it is that it came from."""
        self._read_monitor()
        frame = self._receive_frame(_NOBLOCK, False)
        try:
            descriptor = frame.get(zmq.SRCFD)
        except zmq.ZMQError:  # some frames carry none; the peer's next message is asked
            return frame
        assert isinstance(descriptor, int)
        self._connect(peer, descriptor)
        return frame

    def _connect(self, peer: bytes, descriptor: int) -> None:
        if peer in self._leaving:
            return  # the descriptor of its last words may be another's by now
        if descriptor not in self._accepted:
            self._lose(peer)
            return
        if self._descriptor_of.get(peer) != descriptor:
            self._peer_of.pop(self._descriptor_of.get(peer, -1), None)
            self._forget(descriptor)
            self._peer_of[descriptor] = peer
            self._descriptor_of[peer] = descriptor
        self._certain.add(peer)

    def _forget(self, descriptor: int) -> bytes | None:
        """It is nobody's now; returns whose it was."""
        peer = self._peer_of.pop(descriptor, None)
        if peer is not None:
            del self._descriptor_of[peer]
            self._certain.discard(peer)
        return peer

    def _lose(self, peer: bytes) -> None:
        self._leaving.add(peer)
        self._pending.append(Disconnected(self.name, peer))

    def _read_monitor(self) -> None:
        while True:
            try:
                message = parse_monitor_message(self._monitor.recv_multipart(_NOBLOCK))
            except zmq.Again:
                return
            if self._bound_router:
                self._note_descriptor(message["event"], message["value"])
            else:
                connected = message["event"] == zmq.EVENT_HANDSHAKE_SUCCEEDED
                kind = Connected if connected else Disconnected
                self._pending.append(kind(self.name, message["endpoint"]))

    def _note_descriptor(self, event: int, descriptor: int) -> None:
        if event == zmq.EVENT_ACCEPTED:
            self._forget(descriptor)
            self._accepted.add(descriptor)
            self._certain.clear()
        elif event == zmq.EVENT_DISCONNECTED:
            self._accepted.discard(descriptor)
            peer = self._forget(descriptor)
            if peer is not None:
                self._lose(peer)

    def _attach(self, endpoint: str) -> None:
        if not self._spec.bind:
            self._socket.connect(endpoint)
            return
        try:
            self._socket.bind(endpoint)
        except zmq.ZMQError as error:
            self.close()
            raise CannotBind(error.errno, f"cannot bind {endpoint}: {error.strerror}") from None

    def _value(self, value: int | str) -> int | bytes:
        if isinstance(value, int):
            return value
        if value.endswith(".*"):
            value = f"{value[:-1]}{self._random.getrandbits(32):08x}"
        return value.encode()

    def _report(self, option: str, asked: int | str) -> int | str:
        try:
            value = self._socket.get(getattr(zmq, option.upper()))
        except zmq.ZMQError as error:
            if error.errno != zmq.EINVAL:
                raise
            return asked
        return value.decode() if isinstance(value, bytes) else int(value)

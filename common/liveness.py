"""Who is alive: how long each peer has been silent, when to beat, and whom to give up.

Alive and available are two facts; this file knows only the first. Invariant: a peer is given up only for silence
that this process could have heard: time it spent asleep itself (a stalled loop) is nobody's silence.
PROTOCOL.md, section 6.
"""

import math
from collections.abc import Hashable
from typing import Generic, TypeVar

from common.settings import Beats

Peer = TypeVar("Peer", bound=Hashable)

LATE = 2.5
"""Intervals between two beats that still are one cadence: one may be lost or late."""

EARLY = 0.8
"""The part of an interval that counts as one in the proof of a cadence: beats jitter on their way."""

LOOKS = 10
"""How often within an interval it is looked for those to be asked, at most: peers silent since different instants are
asked together, and none a tenth of an interval late.
"""


class Pulse:
    """One peer's signs of life. Times are seconds on the monotonic clock."""

    __slots__ = ("_beat_at", "_beats", "_run_from", "asked_at", "excused", "heard_at", "patience_s")

    def __init__(self, beats: Beats, now: float) -> None:
        self._beats = beats
        self._beat_at = -math.inf
        self._run_from = now
        self.heard_at = now
        """Last frame of any kind."""
        self.asked_at = -math.inf
        """Last time that it was asked for a sign of life."""
        self.patience_s = beats.plain_interval_s * beats.liveness
        """Silence that is too long: a plain peer's cadence until ours has been shown."""
        self.excused = False
        """Not judged for now: a plain single-threaded server is silent while it works."""

    def beat(self, now: float) -> None:
        """A heartbeat or PONG: life, and evidence of the cadence that the peer keeps. Time counts, not number:
        several at once are a backlog and no cadence.
        """
        interval_s = self._beats.interval_s
        if now - self._beat_at > LATE * interval_s:
            self._run_from = now
        self._beat_at = self.heard_at = now
        if now - self._run_from >= (self._beats.proof - 1) * interval_s * EARLY:
            self.patience_s = interval_s * self._beats.liveness

    @property
    def quiet_since(self) -> float:
        """When anything was last heard of it or asked of it."""
        return max(self.heard_at, self.asked_at)

    @property
    def expiry(self) -> float:
        """When silence becomes too long."""
        return math.inf if self.excused else self.heard_at + self.patience_s


class Watch(Generic[Peer]):
    """All the peers of one machine, and its own metronome."""

    def __init__(self, beats: Beats) -> None:
        self._beats = beats
        self._pulses: dict[Peer, Pulse] = {}
        self._beat_at = math.inf
        self.due = math.inf
        """When ``check`` is next worth calling."""

    def __contains__(self, peer: Peer) -> bool:
        return peer in self._pulses

    def add(self, peer: Peer, now: float) -> Pulse:
        """Watch a peer from now on; its pulse is for the caller to feed."""
        pulse = self._pulses[peer] = Pulse(self._beats, now)
        if self._beat_at == math.inf:
            self._beat_at = now + self._beats.interval_s
        self.due = min(self.due, self._beat_at)
        return pulse

    def discard(self, peer: Peer) -> None:
        """Watch it no longer."""
        self._pulses.pop(peer, None)
        if not self._pulses:
            self._beat_at = self.due = math.inf

    def check(self, now: float) -> tuple[bool, list[Peer]]:
        """Whether it is time to beat, and who has been silent for too long (not yet discarded)."""
        if now < self.due:
            return False, []
        overslept = now - self.due
        if overslept > self._beats.interval_s:
            for pulse in self._pulses.values():
                pulse.heard_at += overslept
        beat = now >= self._beat_at
        if beat:
            self._beat_at = now + self._beats.interval_s
        expired = [peer for peer, pulse in self._pulses.items() if now >= pulse.expiry]
        alive = (pulse.expiry for pulse in self._pulses.values() if pulse.expiry > now)
        self.due = min(self._beat_at, min(alive, default=math.inf))
        return beat, expired

    def ask(self, now: float) -> list[Peer]:
        """Peers neither heard nor asked for an interval, from now on counted as asked.

        For those that beat only when asked: call it whenever ``check`` says that it is time to beat. It says so again
        when the next peer has been silent for an interval.
        """
        interval_s = self._beats.interval_s
        silent = [peer for peer, pulse in self._pulses.items() if pulse.quiet_since + interval_s <= now]
        for peer in silent:
            self._pulses[peer].asked_at = now
        quietest = min((pulse.quiet_since for pulse in self._pulses.values()), default=math.inf)
        self._beat_at = max(quietest + interval_s, now + interval_s / LOOKS if silent else now)
        self.due = min(self.due, self._beat_at)
        return silent

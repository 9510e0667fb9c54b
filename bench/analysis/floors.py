"""What the settings alone imply for a recovery: no figure can be held against less.

Invariant: a pure function of settings, of the fault and of whom it hit; the one thing measured in it, a cold start,
comes from the same run. A floor is a lower bound, and says nothing of how near to it a system can come.

What a fault looks like to the peers decides when they can notice:

* **broken**: the connections of the part break. Its host's kernel tells every peer at once: the floor is 0.
* **silent**: the connections stay, and nothing comes. The first to give up is the shorter of two watches. Heartbeats
  of the message layer: ``beats.interval_s`` times ``beats.liveness`` since the peer was last heard, which was up to
  one interval before the fault. ZMTP's own: ``network.zmtp_timeout_ms`` since a ping, of which one may have been
  under way.
* **hidden**: the part goes on beating and answers late, wrongly or not at all. No setting lets anyone notice.

And what is left of the part's role decides what has to be waited for. Where there are others of its role they go on,
and the floor of a success and of recovery is 0: that one in n is missing need not show in goodput. Where there are
none, and always for the recovery from the loss of a front, which its clients cannot replace: a part that is *gone* is
there again at the earliest after the delay of the restart policy and a cold start; one that is cut off, when the fault
is taken back. Then peers connect again every ``network.reconnect_ms``, but may do so at once: it is told beside the
floor, and not part of it. So is the takeover of a pair of which one is active (binary-star): it begins two
``beats.state_interval_s`` after the last word of the other, and only where the active one was hit, which is not on
record.
"""

from typing import Literal, NamedTuple

import msgspec

from common.settings import Settings

Sign = Literal["broken", "silent", "hidden"]

SIGNS: dict[str, Sign] = {
    "kill": "broken",
    "terminate": "broken",
    "rolling-restart": "broken",
    "crash-loop": "broken",
    "reset": "broken",
    "pause": "silent",
    "partition": "silent",
    "isolate": "silent",
}
"""What a kind of fault looks like to the peers; any other is hidden."""

STATE_INTERVALS = 2
"""Of silence from the other half of a pair, until a client's request makes the passive one active."""

GONE = ("kill", "terminate", "crash-loop", "rolling-restart")
"""Kinds that end the process."""
CUT_OFF = ("pause", "partition", "wedge")
"""Kinds that leave the part no one to talk to for as long as they last."""


class Floors(msgspec.Struct, frozen=True):
    """What the floors are made of, in ms."""

    restart: float | None
    """Until the supervisor starts a dead part again; the start itself comes on top. None where no process ended."""
    silence: float
    """Until a peer that says nothing more is given up, since it was last heard; a broken connection is seen at once."""
    reconnect: float
    """Between attempts to connect."""
    zmtp: float | None = None
    """Until a connection on which ZMTP's own ping is not answered is broken; None where none are sent."""
    cold_start: float | None = None
    """Until a started process can be talked to: the median of the restarts of this topology and role in this run. None
    where there were none, or the fault ended no process."""
    takeover: float | None = None
    """Until the passive one of a pair may take over, since it heard the other last; None where there is no pair."""


class Floor(msgspec.Struct, frozen=True):
    """The floors of the measured figures, in ms; None where the settings set none: nobody need ever notice."""

    detected: float | None
    first_success: float | None
    recovered: float | None


class Hit(NamedTuple):
    """A fault, and whom it hit."""

    label: str
    """``kill-worker``."""
    parts: int
    """How many of the role hit the topology has."""
    watched: bool = True
    """Whether the topology looks after silent peers at all; ``direct`` does not."""
    lasts_ms: float | None = None
    """How long it lasted, where it was taken back."""
    paired: bool = False
    """Whether it is one of two of which one is active."""

    @property
    def kind(self) -> str:
        """``kill``."""
        return self.label.rpartition("-")[0]

    @property
    def role(self) -> str:
        """``worker``."""
        return self.label.rpartition("-")[2]


def ingredients(hit: Hit, settings: Settings, restart_delay_s: float, cold_start_ms: float | None) -> Floors:
    """What the floors of one fault are made of."""
    beats, network = settings.beats, settings.network
    gone = hit.kind in GONE
    return Floors(
        restart=restart_delay_s * 1e3 if gone else None,
        silence=beats.interval_s * beats.liveness * 1e3,
        reconnect=float(network.reconnect_ms),
        zmtp=float(network.zmtp_timeout_ms) if network.zmtp_heartbeat_ms else None,
        cold_start=cold_start_ms if gone else None,
        takeover=beats.state_interval_s * STATE_INTERVALS * 1e3 if hit.paired else None,
    )


def floor(hit: Hit, settings: Settings, made_of: Floors) -> Floor:
    """The floors of one fault."""
    alone = hit.parts == 1
    away_ms = _away_ms(hit, made_of) if alone or hit.role == "front" else 0.0
    return Floor(_detected_ms(hit, settings, made_of), away_ms if alone else 0.0, away_ms)


def _detected_ms(hit: Hit, settings: Settings, made_of: Floors) -> float | None:
    match SIGNS.get(hit.kind, "hidden"):
        case "broken":
            return 0.0
        case "silent" if hit.watched:
            watches = (made_of.silence - settings.beats.interval_s * 1e3, made_of.zmtp)
            return min(watch for watch in watches if watch is not None)
        case _:
            return None


def _away_ms(hit: Hit, made_of: Floors) -> float | None:
    """For how long nobody can be talked to who does what the part did; None where that is not known."""
    if hit.kind in GONE:
        waits = (made_of.restart, made_of.cold_start)
        return None if None in waits else sum(wait for wait in waits if wait is not None)
    return hit.lasts_ms if hit.kind in CUT_OFF else 0.0

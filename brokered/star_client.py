"""The client of a binary star: hands transactions to the active broker only, and finds out which one that is.

Invariant: a broker is asked (by a probe) or handed anything only where no other is known to be active: to a broker
that is not, whatever a client sends is the client's word that the other is lost. PROTOCOL.md, section 10.
"""

from collections.abc import Sequence
from random import Random

from brokered.binary_star import PASSIVE_REASON
from brokered.client import Broker, Client
from common import wire
from common.machine import Effect, Note, show
from common.settings import Settings
from common.transaction import Fate
from common.wire import Malformed


class StarClient(Client):
    """The machine of a front. Sockets: one DEALER a broker, the primary's first."""

    def __init__(self, settings: Settings, sockets: Sequence[str], random: Random) -> None:
        super().__init__(settings, random)
        self._order = list(sockets)
        self._active: Broker | None = None
        self._active_last = sockets[0]
        """The socket of the one that was active last; the primary's at first."""

    @property
    def ready(self) -> bool:
        return self._active is not None and self._active.workers > 0

    # --- which one ----------------------------------------------------------------------------------------

    def _greet(self, broker: Broker, now: float, effects: list[Effect]) -> None:
        """Whoever was active last may be so again; the other one's turn comes with the next beat."""
        self._submissions.dispatcher.withhold(broker)
        if self._active is None and broker.name.decode() == self._active_last:
            self._probe(broker, now, effects)

    def _offer(self, broker: Broker) -> None:
        if broker is self._active:
            super()._offer(broker)

    def _ask(self, now: float, effects: list[Effect]) -> None:
        """Ask the one that was not asked for longest; the primary first."""
        connected = [self._brokers[socket] for socket in self._order if socket in self._brokers]
        asked = [broker for broker in connected if not broker.retired]
        if asked:
            self._probe(min(asked, key=lambda broker: broker.probed_at), now, effects)

    def _follow(self, broker: Broker, effects: list[Effect]) -> None:
        self._active = broker
        self._active_last = broker.name.decode()
        broker.pulse.excused = not broker.ours
        effects.append(Note("state", self._active_last, "is the active one"))
        self._offer(broker)

    def _leave(self, broker: Broker, now: float, effects: list[Effect]) -> None:
        """It is lost, passive or retired. What it still holds it may finish."""
        if broker is self._active:
            self._active = None
            self._ask(now, effects)

    # --- brokers ------------------------------------------------------------------------------------------

    def _lose(self, socket: str, why: str, now: float, effects: list[Effect]) -> None:
        broker = self._brokers.get(socket)
        super()._lose(socket, why, now, effects)
        if broker is not None:
            self._leave(broker, now, effects)

    def _give_up(self, broker: Broker, why: str, now: float, effects: list[Effect]) -> None:
        super()._give_up(broker, why, now, effects)
        self._leave(broker, now, effects)

    def _heard(self, broker: Broker, now: float, effects: list[Effect]) -> None:
        super()._heard(broker, now, effects)
        broker.pulse.excused = broker is not self._active or not broker.ours

    def _probe_silent(self, now: float, effects: list[Effect]) -> None:
        silent = self._watch.ask(now)
        if self._active is None and silent:
            self._ask(now, effects)
        elif self._active is not None and self._active.name.decode() in silent:
            self._probe(self._active, now, effects)

    # --- what they say ------------------------------------------------------------------------------------

    def _probed(self, broker: Broker, body: list[bytes], now: float, effects: list[Effect]) -> None:
        if _is_passive(body, self._probe_id):
            self._aside(broker, now, effects)
            return
        super()._probed(broker, body, now, effects)
        if self._active is None and not broker.retired:
            self._follow(broker, effects)

    def _reply(
        self, broker: Broker, header: bytes, body: list[bytes], now: float, effects: list[Effect]
    ) -> None:
        id = header[wire.HEADER_SIZE :]
        if not _is_passive(body, id):
            super()._reply(broker, header, body, now, effects)
            if broker.retired:
                self._leave(broker, now, effects)
            return
        job = self._submissions.get(id)
        if job is None or job.peer is not broker or not wire.is_sent_with(header, job.deadline):
            effects.append(Note("stale", show(id), "given back by one that it was taken from"))
            return
        self._submissions.unsent(job, now)
        self._aside(broker, now, effects)

    def _aside(self, broker: Broker, now: float, effects: list[Effect]) -> None:
        broker.workers = 0
        broker.pulse.excused = True
        self._submissions.dispatcher.withhold(broker)
        self._leave(broker, now, effects)


def _is_passive(body: Sequence[bytes], id: bytes) -> bool:
    """Whether a reply's frames (status first) say: untouched, and the other one is to be asked."""
    if list(body[1:]) != [PASSIVE_REASON]:
        return False
    try:
        status = wire.parse_reply_status(body[0], id)
    except Malformed:
        return False
    return status is not None and status.fate is Fate.REJECTED

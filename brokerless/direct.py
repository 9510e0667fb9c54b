"""The article to the letter: one socket connected to every worker, blind round robin, a high-water mark of 1.

No liveness, no credit, no second attempt: libzmq takes turns, and what it has taken for an endpoint that nobody has
bound waits there until somebody does. Invariant: see Submissions; a transaction that libzmq refuses (EAGAIN: every
pipe is at its mark) is rejected.
"""

from collections.abc import Mapping, Sequence

from common import wire
from common.dispatcher import Job, Peer
from common.liveness import Pulse
from common.machine import Connected, Drain, Effect, Event, Note, Received, Send, Submitted, Unroutable, show
from common.settings import Settings
from common.submissions import Submissions
from common.transaction import Frames, Transaction
from common.wire import Malformed

WORKERS = "workers"

UNLIMITED = 1 << 31
"""Credit without a bound: the high-water mark is all there is."""


class Client:
    """The machine of a ``direct`` front. Socket: ``workers``, one DEALER for all of them."""

    def __init__(self, settings: Settings) -> None:
        self._frames_max = settings.limits.frames
        self._submissions = Submissions(settings, self._request, grace_s=0.0)
        self._fabric: Peer[Frames] = Peer(WORKERS.encode(), UNLIMITED, Pulse(settings.beats, 0.0))
        self._submissions.dispatcher.offer(self._fabric)
        self._connected = False

    def __repr__(self) -> str:
        return f"<Client {len(self._submissions)} open>"

    @property
    def ready(self) -> bool:
        return self._connected

    @property
    def drained(self) -> bool:
        return self._submissions.drained

    def gauges(self) -> Mapping[str, int]:
        return {"outstanding": self._submissions.dispatcher.held}

    def deadline(self) -> float:
        return self._submissions.deadline()

    def tick(self, now: float) -> Sequence[Effect]:
        effects: list[Effect] = []
        for job in self._submissions.overdue(now, effects):
            self._submissions.dispatcher.release(job)
        return effects

    def handle(self, event: Event, now: float) -> Sequence[Effect]:
        effects: list[Effect] = []
        match event:
            case Submitted(transaction):
                self._submissions.submit(transaction, now, effects)
            case Received(_, frames):
                try:
                    self._reply(frames, now, effects)
                except Malformed as malformed:
                    effects.append(Note("malformed", WORKERS, str(malformed)))
            case Unroutable(_, frames, _):
                job = self._submissions.get(frames[0][wire.HEADER_SIZE :])
                if job is not None:
                    self._submissions.dispatcher.release(job)
                    self._submissions.reject(job, "every worker's pipe is full", effects)
            case Connected():
                self._connected = True
            case Drain():
                self._submissions.draining = True
                effects.append(Note("draining"))
        return effects

    def _request(self, job: Job[Frames], peer: Peer[Frames], now: float) -> Send:
        header = wire.pack_header(Transaction(job.id, job.message, job.deadline, job.retry), now)
        return Send(WORKERS, (header, *job.message))

    def _reply(self, frames: list[bytes], now: float, effects: list[Effect]) -> None:
        if len(frames) > self._frames_max:
            raise Malformed(f"a message has at most {self._frames_max} frames, got {len(frames)}")
        control, *body = frames
        if not wire.is_header(control):
            raise Malformed(f"a reply is [header, status, body...], got {control[:16]!r}")
        id = control[wire.HEADER_SIZE :]
        job = self._submissions.get(id)
        if job is None or not wire.is_sent_with(control, job.deadline):
            wire.parse_header(control, now)
            effects.append(Note("stale", show(id), "a reply that nobody waits for"))
            return
        self._submissions.dispatcher.release(job)
        self._submissions.answer(job, body, 0, now, effects)

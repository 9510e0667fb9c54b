"""The Paranoid Pirate broker: fewest outstanding, then least recently used; knows what each worker holds.

Invariant: a transaction is in exactly one place: in the one bounded queue, held by one live worker, or
answered; an answer goes out once. A worker's life (any frame) and its leisure (credit, given by READY, used
by REQUEST, given back by REPLY) are two facts. PROTOCOL.md, sections 4 to 6; RFC 6.

Theory of operation:

* READYs open a conversation; the first HEARTBEAT or REPLY closes its opening. A READY after that starts a new
  one: what the old one held is treated as held by a lost peer.
* A REQUEST from the frontend goes to a ready worker at once, or waits. It leaves the queue when a worker is
  free, or rejected at its deadline.
* A worker is lost by disconnection, by silence, by an undeliverable REQUEST. What it held waits at the head
  of the queue again where it may be repeated, and is answered unknown where not.
"""

from collections.abc import Mapping, Sequence

from brokered.ppp import EMPTY, HEARTBEAT, READY, open_envelope
from common import wire
from common.dispatcher import Dispatcher, Job, Peer, QueueFull
from common.liveness import Pulse, Watch
from common.machine import Disconnected, Drain, Effect, Event, Note, Received, Send, Unroutable, show
from common.settings import Settings
from common.transaction import Fate
from common.wire import Malformed

FRONTEND = "frontend"
BACKEND = "backend"

CREDIT_MAX = 1024
"""READYs of one conversation beyond this are noise, not credit."""


class Request:
    """A message of a client: where its answer goes, and what it asks."""

    __slots__ = ("body", "header", "stack")

    def __init__(self, stack: list[bytes], body: list[bytes]) -> None:
        self.header = stack[-1]
        """As it arrived, if it is one."""
        self.stack = stack
        """As the worker sees it: ``[client..., header]``, the header aged when it was dispatched."""
        self.body = body


class Worker(Peer[Request]):
    """One conversation with a worker."""

    __slots__ = ("opening", "replied")

    def __init__(self, name: bytes, pulse: Pulse) -> None:
        super().__init__(name, 0, pulse)
        self.opening = True
        """Its READYs still count as credit."""
        self.replied = False
        """It has sent a REPLY. A first one that nothing was dispatched for ends what an earlier conversation
        had begun (a worker executes one at a time), and gives this one the credit that its READYs left
        out."""


class Broker:
    """The machine of role broker. Sockets: ``frontend`` and ``backend``, both ROUTERs."""

    def __init__(self, settings: Settings) -> None:
        self._limits = settings.limits
        self._dispatcher: Dispatcher[Request] = Dispatcher(settings.limits.queue, settings.retries)
        self._workers: dict[bytes, Worker] = {}
        self._watch: Watch[bytes] = Watch(settings.beats)
        self._draining = False

    def __repr__(self) -> str:
        busy = sum(1 for worker in self._workers.values() if worker.held)
        return (
            f"<Broker {len(self._dispatcher.waiting)} waiting, {len(self._workers) - busy} idle, {busy} busy>"
        )

    @property
    def drained(self) -> bool:
        return self._draining and not self._dispatcher.waiting and not self._dispatcher.held

    def gauges(self) -> Mapping[str, int]:
        return {
            "queued": len(self._dispatcher.waiting),
            "outstanding": self._dispatcher.held,
            "workers": len(self._workers),
        }

    def deadline(self) -> float:
        return min(self._watch.due, self._dispatcher.waiting.next_deadline())

    def tick(self, now: float) -> Sequence[Effect]:
        effects: list[Effect] = []
        for job in self._dispatcher.expire(now):
            self._end_unsent(job, b"expired", effects)
        beat, silent = self._watch.check(now)
        for name in silent:
            self._lose(self._workers[name], "silent", now, effects)
        self._dispatch(now, effects)
        if beat:
            effects += [Send(BACKEND, (name, HEARTBEAT)) for name in self._workers]
        return effects

    def handle(self, event: Event, now: float) -> Sequence[Effect]:
        effects: list[Effect] = []
        try:
            match event:
                case Received():  # by attribute below, not by pattern: this is asked for every message
                    if event.socket == BACKEND:
                        self._from_worker(event.frames, now, effects)
                    else:
                        self._from_client(event.frames, now, effects)
                case Unroutable(socket, frames, _):
                    self._undelivered(socket, frames, now, effects)
                case Disconnected(socket, peer) if socket == BACKEND:
                    if peer in self._workers:
                        self._lose(self._workers[peer], "disconnected", now, effects)
                        self._dispatch(now, effects)
                case Disconnected(_, peer):
                    self._forget_client(peer, effects)
                case Drain():
                    self._draining = True
                    effects.append(Note("draining"))
        except Malformed as malformed:
            assert isinstance(event, Received)
            effects.append(Note("malformed", show(event.frames[0]), str(malformed)))
        return effects

    # --- clients ------------------------------------------------------------------------------------------

    def _from_client(self, frames: list[bytes], now: float, effects: list[Effect]) -> None:
        stack, body = open_envelope(frames, 1, self._limits.frames)
        stack.insert(0, frames[0])
        if len(stack) > 1 and wire.is_header(stack[-1]):
            header = wire.parse_header(stack[-1], now)
            if header.probe:
                self._answer_probe(stack, body, header.id, effects)
                return
            job = Job(header.id, Request(stack, body), header.deadline, header.retry, now)
        else:
            job = Job(b"", Request(stack, body), now + self._limits.opaque_ttl_s, False, now)
        if not body:
            raise Malformed("a request has at least one body frame, got none")
        self._admit(job, now, effects)

    def _answer_probe(self, stack: list[bytes], body: list[bytes], id: bytes, effects: list[Effect]) -> None:
        if body:
            raise Malformed(f"a probe has no body, got {len(body)} frames")
        workers = sum(not worker.retired for worker in self._workers.values())
        answer = wire.pack_probe_answer(len(self._dispatcher.waiting), workers)
        effects.append(Send(FRONTEND, (*stack, EMPTY, wire.pack_status(id, Fate.COMPLETED), answer)))

    def _admit(self, job: Job[Request], now: float, effects: list[Effect]) -> None:
        if self._draining:
            self._end_unsent(job, wire.DRAINING, effects)
        elif job.deadline <= now:
            self._end_unsent(job, b"expired", effects)
        else:
            try:
                peer = self._dispatcher.submit(job, now)
            except QueueFull:
                self._end_unsent(job, b"queue full", effects)
                return
            if peer is not None:
                self._request(job, peer, now, effects)

    def _forget_client(self, client: bytes, effects: list[Effect]) -> None:
        """Nobody is left to be answered: what waits for it is not worth a worker's time, nor, should its worker
        be lost, what is under way a second one's.
        """
        waiting = [job for job in self._dispatcher.waiting.items() if job.message.stack[0] == client]
        for job in waiting:
            self._dispatcher.waiting.discard(job)
            effects.append(Note("dropped", _subject(job), "its client is gone"))
        for worker in self._workers.values():
            for job in worker.held:
                job.retry = job.retry and job.message.stack[0] != client

    # --- workers ------------------------------------------------------------------------------------------

    def _from_worker(self, frames: list[bytes], now: float, effects: list[Effect]) -> None:
        name = frames[0]
        worker = self._workers.get(name)
        if worker is not None:
            worker.pulse.heard_at = now
        if len(frames) == 2:
            self._command(name, worker, frames[1], now, effects)
            return
        stack, body = open_envelope(frames, 1, self._limits.frames)
        if not stack or not body:
            raise Malformed("a REPLY is [client..., empty, body...], and has an address and a body")
        if worker is None:
            effects.append(Note("stale", show(name), "a REPLY of a worker that is not in conversation"))
            return
        worker.opening = False
        self._reply(worker, stack, body, now, effects)
        worker.replied = True
        self._dispatch(now, effects)

    def _command(
        self, name: bytes, worker: Worker | None, command: bytes, now: float, effects: list[Effect]
    ) -> None:
        if command == READY:
            self._welcome(name, worker, now, effects)
        elif command != HEARTBEAT:
            raise Malformed(f"a command is {READY!r} or {HEARTBEAT!r}, got {command[:16]!r}")
        elif worker is None:
            effects.append(Note("stale", show(name), "a HEARTBEAT of a worker that is not in conversation"))
        else:
            worker.opening = False
            worker.pulse.beat(now)

    def _welcome(self, name: bytes, worker: Worker | None, now: float, effects: list[Effect]) -> None:
        if worker is not None and not worker.opening:
            self._lose(worker, "started a new conversation", now, effects)
            worker = None
        if worker is None:
            worker = self._workers[name] = Worker(name, self._watch.add(name, now))
            effects.append(Note("peer-up", show(name)))
        self._give_credit(worker)
        self._dispatch(now, effects)

    def _give_credit(self, worker: Worker) -> None:
        if worker.credit >= CREDIT_MAX:
            raise Malformed(f"a conversation has at most {CREDIT_MAX} credits")
        worker.credit += 1
        self._dispatcher.offer(worker)

    def _reply(
        self, worker: Worker, stack: list[bytes], body: list[bytes], now: float, effects: list[Effect]
    ) -> None:
        job = _held_for(stack, worker)
        if job is None:
            if not worker.replied:
                self._give_credit(worker)
            effects.append(Note("stale", show(worker.name), "a REPLY to nothing that was dispatched to it"))
            return
        try:
            status = wire.parse_reply_status(body[0], job.id) if job.id else None
        except Malformed as malformed:
            self._dispatcher.release(job)
            effects.append(Note("malformed", show(worker.name), str(malformed)))
            self._end(job, Fate.UNKNOWN, b"malformed reply", effects)
            return
        if status is not None:
            if status.fate is Fate.REJECTED:
                self._refused(job, worker, body, now, effects)
                return
            body[0] = wire.time_status(status, _us(job.waited_s), _us(now - job.sent_at))
        self._dispatcher.release(job)
        effects.append(Send(FRONTEND, (*stack, EMPTY, *body)))

    def _refused(
        self, job: Job[Request], worker: Worker, body: list[bytes], now: float, effects: list[Effect]
    ) -> None:
        """A worker gave the job back untouched. One that drains takes nothing more, and the job goes
        elsewhere; any other refusal is an answer, unless an earlier worker may have executed it.
        """
        if wire.gives_back(body, job.id):
            effects.append(Note("retired", show(worker.name), "it is draining"))
            self._dispatcher.retire(worker)
            if now < job.deadline and not self._draining:
                self._dispatcher.unsent(job, now)
                return
        self._dispatcher.release(job)
        self._end_unsent(job, b"".join(body[1:]), effects)

    def _lose(self, worker: Worker, why: str, now: float, effects: list[Effect]) -> None:
        del self._workers[worker.name]
        self._watch.discard(worker.name)
        effects.append(Note("peer-lost", show(worker.name), f"{why}; it held {len(worker.held)}"))
        lost = self._dispatcher.lose(worker, now)
        effects += [Note("failover", _subject(job)) for job in lost.again]
        effects += [Note("budget", _subject(job)) for job in lost.unfunded]
        for job in lost.unknown + lost.unfunded:
            self._end(job, Fate.UNKNOWN, b"worker lost", effects)

    def _undelivered(self, socket: str, frames: Sequence[bytes], now: float, effects: list[Effect]) -> None:
        if socket == FRONTEND:
            effects.append(Note("unroutable", show(frames[0]), "its client is gone"))
            return
        worker = self._workers.get(frames[0])
        if worker is None:
            return
        if len(frames) > 2:
            stack = open_envelope(list(frames), 1, len(frames)).stack
            job = next(job for job in reversed(worker.held) if job.message.stack == stack)
            self._dispatcher.unsent(job, now)
        self._lose(worker, "unroutable", now, effects)
        self._dispatch(now, effects)

    # --- the way in between -------------------------------------------------------------------------------

    def _dispatch(self, now: float, effects: list[Effect]) -> None:
        if not self._dispatcher.waiting:
            return
        for job in self._dispatcher.expire(now):
            self._end_unsent(job, b"expired", effects)
        while (ready := self._dispatcher.next(now)) is not None:
            self._request(*ready, now, effects)

    def _request(self, job: Job[Request], peer: Peer[Request], now: float, effects: list[Effect]) -> None:
        request = job.message
        if job.id:
            request.stack[-1] = wire.age_header(request.header, now - job.arrived_at)
        effects.append(Send(BACKEND, (peer.name, *request.stack, EMPTY, *request.body)))

    def _end_unsent(self, job: Job[Request], why: bytes, effects: list[Effect]) -> None:
        self._end(job, Fate.UNKNOWN if job.tried else Fate.REJECTED, why, effects)

    def _end(self, job: Job[Request], fate: Fate, why: bytes, effects: list[Effect]) -> None:
        if not job.id:
            effects.append(Note("dropped", _subject(job), why.decode()))
            return
        effects.append(Note(fate.value, _subject(job), why.decode()))
        status = wire.pack_status(job.id, fate, waited_us=_us(job.waited_s))
        effects.append(Send(FRONTEND, (*job.message.stack, EMPTY, status, why)))


def _held_for(stack: list[bytes], worker: Worker) -> Job[Request] | None:
    """Which of the worker's jobs is answered to that address."""
    for job in worker.held:
        if job.message.stack == stack:
            return job
    return None


def _us(seconds: float) -> int:
    return int(seconds * 1e6)


def _subject(job: Job[Request]) -> str:
    return job.id.decode() if job.id else show(job.message.stack[0])

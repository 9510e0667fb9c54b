"""One running part: its machine, its fake sockets and, at a worker, a virtual service.

Invariant: a driver's duties as common/machine.py names them. While the process is stalled nothing reaches its
machine; all of it is delivered, in order, when it goes on.
"""

import math
from collections import deque
from collections.abc import Callable, Sequence
from random import Random

from bench.simulator.network import Dealer, Network, Router, open_socket
from bench.simulator.records import Execution, Journal, Noted
from common.machine import (
    Drain,
    Effect,
    Event,
    Execute,
    Finished,
    Machine,
    Note,
    Reopen,
    Resolve,
    Send,
)
from common.topology import Part
from common.transaction import Fate, Frames, Transaction

ServiceTime = Callable[[bytes], float]
"""How long the service works on the transaction of that id, s."""

Service = Callable[[Transaction], tuple[Fate, Frames]]
"""What it has to say then: COMPLETED or FAILED, and a body."""

_Waiting = tuple[Callable[..., None], tuple[object, ...]]


class Process:
    """A part from its start to its end: a restarted part is another process."""

    def __init__(
        self,
        part: Part,
        machine: Machine,
        network: Network,
        journal: Journal,
        service_time: ServiceTime,
        service: Service,
        random: Random,
    ) -> None:
        self.part = part
        self.machine = machine
        self._handle, self._deadline = machine.handle, machine.deadline  # looked up once: the hot path
        self.alive = True
        self.frozen = False
        """Stopped whole, as by SIGSTOP: its service and its ZMTP engine too."""
        self._stalled_until = -math.inf
        self._network = network
        self._agenda = network.agenda
        self._journal = journal
        self._service_time = service_time
        self._service = service
        self._drain_end = math.inf
        self._drained: Callable[[], None] | None = None
        self._executing = False
        self._refused: deque[Event] = deque()
        self._waiting: deque[_Waiting] = deque()
        """What happened while it was stalled."""
        self._due = math.inf
        """The machine's deadline."""
        self._timer = math.inf
        """When the agenda calls next: never after ``_due``."""
        self.sockets: dict[str, Dealer | Router] = {}
        for spec in part.sockets:
            self.sockets[spec.name] = open_socket(spec, self, network, random)
        self._arm()

    def __repr__(self) -> str:
        return f"<Process {self.part.name} {self.machine!r}>"

    @property
    def name(self) -> str:
        """Of its part."""
        return self.part.name

    @property
    def stalled(self) -> bool:
        """Whether its machine is not called for now."""
        return self._agenda.now < self._stalled_until

    def take(self, event: Event, socket: Dealer | Router | None = None) -> None:
        """Something happened, at one of its sockets or above."""
        now = self._agenda.now
        if now < self._stalled_until or self._waiting:
            session = None if socket is None else socket.session
            self._waiting.append((self._take_late, (event, socket, session)))
            return
        if now >= self._due:
            self._catch_up()
        self._carry_out(self._handle(event, now))
        self._arm()

    def stall(self, until: float, *, frozen: bool) -> None:
        """Do nothing until then. Not ``frozen``: only the machine's thread hangs."""
        self._stalled_until = max(self._stalled_until, until)
        self.frozen = self.frozen or frozen
        self._agenda.at(until, self._go_on)

    def drain(self, within_s: float, drained: Callable[[], None]) -> None:
        """Take nothing new; ``drained`` is called when all is done or the time is up."""
        self._drain_end = self._agenda.now + within_s
        self._drained = drained
        self._agenda.at(self._drain_end, self._exit_if_done)
        self.take(Drain())

    def end(self, noticed_s: float) -> None:
        """It is gone at once; its peers notice ``noticed_s`` from now."""
        self.alive = False
        for socket in self.sockets.values():
            socket.close(noticed_s)

    # --- time ---------------------------------------------------------------------------------------------

    def _arm(self) -> None:
        self._due = due = self._deadline()
        if due < self._timer:
            self._timer = due
            self._agenda.at(max(due, self._agenda.now), self._tick, due)
        if self._drained is not None:
            self._exit_if_done()

    def _tick(self, asked_for: float) -> None:
        if asked_for != self._timer or not self.alive:
            return
        self._timer = math.inf
        if not self.stalled:
            if self._agenda.now >= self._due:
                self._catch_up()
            self._arm()

    def _catch_up(self) -> None:
        """What is due comes before what has arrived."""
        now = self._agenda.now
        self._carry_out(self.machine.tick(now))
        assert self.machine.deadline() > now, (
            f"{self} spins: due {self.machine.deadline()} after a tick at {now}"
        )

    def _go_on(self) -> None:
        if not self.alive or self.stalled:
            return
        self.frozen = False
        if self._agenda.now >= self._due:
            self._catch_up()
        waiting, self._waiting = self._waiting, deque()
        for action, arguments in waiting:
            if self.alive:
                action(*arguments)
        if self.alive:
            self._arm()

    def _take_late(self, event: Event, socket: Dealer | Router | None, session: int | None) -> None:
        """What a socket held is gone where the socket was opened anew."""
        if socket is None or socket.session == session:
            self.take(event, socket)

    def _exit_if_done(self) -> None:
        done = self.machine.drained or self._agenda.now >= self._drain_end
        if done and self.alive and not self.stalled and self._drained is not None:
            self._drained()

    # --- effects ------------------------------------------------------------------------------------------

    def _carry_out(self, effects: Sequence[Effect]) -> None:
        if effects:
            self._do(effects)
        while self._refused:
            self._do(self.machine.handle(self._refused.popleft(), self._agenda.now))

    def _do(self, effects: Sequence[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Send):
                refused = self.sockets[effect.socket].send(effect.frames)
                if refused is not None:
                    self._refused.append(refused)
            elif isinstance(effect, Resolve):
                self._journal.resolved(self.part.name, effect.id, effect.answer, self._agenda.now)
            elif isinstance(effect, Execute):
                self._execute(effect)
            elif isinstance(effect, Note):
                self._journal.notes.append(Noted(self._agenda.now, self.part.name, effect))
            elif isinstance(effect, Reopen):
                self._reopen(self.sockets[effect.socket])

    def _reopen(self, socket: Dealer | Router) -> None:
        socket.close(self._network.latency_s)
        socket.open()

    def _execute(self, execute: Execute) -> None:
        assert not self._executing, f"a worker executes one transaction at a time, got {execute}"
        self._executing = True
        job, transaction, opaque = execute
        now = self._agenda.now
        execution = self._journal.begun(self.part.name, transaction, opaque, now)
        duration_s = self._service_time(transaction.id)
        self._agenda.at(now + duration_s, self._finish, job, execution, int(duration_s * 1e6))

    def _finish(self, job: int, execution: Execution, worked_us: int) -> None:
        if not self.alive:
            return
        if self.frozen:
            self._waiting.append((self._finish, (job, execution, worked_us)))
            return
        self._executing = False
        fate, body = self._service(execution.transaction)
        self._journal.finished(execution, fate, self._agenda.now)
        self.take(Finished(job, fate, body, worked_us))

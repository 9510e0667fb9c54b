"""Machines of a whole plan wired in memory: virtual time, messages that take time, and faults of every kind.

What is kept is what the machines may rely on (common/machine.py, a driver's duties); all else is left to chance:
what was on its way when a connection broke, who notices first, how long a part is given no time.
"""

import heapq
from collections import Counter, deque
from collections.abc import Callable
from random import Random
from typing import Any

from common.machine import (
    Connected,
    Disconnected,
    Drain,
    Event,
    Execute,
    Finished,
    Machine,
    Note,
    Received,
    Reopen,
    Resolve,
    Send,
    Submitted,
    Unroutable,
)
from common.settings import Settings
from common.topology import Part, Plan, Socket, Topology
from common.transaction import Answer, Fate, Transaction

LATENCY_S = 0.001
NOTICED_S = 0.005
"""The latest that the end of a connection is noticed."""
RECONNECT_S = 0.02
RESTART_S = 0.2


class Wire:
    """From a DEALER to one endpoint: up, or down and trying."""

    def __init__(self, dealer: "Dealer", endpoint: str) -> None:
        self.dealer = dealer
        self.endpoint = endpoint
        self.up = False
        self.known = False
        """Whether the DEALER's machine was told that it is up, and not yet that it is down."""
        self.id = b""
        self.generation = 0
        self.queue: deque[tuple[bytes, ...]] = deque()
        """What was taken for it while it is down (IMMEDIATE=0)."""


class Dealer:
    def __init__(self, process: "Process", spec: Socket) -> None:
        self.process = process
        self.name = spec.name
        self.immediate = bool(spec.options["immediate"])
        self.queue_max = int(spec.options["sndhwm"])
        self.wires = [Wire(self, endpoint) for endpoint in spec.endpoints]
        self.opened = 0


class Process:
    """A part that runs; killed and started again it has a new machine."""

    def __init__(self, world: "World", part: Part) -> None:
        self.world = world
        self.part = part
        self.starts = 0
        self.asleep_until = 0.0
        self.inbox: deque[Event] = deque()
        self.dealers: dict[str, Dealer] = {}
        self.routers = {
            endpoint: socket.name for socket in part.sockets if socket.bind for endpoint in socket.endpoints
        }
        self.machine: Machine | None = None
        self.executing: Execute | None = None

    def __repr__(self) -> str:
        return f"<{self.part.name} {self.machine!r}>"


class World:
    def __init__(
        self,
        topology: Topology,
        plan: Plan,
        settings: Settings,
        random: Random,
        service_s: Callable[[bytes], float],
    ) -> None:
        self.now = 1000.0
        self.random = random
        self.executions: Counter[bytes] = Counter()
        self.running = 0
        self.answers: dict[bytes, list[tuple[float, Answer]]] = {}
        self.notes: Counter[str] = Counter()
        self._topology = topology
        self._settings = settings
        self._service_s = service_s
        self._agenda: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._entries = 0
        self.processes = {part.name: Process(self, part) for part in plan.parts}
        self.binder = {
            endpoint: process for process in self.processes.values() for endpoint in process.routers
        }
        for process in self.processes.values():
            self.start(process)

    def after(self, seconds: float, act: Callable[..., None], *arguments: Any) -> None:
        self._entries += 1
        heapq.heappush(self._agenda, (self.now + seconds, self._entries, act, arguments))

    def run(self, seconds: float) -> None:
        end = self.now + seconds
        while self._agenda and self._agenda[0][0] <= end:
            self.now, _, act, arguments = heapq.heappop(self._agenda)
            act(*arguments)
        self.now = end

    # --- what may happen ----------------------------------------------------------------------------------

    def submit(self, front: str, transaction: Transaction) -> None:
        self.tell(self.processes[front], Submitted(transaction))

    def start(self, process: Process) -> None:
        process.starts += 1
        process.machine = self._topology.machine(process.part, self._settings, self.random)
        process.inbox.clear()
        process.executing = None
        process.asleep_until = 0.0
        process.dealers = {
            socket.name: Dealer(process, socket) for socket in process.part.sockets if not socket.bind
        }
        for dealer in process.dealers.values():
            self.open(dealer)
        self._arm(process)

    def kill(self, process: Process) -> None:
        """As kill -9 does, and a supervisor that starts it again."""
        if process.machine is None:
            return
        process.machine = None
        self.running -= process.executing is not None
        for wire in self.wires_of(process):
            self.cut(wire)
        self.after(RESTART_S, self.start, process)

    def drain(self, process: Process) -> None:
        """As SIGTERM does."""
        self.tell(process, Drain())
        self.after(1.0, self.kill_if, process, process.starts)

    def kill_if(self, process: Process, starts: int) -> None:
        if process.starts == starts:
            self.kill(process)

    def sleep(self, process: Process, seconds: float) -> None:
        """It is given no time; its connections stay."""
        process.asleep_until = max(process.asleep_until, self.now + seconds)
        self.after(seconds, self._wake, process)

    def cut(self, wire: Wire) -> None:
        """A connection breaks; both ends notice, each in its time, after what still arrives."""
        if not wire.up:
            return
        wire.up = False
        wire.generation += 1
        router = self.binder[wire.endpoint]
        dealer = wire.dealer
        gone = Disconnected(router.routers[wire.endpoint], wire.id)
        self.after(self.random.uniform(LATENCY_S, NOTICED_S), self._tell_if, router, router.starts, gone)
        if dealer.process.machine is not None:
            self.after(self.random.uniform(LATENCY_S, NOTICED_S), self._noticed, wire, dealer.opened)

    def wires_of(self, process: Process) -> list[Wire]:
        return [
            wire
            for other in self.processes.values()
            for dealer in other.dealers.values()
            for wire in dealer.wires
            if other is process or self.binder[wire.endpoint] is process
        ]

    # --- sockets ------------------------------------------------------------------------------------------

    def open(self, dealer: Dealer) -> None:
        dealer.opened += 1
        id = f"{dealer.process.part.name}.{dealer.process.starts}.{dealer.opened}".encode()
        for wire in dealer.wires:
            wire.id = id
            wire.known = False
            wire.queue.clear()
            self.after(RECONNECT_S, self._connect, wire, dealer.opened, dealer.process.starts)

    def _connect(self, wire: Wire, opened: int, starts: int) -> None:
        dealer = wire.dealer
        if (
            wire.up
            or dealer.opened != opened
            or dealer.process.starts != starts
            or dealer.process.machine is None
        ):
            return
        if dealer.process.dealers.get(dealer.name) is not dealer:
            return
        if self.binder[wire.endpoint].machine is None:
            self.after(RECONNECT_S, self._connect, wire, opened, starts)
            return
        wire.up = wire.known = True
        self.tell(dealer.process, Connected(dealer.name, wire.endpoint.encode()))
        while wire.up and wire.queue:
            self._carry_to_router(wire, wire.queue.popleft())

    def _noticed(self, wire: Wire, opened: int) -> None:
        dealer = wire.dealer
        if dealer.opened != opened or dealer.process.dealers.get(dealer.name) is not dealer:
            return
        wire.known = False
        self.after(RECONNECT_S, self._connect, wire, opened, dealer.process.starts)
        self.tell(dealer.process, Disconnected(dealer.name, wire.endpoint.encode()))

    def send(self, process: Process, send: Send) -> Unroutable | None:
        frames = tuple(send.frames)
        if send.socket in process.dealers:
            return self._send_from_dealer(process.dealers[send.socket], frames)
        for wire in self.wires_of(process):
            if wire.up and wire.id == frames[0] and process.routers.get(wire.endpoint) == send.socket:
                self.after(LATENCY_S, self._arrive_at_dealer, wire, wire.generation, frames[1:])
                return None
        return Unroutable(send.socket, frames, gone=True)

    def _send_from_dealer(self, dealer: Dealer, frames: tuple[bytes, ...]) -> Unroutable | None:
        for _ in dealer.wires:
            wire = dealer.wires.pop(0)
            dealer.wires.append(wire)
            if wire.up:
                self._carry_to_router(wire, frames)
                return None
            if wire.known:
                return None  # TCP took it, and nobody will ever have it
            if not dealer.immediate and len(wire.queue) < dealer.queue_max:
                wire.queue.append(frames)
                return None
        return Unroutable(dealer.name, frames, gone=False)

    def _carry_to_router(self, wire: Wire, frames: tuple[bytes, ...]) -> None:
        self.after(LATENCY_S, self._arrive_at_router, wire, wire.generation, wire.id, frames)

    def _arrive_at_router(self, wire: Wire, generation: int, id: bytes, frames: tuple[bytes, ...]) -> None:
        if self._arrives(wire, generation):
            router = self.binder[wire.endpoint]
            self.tell(router, Received(router.routers[wire.endpoint], [id, *frames]))

    def _arrive_at_dealer(self, wire: Wire, generation: int, frames: tuple[bytes, ...]) -> None:
        dealer = wire.dealer
        if self._arrives(wire, generation) and dealer.process.dealers.get(dealer.name) is dealer:
            self.tell(dealer.process, Received(dealer.name, list(frames)))

    def _arrives(self, wire: Wire, generation: int) -> bool:
        """What was on its way when the connection broke may still arrive, before its end is noticed."""
        return wire.generation == generation or (
            wire.generation == generation + 1 and not wire.up and self.random.random() < 0.5
        )

    # --- machines -----------------------------------------------------------------------------------------

    def _tell_if(self, process: Process, starts: int, event: Event) -> None:
        if process.starts == starts:
            self.tell(process, event)

    def tell(self, process: Process, event: Event) -> None:
        if process.machine is None:
            return
        process.inbox.append(event)
        if process.asleep_until <= self.now:
            self._work(process)

    def _wake(self, process: Process) -> None:
        if process.asleep_until <= self.now and process.machine is not None:
            self._work(process)

    def _work(self, process: Process) -> None:
        """As a driver does: what is due first, then what arrived."""
        machine = process.machine
        assert machine is not None
        if machine.deadline() <= self.now:
            self._carry_out(process, machine.tick(self.now))
            assert machine.deadline() > self.now
        while process.inbox:
            self._carry_out(process, machine.handle(process.inbox.popleft(), self.now))
        self._arm(process)

    def _arm(self, process: Process) -> None:
        assert process.machine is not None
        due = process.machine.deadline()
        if due < self.now + 3600:
            self.after(max(due - self.now, 0.0), self._due, process, process.starts)

    def _due(self, process: Process, starts: int) -> None:
        if process.starts != starts or process.machine is None or process.asleep_until > self.now:
            return
        if process.machine.deadline() <= self.now:
            self._work(process)

    def _carry_out(self, process: Process, effects: Any) -> None:
        refused: list[Event] = []
        for effect in effects:
            match effect:
                case Send():
                    refusal = self.send(process, effect)
                    if refusal is not None:
                        refused.append(refusal)
                case Execute():
                    self._execute(process, effect)
                case Resolve(id, answer):
                    self.answers.setdefault(id, []).append((self.now, answer))
                case Reopen(name):
                    self._reopen(process.dealers[name])
                case Note(kind, _, _):
                    self.notes[kind] += 1
        for event in refused:
            assert process.machine is not None
            self._carry_out(process, process.machine.handle(event, self.now))

    def _reopen(self, dealer: Dealer) -> None:
        for wire in dealer.wires:
            if wire.up:
                wire.up = False
                wire.generation += 1
                router = self.binder[wire.endpoint]
                gone = Disconnected(router.routers[wire.endpoint], wire.id)
                self.after(
                    self.random.uniform(LATENCY_S, NOTICED_S), self._tell_if, router, router.starts, gone
                )
        self.open(dealer)

    def _execute(self, process: Process, execute: Execute) -> None:
        assert process.executing is None, "one at a time"
        process.executing = execute
        self.running += 1
        self.executions[execute.transaction.id] += 1
        seconds = self._service_s(execute.transaction.id)
        self.after(seconds, self._finish, process, process.starts, execute)

    def _finish(self, process: Process, starts: int, execute: Execute) -> None:
        if process.starts == starts and process.machine is not None:
            process.executing = None
            self.running -= 1
            self.tell(process, Finished(execute.job, Fate.COMPLETED, answer_to(execute.transaction), 0))


def answer_to(transaction: Transaction) -> tuple[bytes, ...]:
    """What the service makes of a transaction."""
    return (b"did", *transaction.body)

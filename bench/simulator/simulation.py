"""A deployment on virtual time, and what a script may do to it: load, kill, stop, pause, let time pass.

A script says what shall happen, then runs; or runs in steps and looks in between::

    simulation = Simulation(TOPOLOGIES["freelance"], Deployment(workers=4), Settings(), lambda id: 0.010)
    simulation.submit(0.1, "front-1", Transaction(b"a", (b"body",), deadline=5.1, retry=True))
    simulation.kill("worker-1", 0.105, restart_after_s=0.5)
    simulation.run(6.0)
    simulation.transactions[0].outcome
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from random import Random
from typing import NamedTuple

from bench.simulator.agenda import Agenda
from bench.simulator.network import Connection, Dealer, Network, Router
from bench.simulator.process import Process, Service, ServiceTime
from bench.simulator.records import Execution, Journal, Mark, Noted, Record
from common.machine import Machine, Submitted
from common.settings import Settings
from common.topology import Deployment, Plan, Topology
from common.transaction import Fate, Frames, Transaction

LATENCY_S = 50e-6
"""One way of a link, by default: about loopback's."""


class Arrival(NamedTuple):
    """A transaction that a client hands to a front, virtual s."""

    at: float
    front: str
    transaction: Transaction


def echo(transaction: Transaction) -> tuple[Fate, Frames]:
    """Complete every transaction with its own body."""
    return Fate.COMPLETED, transaction.body


class Simulation:
    """Everything is up at time 0; links take a handshake longer. Times are virtual s."""

    def __init__(
        self,
        topology: Topology,
        deployment: Deployment,
        settings: Settings,
        service_time: ServiceTime,
        *,
        service: Service = echo,
        latency_s: float = LATENCY_S,
        seed: int = 0,
    ) -> None:
        """``service_time(id)``: s, the same whenever it is asked (``partial(distributions.service_time,
        "exponential", 0.02, seed)``). ``seed``: of what sockets and machines leave to chance.
        """
        self.plan: Plan = topology.plan(deployment, settings, lambda name: f"sim://{name}")
        self._topology = topology
        self._settings = settings
        self._service_time = service_time
        self._service = service
        self._seed = seed
        self._agenda = Agenda()
        self._network = Network(self._agenda, latency_s)
        self._journal = Journal()
        self._processes: dict[str, Process] = {}
        self._started = dict.fromkeys((part.name for part in self.plan.parts), 0)
        for name in self._started:
            self._start(name)

    # --- what happened ------------------------------------------------------------------------------------

    @property
    def now(self) -> float:
        """How far it has run."""
        return self._agenda.now

    @property
    def latency_s(self) -> float:
        """One way of a link."""
        return self._network.latency_s

    @property
    def transactions(self) -> list[Record]:
        """In the order of their submission."""
        return self._journal.transactions

    @property
    def executions(self) -> list[Execution]:
        """In the order of their beginning."""
        return self._journal.executions

    @property
    def notes(self) -> list[Noted]:
        """What the machines noted."""
        return self._journal.notes

    @property
    def marks(self) -> list[Mark]:
        """What the script did."""
        return self._journal.marks

    @property
    def open(self) -> int:
        """Transactions without an end so far."""
        return self._journal.open

    def names(self, role: str) -> list[str]:
        """The parts of that role."""
        return [part.name for part in self.plan.parts if part.role == role]

    def alive(self, name: str) -> bool:
        """Whether that part runs (or would, were it not paused)."""
        return self._processes[name].alive

    def machine(self, name: str) -> Machine:
        """The core of that part: of its last process, where it does not run."""
        return self._processes[name].machine

    # --- the script ---------------------------------------------------------------------------------------

    def run(self, until: float) -> None:
        """Let time pass."""
        self._agenda.run(until)

    def overhear(self, told: Callable[[str, str, Sequence[bytes]], None]) -> None:
        """Have ``told`` called with sender, receiver and frames of all that arrives on a link from now on, as it went
        over the wire: without routing ids.
        """
        self._network.overheard = told

    def call(self, at: float, action: Callable[[], None]) -> None:
        """Do something of the script's own."""
        self._agenda.at(at, action)

    def submit(self, at: float, front: str, transaction: Transaction) -> None:
        """A client hands in one transaction."""
        self._agenda.at(at, self._submit, front, transaction)

    def play(self, arrivals: Iterable[Arrival]) -> None:
        """Clients hand in many, in order of time, drawn one by one."""
        self._play(iter(arrivals))

    def kill(
        self, name: str, at: float, restart_after_s: float | None = None, *, last_words: bool = True
    ) -> None:
        """SIGKILL. ``restart_after_s``: when a supervisor has it running again; None: never. ``last_words``:
        what it sent last still arrives, as what the kernel has it sends; else peers notice before.
        """
        self._agenda.at(at, self._kill, name, restart_after_s, last_words)

    def stop(self, name: str, at: float, restart_after_s: float | None = None) -> None:
        """SIGTERM: it drains, and exits when it has, or when ``limits.drain_s`` is over."""
        self._agenda.at(at, self._stop, name, restart_after_s)

    def start(self, name: str, at: float) -> None:
        """Start a part that does not run."""
        self._agenda.at(at, self._restart, name)

    def pause(self, name: str, at: float, until: float, *, hung: bool = False) -> None:
        """SIGSTOP and SIGCONT: peers whose sockets have ZMTP heartbeats break the connection when it has been
        silent for too long. ``hung``: its main thread alone hangs, which no ZMTP heartbeat notices.
        """
        if not until > at:
            raise ValueError(f"until must be after at, {at} s, got {until}")
        self._agenda.at(at, self._pause, name, until, hung)

    def cut(self, one: str, other: str, at: float, until: float) -> None:
        """Nothing gets through between two parts, silently: connections break when ZMTP heartbeats notice."""
        if not until > at:
            raise ValueError(f"until must be after at, {at} s, got {until}")
        self._agenda.at(at, self._cut, one, other)
        self._agenda.at(until, self._heal, one, other)

    # --- carrying it out ----------------------------------------------------------------------------------

    def _submit(self, front: str, transaction: Transaction) -> None:
        process = self._processes[front]
        if process.alive:
            self._journal.submitted(front, transaction, self.now)
            process.take(Submitted(transaction))
        else:
            self._journal.refused(front, transaction, self.now)

    def _play(self, arrivals: Iterator[Arrival]) -> None:
        arrival = next(arrivals, None)
        if arrival is not None:
            self._agenda.at(arrival.at, self._play_on, arrival, arrivals)

    def _play_on(self, arrival: Arrival, arrivals: Iterator[Arrival]) -> None:
        self._submit(arrival.front, arrival.transaction)
        self._play(arrivals)

    def _start(self, name: str) -> None:
        part = self.plan.named(name)
        self._started[name] += 1
        random = Random(f"{self._seed} {name} {self._started[name]}")
        machine = self._topology.machine(part, self._settings, random)
        self._processes[name] = Process(
            part, machine, self._network, self._journal, self._service_time, self._service, random
        )  # fmt: skip
        self._mark(name, "start")

    def _restart(self, name: str) -> None:
        if not self.alive(name):
            self._start(name)

    def _kill(self, name: str, restart_after_s: float | None, last_words: bool) -> None:
        process = self._processes[name]
        if not process.alive:
            self._mark(name, "kill: not running")
            return
        self._mark(name, "kill")
        self._end(process, self._network.latency_s if last_words else 0.0)
        self._supervise(name, restart_after_s)

    def _stop(self, name: str, restart_after_s: float | None) -> None:
        process = self._processes[name]
        if not process.alive:
            self._mark(name, "stop: not running")
            return
        self._mark(name, "stop")
        process.drain(self._settings.limits.drain_s, partial(self._exited, process, restart_after_s))

    def _exited(self, process: Process, restart_after_s: float | None) -> None:
        self._mark(process.part.name, "exit")
        self._end(process, self._network.latency_s)
        self._supervise(process.part.name, restart_after_s)

    def _end(self, process: Process, noticed_s: float) -> None:
        process.end(noticed_s)
        self._journal.broken(process.part.name, self.now)

    def _supervise(self, name: str, restart_after_s: float | None) -> None:
        if restart_after_s is not None:
            self._agenda.at(self.now + restart_after_s, self._restart, name)

    def _pause(self, name: str, until: float, hung: bool) -> None:
        process = self._processes[name]
        if not process.alive:
            self._mark(name, "pause: not running")
            return
        self._mark(name, "hang" if hung else "freeze")
        process.stall(until, frozen=not hung)
        self._agenda.at(until, self._mark, name, "resume")
        if not hung:
            self._starve(process)

    def _starve(self, process: Process) -> None:
        """Nobody answers ZMTP heartbeats any more."""
        for socket in process.sockets.values():
            for connection in socket.connections():
                peer = connection.dealer if socket is connection.router else connection.router
                if peer.heartbeat_s:
                    at = self.now + peer.heartbeat_s
                    self._agenda.at(at, self._break_if_frozen, connection, process)

    def _break_if_frozen(self, connection: Connection, process: Process) -> None:
        if not process.frozen:
            return
        latency_s = self._network.latency_s
        if connection.dealer.host is process:
            connection.router.lose(connection)
            connection.close_at_router(latency_s)
        else:
            connection.dealer.lose(connection)
            connection.close_at_dealer(latency_s)

    def _cut(self, one: str, other: str) -> None:
        connections = self._between(one, other)
        if not connections:
            self._mark(one, f"cut: not connected with {other}")
            return
        self._network.cuts.add(frozenset((one, other)))
        self._mark(one, f"cut off from {other}")
        for connection in connections:
            for end in (connection.dealer, connection.router):
                if end.heartbeat_s:
                    self._agenda.at(self.now + end.heartbeat_s, self._break_if_cut, connection, end)

    def _break_if_cut(self, connection: Connection, end: Dealer | Router) -> None:
        if connection.cut:
            end.lose(connection)

    def _heal(self, one: str, other: str) -> None:
        if frozenset((one, other)) in self._network.cuts:
            self._network.cuts.remove(frozenset((one, other)))
            self._mark(one, f"healed with {other}")
            for connection in self._between(one, other):
                connection.healed()

    def _between(self, one: str, other: str) -> list[Connection]:
        """The connections that link two parts, seen from the end that connects."""
        return [
            connection
            for name, peer in ((one, other), (other, one))
            for socket in self._processes[name].sockets.values()
            if isinstance(socket, Dealer)
            for connection in socket.connections()
            if connection.router.host.name == peer
        ]

    def _mark(self, name: str, kind: str) -> None:
        self._journal.marks.append(Mark(self.now, name, kind))

"""One part as a process of its own: sockets opened, machine made, loop run, stopped in good order.

Invariant: nothing heavy is imported (a worker is up in 150 ms, and that time goes into every recovery); nothing but
the spec decides what the part does. ``python -P -m bench.part ROLE NAME SPEC.json``.
"""

import asyncio
import logging
import os
import signal
import sys
import time
from functools import partial
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, cast

import msgspec
import zmq

from bench.baselines import proxy
from bench.baselines.proxy import BareProxy
from bench.baselines.window import BareDealer, Window
from bench.registry import topology
from bench.termination import Termination
from common.executions import ExecutionLog, NoExecutions, log_path
from common.executor import executor
from common.front.settings import HttpSettings
from common.guard import die_with
from common.link import CannotBind, Link
from common.machine import ClientMachine, Machine, Note
from common.observer import Observer
from common.poll_loop import PollLoop, started
from common.services import Service, ServiceSpec, load_service
from common.settings import Settings
from common.topology import Part

if TYPE_CHECKING:
    from common.asyncio_loop import ClientLoop

INTERRUPTED = 130


class PartSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that a part's process is told."""

    topology: str
    part: Part
    settings: Settings
    seed: int = 0
    """Of whatever the machine leaves to chance."""
    folder: str | None = None
    """Where notes, gauges and execution records go; None: the log only."""
    service: ServiceSpec | None = None
    """A worker's."""
    hindrance: str | None = None
    """A worker's: what it shares with a fault that hinders its service; None: nothing can."""
    http: HttpSettings | None = None
    """A front's."""
    guard_pid: int = 0
    """The process to die with; 0: none."""


class Opened:
    """What every part has: its machine over open sockets, and its observer."""

    def __init__(self, spec: PartSpec) -> None:
        """Open the sockets.

        Raises:
            CannotBind: an endpoint is in use.
            ValueError: no such topology.
        """
        folder = None if spec.folder is None else Path(spec.folder)
        # A restarted part is a new one: it must not take the routing ids of the one before.
        random = Random(f"{spec.seed} {spec.part.name} {os.getpid()} {time.monotonic_ns()}")
        self.machine: Machine = topology(spec.topology).machine(spec.part, spec.settings, random)
        self.observer = Observer(spec.part.name, folder)
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.links: dict[str, Link] = {}
        try:
            for socket in spec.part.sockets:
                self.links[socket.name] = Link(self._context, socket, random)
        except CannotBind:
            self.close()
            raise

    def started(self) -> None:
        """Say that every socket is open."""
        started(self.observer, self.links)

    def close(self) -> None:
        """Close what is open."""
        for link in self.links.values():
            link.close()
        self._context.destroy(linger=0)
        self.observer.close()


def run(spec: PartSpec) -> int:
    """Run a part until it is told to stop; returns the exit status. Call from the main thread: it takes SIGTERM, for
    good.

    Raises:
        CannotBind: an endpoint is in use.
        OSError: the front's port is.
        ValueError: no such topology or service.
    """
    die_with(spec.guard_pid)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with Termination() as termination:
        try:
            if spec.part.role == "front":
                asyncio.run(_run_front(spec, termination))
            else:
                _run_loop(spec, termination)
        except KeyboardInterrupt:
            return INTERRUPTED
    return 0


def _run_loop(spec: PartSpec, termination: Termination) -> None:
    """A broker or a worker."""
    if (spec.topology, spec.part.role) == (BareProxy.name, "broker"):
        _run_proxy(spec, termination)
        return
    executing = None
    if spec.part.role == "worker":
        executing = executor(_service(spec), _executions(spec), spec.settings.limits)
    opened = Opened(spec)
    try:
        drain_s = spec.settings.limits.drain_s
        loop = PollLoop(opened.machine, opened.links, opened.observer, drain_s, executing)
        opened.started()
        termination.then(loop.stop)
        loop.run()
    finally:
        termination.over()
        opened.close()
        if executing is not None:
            executing.close()


def _run_proxy(spec: PartSpec, termination: Termination) -> None:
    opened = Opened(spec)
    opened.started()
    try:
        termination.then(proxy.stop)
        proxy.run(opened.links)
    finally:
        termination.over()
        opened.close()


def _service(spec: PartSpec) -> Service:
    service = load_service(spec.service or ServiceSpec())
    if spec.hindrance is None:
        return service
    from bench.faults.hindrance import Hindered

    return Hindered(service, Path(spec.hindrance))


def _executions(spec: PartSpec) -> ExecutionLog | NoExecutions:
    if spec.folder is None:
        return NoExecutions()
    folder = Path(spec.folder) / "executions"
    folder.mkdir(parents=True, exist_ok=True)
    return ExecutionLog(log_path(folder, spec.part.name, os.getpid()))


def open_client(spec: PartSpec) -> "ClientLoop | Window":
    """A front's client side alone, on the running loop: what the load drives at level ``client``.

    Raises:
        ValueError: no such topology.
    """
    from common.asyncio_loop import ClientLoop

    opened = Opened(spec)
    opened.started()
    if spec.topology == BareDealer.name:
        return Window(opened.links, opened.close)
    return ClientLoop(cast(ClientMachine, opened.machine), opened.links, opened.observer, opened.close)


async def _run_front(spec: PartSpec, termination: Termination) -> None:
    from common.asyncio_loop import ClientLoop
    from common.front.pages import About
    from common.front.server import Front

    stop = asyncio.Event()
    termination.then(partial(asyncio.get_running_loop().call_soon_threadsafe, stop.set))
    client = open_client(spec)
    assert isinstance(client, ClientLoop)
    endpoints = tuple(endpoint for socket in spec.part.sockets for endpoint in socket.endpoints)
    about = About(spec.topology, topology(spec.topology).family, spec.part.name, endpoints, spec.settings)
    front = Front(client, about, spec.http or HttpSettings())
    client.beside = front.gauges
    try:
        port = front.listen()
        client.observer.note(Note("listening", str(port)), time.monotonic())
        await stop.wait()
        client.observer.note(Note("draining"), time.monotonic())
        await front.drain()
    finally:
        termination.over()
        await front.close()
        client.close()


def main(arguments: list[str]) -> int:
    """The process that the supervisor starts."""
    line = "%(asctime)s.%(msecs)03d %(name)s %(levelname)s %(message)s"
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format=line, datefmt="%H:%M:%S")
    role, name, path = arguments
    try:
        spec = msgspec.json.decode(Path(path).read_bytes(), type=PartSpec)
        assert (spec.part.role, spec.part.name) == (role, name), (spec.part, role, name)
        return run(spec)
    except (OSError, ValueError) as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

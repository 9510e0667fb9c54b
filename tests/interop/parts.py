"""Parts of ours as real processes, each from its ``Part`` alone, for strangers to talk to."""

import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec

from bench.part import PartSpec
from bench.registry import TOPOLOGIES
from common.executions import Execution, join, read
from common.front.settings import HttpSettings
from common.services import ServiceSpec
from common.settings import Beats, Network, Settings
from common.topology import Part
from tests.interop.endpoints import free_endpoint

ROOT = Path(__file__).parent.parent.parent
CALM = Settings(network=Network(zmtp_timeout_ms=2000))
"""So that no connection breaks because the machine is busy; what plain peers are owed is above that layer."""
BRISK = msgspec.structs.replace(CALM, beats=Beats(plain_interval_s=0.3))
"""Holds plain peers to three beats of 0.3 s instead of 1 s, so that no test waits for longer. It is slower still than
2.5 intervals of ours: nobody who keeps it is taken for a peer of ours."""
BRISK_S = 0.9
"""The silence for which a plain peer is given up then."""

BOUND_S = 10.0
"""The longest that anything here is waited for."""


def wait_until(condition: Callable[[], object], what: str, told: Callable[[], str] = str) -> None:
    """Until it holds; fails after ``BOUND_S`` and then says ``what`` was waited for and what is ``told`` by then."""
    deadline = time.monotonic() + BOUND_S
    while not condition():
        assert time.monotonic() < deadline, f"not within {BOUND_S} s: {what}\n{told()}"
        time.sleep(0.005)


class Running:
    """A process of ours."""

    def __init__(self, part: Part, spec: PartSpec, folder: Path) -> None:
        self.name = part.name
        self.folder = folder
        self.log_file = folder / f"{part.name}.log"
        spec_file = folder / f"{part.name}.json"
        spec_file.write_bytes(msgspec.json.encode(spec))
        with self.log_file.open("wb") as log:
            command = [sys.executable, "-P", "-m", "bench.part", part.role, part.name, str(spec_file)]
            self.process = subprocess.Popen(command, cwd=ROOT, stderr=log, stdout=log)
        self.service_crashes = False
        """Its service is meant to raise: the log may have tracebacks."""

    @property
    def log(self) -> str:
        return self.log_file.read_text(errors="replace")

    def notes(self, kind: str) -> list[dict[str, Any]]:
        """What it noted, of one kind, in order."""
        file = self.folder / "notes" / f"{self.name}.jsonl"
        # What is behind the last newline is being written.
        lines = file.read_bytes().rpartition(b"\n")[0].splitlines() if file.exists() else []
        notes = [msgspec.json.decode(line) for line in lines]
        return [note for note in notes if note["kind"] == kind]

    def executions(self) -> list[Execution]:
        return [
            execution
            for file in sorted((self.folder / "executions").glob(f"{self.name}-*.bin"))
            for execution in join(read(file).entries)
        ]

    def wait_noted(self, kind: str, count: int = 1) -> None:
        wait_until(
            lambda: len(self.notes(kind)) >= count, f"{count} notes {kind!r} of {self.name}", lambda: self.log
        )

    def check_alive(self) -> None:
        assert self.process.poll() is None, f"{self.name} died with {self.process.poll()}:\n{self.log}"
        assert self.service_crashes or "Traceback" not in self.log, self.log

    def stop(self) -> None:
        """End it in peace: it must have lived until now, and go when it is told."""
        try:
            self.check_alive()
            self.process.send_signal(signal.SIGTERM)
            status = self.process.wait(BOUND_S)
            assert status == 0, f"{self.name} ended with {status}:\n{self.log}"
        finally:
            self.process.kill()
            self.process.wait()


class Front:
    """What a browser would see of a front of ours."""

    def __init__(self, part: Running, port: int) -> None:
        self.part = part
        self.port = port

    def request(self, method: str, path: str, body: bytes = b"", **fields: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=BOUND_S)
        try:
            names = {name.replace("_", "-"): value for name, value in fields.items()}
            connection.request(method, path, body, names)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def put(self, id: str, body: bytes, **fields: str) -> tuple[int, bytes]:
        return self.request("PUT", f"/v1/transactions/{id}", body, **fields)

    def post(self, body: bytes, **fields: str) -> tuple[int, bytes]:
        return self.request("POST", "/v1/transactions", body, **fields)

    def ready(self) -> bool:
        try:
            return self.request("GET", "/readyz")[0] == 200
        except OSError:
            return False

    def wait_ready(self) -> None:
        wait_until(self.ready, f"{self.part.name} is ready", lambda: self.part.log)


class Parts:
    """Starts parts and, at the end, checks of each that it still lives and stops it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.running: list[Running] = []
        for sub in ("notes", "gauges", "executions"):
            (folder / sub).mkdir()

    def broker(self, settings: Settings = CALM) -> "Broker":
        frontend, backend = free_endpoint(), free_endpoint()
        topology = TOPOLOGIES["paranoid-pirate"]
        part = topology.broker(self._name("broker"), frontend, backend, settings)
        return Broker(self._start("paranoid-pirate", part, settings), frontend, backend)

    def worker(
        self,
        topology: str,
        *endpoints: str,
        service: ServiceSpec = ServiceSpec(),  # noqa: B008
        settings: Settings = CALM,
    ) -> Running:
        part = TOPOLOGIES[topology].worker(self._name("worker"), endpoints, settings)
        return self._start(topology, part, settings, service=service)

    def front(self, topology: str, *endpoints: str, settings: Settings = CALM) -> Front:
        part = TOPOLOGIES[topology].front(self._name("front"), endpoints, settings)
        port = int(free_endpoint().rpartition(":")[2])
        return Front(self._start(topology, part, settings, http=HttpSettings(port=port)), port)

    def check_alive(self) -> None:
        for part in self.running:
            part.check_alive()

    def stop(self) -> None:
        """All at once; raises what went wrong with the first of them, if anything did."""
        with ThreadPoolExecutor(len(self.running) or 1) as pool:
            stops = [pool.submit(part.stop) for part in self.running]
        for stop in stops:
            stop.result()

    def _name(self, role: str) -> str:
        return f"{role}-{len(self.running) + 1}"

    def _start(
        self,
        topology: str,
        part: Part,
        settings: Settings,
        service: ServiceSpec | None = None,
        http: HttpSettings | None = None,
    ) -> Running:
        spec = PartSpec(
            topology=topology,
            part=part,
            settings=settings,
            seed=1,
            folder=str(self.folder),
            service=service,
            http=http,
            guard_pid=os.getpid(),
        )
        self.running.append(Running(part, spec, self.folder))
        return self.running[-1]


class Broker:
    """A broker of ours and where it is bound."""

    def __init__(self, part: Running, frontend: str, backend: str) -> None:
        self.part = part
        self.frontend = frontend
        self.backend = backend

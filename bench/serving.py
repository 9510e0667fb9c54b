"""A deployment that keeps running for whoever wants to use it: ``brokerbench serve``.

Invariant: it says where it listens only once a transaction would be taken; when it ends, none of its processes is left.
"""

import asyncio
import os
import shutil
import tempfile
from pathlib import Path
from typing import NamedTuple

import click

from bench import launch
from bench.child import Launch
from bench.errors import BadInput
from bench.part import PartSpec
from bench.ports import Ports, check_free
from bench.readiness import wait_until_ready
from bench.scenario import Supervision
from bench.supervisor import Supervisor
from common.front.settings import HttpSettings
from common.services import ServiceSpec
from common.settings import Settings
from common.topology import Deployment, Part, Plan, Topology


class Serving(NamedTuple):
    """What is to be kept running."""

    topology: Topology
    deployment: Deployment
    settings: Settings
    service: ServiceSpec
    http: HttpSettings

    @classmethod
    def of(
        cls,
        topology: Topology,
        workers: int,
        fronts: int,
        brokers: int | None,
        credit: int,
        service: ServiceSpec,
        host: str,
        port: int,
    ) -> "Serving":
        """Check all of it. ``brokers``: None is as many as the topology has by itself.

        Raises:
            BadInput: a value cannot be, or the port is in use.
        """
        try:
            deployment = Deployment(workers, fronts, 1 if brokers is None else brokers)
            settings = Settings(credit)
            http = HttpSettings(host, port, reuse_port=fronts > 1)
        except ValueError as error:
            raise BadInput(str(error)) from None
        plan = topology.plan(deployment, settings, lambda name: f"ipc://{name}")
        if brokers not in (None, plan.brokers):
            raise BadInput(f"brokers of {topology.name} must be {plan.brokers}, got {brokers}")
        if not port:
            raise BadInput("port must be 1 to 65535, got 0")
        check_free(host, port)
        return cls(topology, deployment, settings, service, http)


async def serve_until_told(serving: Serving) -> None:
    """Keep it running. Cancelled, it drains.

    Raises:
        PartFailed: a part cannot be started.
    """
    folder = Path(tempfile.mkdtemp(prefix="brokerbench-serve-"))
    with Ports() as ports:
        plan = serving.topology.plan(serving.deployment, serving.settings, ports.endpoint)
        supervision = Supervision()
        supervisor = Supervisor(
            plan.parts, lambda part: _launch(serving, part, folder), folder, _Printed(), supervision
        )
        try:
            click.echo(f"starting {len(plan.parts)} processes", err=True)
            supervisor.start()
            at = (serving.http.host, serving.http.port)
            await wait_until_ready(supervisor, folder, [], {"the front": at}, supervision.ready_s)
            click.echo(_picture(serving, plan, folder))
            await supervisor.failed
        except asyncio.CancelledError:
            await supervisor.stop(serving.settings.limits.drain_s + supervision.stop_margin_s)
            shutil.rmtree(folder)  # what ended well has no logs worth keeping
            raise
        finally:
            supervisor.kill()


class _Printed:
    """Marks for a person: deaths and what follows."""

    def __init__(self) -> None:
        self._died: set[str] = set()
        self._stopping = False
        """What ends from here on was told to."""

    def add(self, kind: str, subject: str = "", detail: str = "", t_ns: int | None = None) -> None:
        if kind == "stop":
            self._stopping = True
        elif self._stopping:
            return
        elif kind == "exit":
            self._died.add(subject)
            click.echo(f"{subject} ended: {detail}", err=True)
        elif kind == "start" and subject in self._died:
            click.echo(f"{subject} started again: {detail}", err=True)


def _launch(serving: Serving, part: Part, folder: Path) -> Launch:
    spec = PartSpec(
        topology=serving.topology.name,
        part=part,
        settings=serving.settings,
        seed=serving.service.seed,
        service=serving.service if part.role == "worker" else None,
        http=serving.http if part.role == "front" else None,
        guard_pid=os.getpid(),
    )
    return launch.part(spec, folder)


def _picture(serving: Serving, plan: Plan, folder: Path) -> str:
    counts = [_count(plan, role) for role in ("front", "broker", "worker") if _count(plan, role)]
    http = serving.http
    return (
        f"{plan.topology}: {', '.join(counts)}, service {serving.service.name}\n"
        f"listening on http://{http.host}:{http.port} (logs: {folder})\n"
        f"try: curl -X PUT --data hello http://{http.host}:{http.port}/v1/transactions/first"
    )


def _count(plan: Plan, role: str) -> str:
    """``2 fronts``; empty where there is none."""
    count = sum(part.role == role for part in plan.parts)
    return f"{count} {role}{'s'[: count != 1]}" if count else ""

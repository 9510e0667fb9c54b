"""SIGTERM ends a part in good order whenever it comes: before Python has started, and once more while it ends."""

import asyncio
import os
from pathlib import Path

import pytest

from bench import launch
from bench.child import Child
from bench.part import PartSpec
from bench.ports import Ports
from bench.registry import topology
from common.front.settings import HttpSettings
from common.services import ServiceSpec
from common.settings import Settings
from common.topology import Deployment, Role

BOUND_S = 30.0
WHEN = pytest.mark.parametrize("at_once", [True, False], ids=["at once", "when it is up"])


def spec_of(role: Role, folder: Path, ports: Ports, name: str = "paranoid-pirate") -> PartSpec:
    settings = Settings()
    plan = topology(name).plan(Deployment(workers=1, fronts=1), settings, ports.endpoint)
    return PartSpec(
        topology=name,
        part=next(part for part in plan.parts if part.role == role),
        settings=settings,
        folder=str(folder),
        service=ServiceSpec() if role == "worker" else None,
        http=HttpSettings(port=ports.port("http")) if role == "front" else None,
        guard_pid=os.getpid(),
    )


async def ended_with(spec: PartSpec, folder: Path, *, at_once: bool) -> int:
    """Tell it to stop, at once or when it is up, and again until it has; its exit status."""
    notes = folder / "notes" / f"{spec.part.name}.jsonl"
    log = folder / "log"
    child = Child(launch.part(spec, folder), log)
    try:
        async with asyncio.timeout(BOUND_S):
            while not (at_once or (notes.exists() and b"started" in notes.read_bytes())):
                await asyncio.sleep(0.005)
                assert child.running, log.read_text()
            while child.running:
                child.signal(15)
                await asyncio.sleep(0.0005)
    finally:
        child.kill()
    assert child.end
    assert "Traceback" not in log.read_text()
    return child.end.status


@WHEN
@pytest.mark.parametrize("role", ["broker", "worker", "front"])
async def test_a_part_that_is_told_to_stop_again_and_again_ends_with_status_0(tmp_path, role, at_once):
    with Ports() as ports:
        assert await ended_with(spec_of(role, tmp_path, ports), tmp_path, at_once=at_once) == 0


@WHEN
async def test_so_does_a_bare_proxy(tmp_path, at_once):
    with Ports() as ports:
        spec = spec_of("broker", tmp_path, ports, "bare-proxy")
        assert await ended_with(spec, tmp_path, at_once=at_once) == 0

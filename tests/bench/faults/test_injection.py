"""A fault is applied when it is due, taken back exactly once however it ends, and on record; without effect: a doubt."""

import asyncio
import time

import pytest

from bench.faults.absent import Absent
from bench.faults.crash_loop import CrashLoop
from bench.faults.fault import Fault
from bench.faults.injection import Injection
from bench.faults.rolling_restart import RollingRestart
from bench.faults.terminate import Terminate
from tests.bench.faults.deployed import Pretended
from tests.bench.test_supervisor import Remembered, until

FOR_S = 0.05


@pytest.fixture
def deployed(tmp_path):
    return Pretended(tmp_path)


def injection(deployed: Pretended, *faults: Fault, seed: str = "1/phase/1") -> tuple[Injection, Remembered]:
    seen = Remembered()
    return Injection(faults, deployed, seen, seed), seen


async def test_a_fault_is_on_record_with_its_instants(deployed):
    injecting, seen = injection(deployed, CrashLoop(role="worker", at_s=0.02, for_s=FOR_S, which=2))
    warm_ns = time.monotonic_ns()
    deployed.status = -9
    injecting.begin("0.5", warm_ns)
    (fault,), doubts = await injecting.outcome()
    assert not doubts
    assert (fault.label, fault.step, fault.part) == ("crash-loop-worker", "0.5", "worker-2")
    assert fault.planned_ns == warm_ns + 20_000_000 <= fault.t_ns
    assert fault.healed_ns >= warm_ns + 20_000_000 + FOR_S * 1e9
    assert fault.seen == "SIGKILL to pid 102"
    assert [(mark.kind, mark.subject) for mark in seen.marks] == [
        ("fault", "worker-2"),
        ("healed", "worker-2"),
    ]
    assert deployed.log.count("mend worker-2") == 1


async def test_what_is_over_at_once_has_nothing_to_heal(deployed):
    injecting, seen = injection(deployed, Terminate(role="worker", at_s=0))
    injecting.begin("0.5", time.monotonic_ns())
    (fault,), _ = await injecting.outcome()
    assert fault.healed_ns == 0
    assert [mark.kind for mark in seen.marks] == ["fault"]


async def test_one_that_takes_its_time_is_over_when_it_is_through(deployed):
    injecting, _ = injection(deployed, RollingRestart(role="worker", at_s=0, which=3, pause_s=0.02))
    injecting.begin("0.5", time.monotonic_ns())
    (fault,), _ = await injecting.outcome()
    assert fault.hit == ("worker-3", "worker-1", "worker-2")
    assert fault.healed_ns - fault.t_ns >= 2 * 0.02e9


async def test_without_effect_is_a_doubt(deployed):
    deployed.status = 1
    injecting, seen = injection(deployed, Terminate(role="worker", at_s=0, which=1))
    injecting.begin("0.5", time.monotonic_ns())
    faults, (doubt,) = await injecting.outcome()
    assert not faults
    assert (doubt.cause, doubt.text) == (
        "fault", "worker-1 was told to drain and exit with status 0, but ended with 1"
    )  # fmt: skip
    assert not seen.marks


async def test_broken_off_it_is_taken_back_and_what_is_not_due_does_not_happen(deployed):
    deployed.status = -9
    lasting = CrashLoop(role="worker", at_s=0, for_s=60, which=1)
    injecting, _ = injection(deployed, lasting, Terminate(role="worker", at_s=60))
    injecting.begin("0.5", time.monotonic_ns())
    await until(lambda: "SIGKILL worker-1" in deployed.log)
    await asyncio.sleep(0)
    injecting.cancel()
    await until(lambda: "mend worker-1" in deployed.log)
    assert not any("SIGTERM" in line for line in deployed.log)


async def test_who_is_absent_is_known_before_the_start_and_is_the_same_when_it_is_due(deployed):
    for seed in range(8):
        deployed.log.clear()
        injecting, _ = injection(deployed, Absent(role="worker", at_s=0, for_s=0.001), seed=str(seed))
        injecting.prepare("0.5")
        injecting.begin("0.5", time.monotonic_ns())
        (fault,), doubts = await injecting.outcome()
        assert not doubts
        assert deployed.log == [f"hold {fault.part}", f"release {fault.part}"]


async def test_nothing_else_is_done_before_the_start(deployed):
    injecting, _ = injection(deployed, Terminate(role="worker", at_s=0))
    injecting.prepare("0.5")
    assert not deployed.log

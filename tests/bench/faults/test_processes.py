"""What the faults on processes do and in which order, and that none claims an effect that it did not see."""

import pytest

from bench.faults.absent import Absent
from bench.faults.crash_loop import CrashLoop
from bench.faults.fault import Fault, NoEffect
from bench.faults.hindrance import Hindered
from bench.faults.kill import Kill
from bench.faults.pause import Pause
from bench.faults.rolling_restart import RollingRestart
from bench.faults.slow import Slow
from bench.faults.terminate import Terminate
from bench.faults.wedge import Wedge
from tests.bench.faults.deployed import Pretended

TERMINATE = Terminate(role="worker", at_s=0)
ROLLING = RollingRestart(role="worker", at_s=0, pause_s=0)
CRASH_LOOP = CrashLoop(role="worker", at_s=0, for_s=1)
ABSENT = Absent(role="worker", at_s=0, for_s=1)
WEDGE = Wedge(role="worker", at_s=0, for_s=1)
SLOW = Slow(role="worker", at_s=0, for_s=1, times=2)


@pytest.fixture
def deployed(tmp_path):
    return Pretended(tmp_path)


@pytest.mark.parametrize(
    "fault", [Kill(role="worker", at_s=0), Pause(role="worker", at_s=0, for_s=1), TERMINATE, ROLLING,
              CRASH_LOOP, WEDGE, SLOW], ids=lambda fault: fault.kind
)  # fmt: skip
async def test_what_does_not_run_cannot_be_hit(fault: Fault, deployed: Pretended):
    deployed.pids["worker-1"] = None
    with pytest.raises(NoEffect, match=r"worker-1 was to .*, but it was not running"):
        await fault.apply(deployed, "worker-1")


@pytest.mark.parametrize(
    "fault", [Kill(role="worker", at_s=0), Pause(role="worker", at_s=0, for_s=1), TERMINATE],
    ids=lambda fault: fault.kind,
)  # fmt: skip
async def test_what_has_just_exited_cannot_be_hit(fault: Fault, deployed: Pretended):
    deployed.just_exited = True
    with pytest.raises(NoEffect, match="but it had just exited"):
        await fault.apply(deployed, "worker-1")


async def test_terminate_waits_for_the_drain_and_for_a_good_end(deployed):
    assert await TERMINATE.apply(deployed, "worker-1") == "SIGTERM to pid 101, which exited"
    assert deployed.log == ["SIGTERM worker-1", "wait 6 s for the end of 101"]


async def test_terminate_of_who_does_not_drain_has_no_effect(deployed):
    deployed.status = None
    with pytest.raises(NoEffect, match="worker-1 was told to drain, but was still there after 6 s"):
        await TERMINATE.apply(deployed, "worker-1")


async def test_terminate_of_who_ends_otherwise_has_no_effect(deployed):
    deployed.status = -9
    with pytest.raises(NoEffect, match="exit with status 0, but ended with -9"):
        await TERMINATE.apply(deployed, "worker-1")


async def test_a_rolling_restart_waits_until_each_is_up(deployed):
    seen = await ROLLING.apply(deployed, "worker-2")
    assert seen == "SIGTERM to pids 102, 103, 101, which exited and are up again"
    parts = ("worker-2", "worker-3", "worker-1")
    assert [line for line in deployed.log if "wait" not in line] == [
        line for part in parts for line in (f"SIGTERM {part}", f"up {part}")
    ]


async def test_a_rolling_restart_ends_with_the_one_that_does_not_come_up(deployed):
    deployed.comes_up = False
    with pytest.raises(NoEffect, match="worker-1 was restarted, but was not up again after 60 s"):
        await ROLLING.apply(deployed, "worker-1")
    assert "SIGTERM worker-2" not in deployed.log


async def test_a_crash_loop_spoils_the_starts_before_it_kills(deployed):
    deployed.status = -9
    assert await CRASH_LOOP.apply(deployed, "worker-1") == "SIGKILL to pid 101"
    assert deployed.log[:2] == ["spoil worker-1", "SIGKILL worker-1"]
    assert await CRASH_LOOP.undo(deployed, "worker-1") == "the next start succeeds; crashed before: 1"
    assert deployed.log[-1] == "mend worker-1"


async def test_a_crash_loop_without_a_crash_had_no_effect(deployed):
    deployed.crashes = 0
    with pytest.raises(
        NoEffect, match="worker-1 was to crash at each start, but none was seen to within 1 s"
    ):
        await CRASH_LOOP.undo(deployed, "worker-1")


async def test_a_crash_loop_that_killed_nobody_leaves_the_starts_alone(deployed):
    deployed.status = None
    with pytest.raises(NoEffect, match="worker-1 was killed, but was still there"):
        await CRASH_LOOP.apply(deployed, "worker-1")
    assert deployed.log[-1] == "mend worker-1"


async def test_absent_is_held_before_the_start_and_started_at_the_end(deployed):
    ABSENT.prepare(deployed, "worker-1")
    assert await ABSENT.apply(deployed, "worker-1") == "it was never started"
    assert await ABSENT.undo(deployed, "worker-1") == "started as pid 201"
    assert deployed.log == ["hold worker-1", "release worker-1"]


async def test_who_runs_is_not_absent(deployed):
    with pytest.raises(NoEffect, match="worker-1 was to be absent, but it runs as pid 101"):
        await ABSENT.apply(deployed, "worker-1")


@pytest.mark.parametrize(("fault", "word"), [(WEDGE, "hang"), (SLOW, "be slow")])
async def test_a_hindrance_that_hindered_nothing_had_no_effect(fault, word, deployed):
    await fault.apply(deployed, "worker-1")
    with pytest.raises(
        NoEffect, match=f"worker-1 was to {word} for 1 s, but no execution ended in that time"
    ):
        await fault.undo(deployed, "worker-1")


async def test_slow_counts_the_executions_of_its_own_time_only(deployed, tmp_path):
    service = Hindered(lambda body: body, deployed.hindrance("worker-1").path)
    for _ in range(2):
        await SLOW.apply(deployed, "worker-1")
        service((b"",))
        seen = await SLOW.undo(deployed, "worker-1")
        assert seen == "the service is as fast as before; executions that were slow: 1"
        service((b"",))

"""Every fault on real parts: it happens, it is over, everybody gets an answer, and no law of the ledger is broken."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from bench.analysis.findings import analyse
from bench.parquet import Database, open_run
from bench.progress import progress
from bench.raw import to_parquet
from bench.run_record import RunRecord
from bench.runner import Runner
from bench.scenario_file import make

pytestmark = pytest.mark.timeout(120)

WORKERS = 3
FRONTS = 2
BASE: dict[str, Any] = {
    "trials": 1,
    "timeout_s": 10.0,
    "deployment": {"workers": WORKERS, "fronts": FRONTS},
    "service": {"name": "sleep", "mean_ms": 5.0},
    "supervision": {"restart_delay_s": 0.1},
    # A busy machine is no bug: how late load and bench may be is not what is tested here.
    "validity": {
        "lag_p99_ms_max": 5000.0,
        "run_delay_share_max": 100.0,
        "load_run_delay_share_max": 100.0,
        "samples_missing_share_max": 1.0,
    },
}
ABSENT_S = 1.5


def phase(name: str, duration_s: float, *faults: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name, "kind": "open", "arrivals": "constant", "rates_per_s": [60],
        "warmup_s": 0.2, "duration_s": duration_s, "fault": list(faults),
    }  # fmt: skip


def fault(kind: str, role: str, at_s: float, **more: Any) -> dict[str, Any]:
    return {"kind": kind, "role": role, "at_s": at_s, **more}


# Each comes when whoever it hits has long been up again, also on a machine that is slow to start a process.
BROKEN = {
    "name": "every-fault",
    "topologies": ["paranoid-pirate", "freelance"],
    **BASE,
    "phase": [
        phase(
            "workers", 11.0,
            fault("absent", "worker", 0, for_s=0.8, which=1),
            fault("pause", "worker", 0.2, for_s=0.5, which=2),
            fault("slow", "worker", 0.2, for_s=0.7, which=3),
            fault("wedge", "worker", 1.2, for_s=0.8, which=3),
            fault("terminate", "worker", 2.2, which=3),
            fault("crash-loop", "worker", 2.5, for_s=1.5, which=2),
            fault("rolling-restart", "worker", 5.0, pause_s=0.1, which=1),
        ),
        phase(
            "broker", 7.5,
            fault("absent", "broker", 0, for_s=0.5),
            fault("pause", "broker", 3.0, for_s=0.2),
            fault("terminate", "broker", 3.5),
            fault("crash-loop", "broker", 5.5, for_s=1.5),
        ),
    ],
}  # fmt: skip
ARTICLE = {
    "name": "article",
    "topologies": ["direct"],
    **BASE,
    "phase": [phase("absent", 3.0, fault("absent", "worker", 0, for_s=ABSENT_S, which=2))],
}


def played(table: dict[str, Any], folder: Path) -> RunRecord:
    """The record of a run of which only the tables are made: no charts."""
    with progress() as told:
        record = asyncio.run(Runner(make(table), folder, (), told).run())
    to_parquet(folder)
    return record


@pytest.fixture(scope="module")
def broken(tmp_path_factory) -> tuple[Path, RunRecord]:
    folder: Path = tmp_path_factory.mktemp("every-fault")
    return folder, played(BROKEN, folder)


def test_every_fault_happens_and_every_trial_of_it_is_valid(broken):
    folder, record = broken
    assert [doubt.text for episode in record.episodes for doubt in episode.doubts] == []
    assert [str(reason) for reason in analyse(folder).reasons] == []
    planned = {each.name: [fault.label for fault in each.faults] for each in record.scenario.phases}
    for episode in record.episodes:
        assert sorted(fault.label for fault in episode.faults) == sorted(planned[episode.phase])
    rolling = [f.hit for episode in record.episodes for f in episode.faults if f.label.startswith("rolling")]
    assert rolling == [("worker-1", "worker-2", "worker-3")] * 2


def test_a_fault_that_lasts_is_over_when_it_should_be(broken):
    _, record = broken
    for episode in record.episodes:
        faults = record.scenario.phase(episode.phase).faults
        lasts = {fault.label: fault.end_s - fault.at_s for fault in faults if fault.end_s > fault.at_s}
        for injected in episode.faults:
            if injected.label in lasts:
                lasted_s = (injected.healed_ns - injected.planned_ns) / 1e9
                assert lasts[injected.label] <= lasted_s < lasts[injected.label] + 0.5


def test_nobody_who_may_be_retried_sees_an_error(broken):
    folder, record = broken
    fates = "SELECT DISTINCT fate FROM transactions"
    with open_run(folder) as database:
        assert database.execute(fates).fetchall() == [("completed",)]


def test_direct_has_one_transaction_of_each_front_stuck_until_the_worker_is_started(tmp_path):
    record = played(ARTICLE, tmp_path)
    assert [str(reason) for reason in analyse(tmp_path).reasons] == []
    (episode,) = record.episodes
    (absent,) = episode.faults
    assert absent.part == "worker-2"
    with open_run(tmp_path) as database:
        late = stuck(database, absent.t_ns)
    assert Counter(front for front, _ in late) == {"front-1": 1, "front-2": 1}
    assert all(done_ns > absent.healed_ns for _, done_ns in late)


def stuck(database: Database, warm_ns: int) -> list[tuple[str, int]]:
    """Front and end of each transaction that took more than half of the time that the worker was away."""
    long = "SELECT front, done_ns FROM transactions WHERE fate = 'completed' AND done_ns - scheduled_ns > ?"
    return database.execute(long, [round(ABSENT_S * 0.5e9)]).fetchall()

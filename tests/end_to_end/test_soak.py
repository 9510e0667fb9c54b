"""A short soak through the real command line: it is broken as its seed says, and its books are kept."""

import json

import pytest

from bench import episode as episode_module
from bench.episode import play
from bench.folders import EpisodeFolder
from bench.phases import Soak
from bench.run_record import Doubt, planned, read
from bench.runner import plans_of
from bench.scenario_file import load
from bench.soak import rounds_of
from bench.task import Task
from tests.end_to_end.test_run import started

pytestmark = pytest.mark.timeout(120)

SHORT = ("duration=16s", "phase.soak.round_s=8", "phase.soak.rate_per_s=60", "seed=3")
# On a busy machine a process is not settled after seconds: whether it grows is not what is tested here.
JUDGED = [
    f"phase.soak.growth.{limit}" for limit in ("warmup_s=2", "life_s_min=4", "rss_mib_max=50", "fds_max=50")
]


def test_a_soak_plays_the_faults_of_its_seed_and_judges_who_lived_through_it(tmp_path):
    changes = [word for change in (*SHORT, *JUDGED) for word in ("--set", change)]
    with started(
        tmp_path, "run", "soak", "--topology", "freelance", "--out", "run", "--no-report", *changes
    ) as process:
        assert process.wait(100) == 0, (tmp_path / "out").read_text() + (tmp_path / "err").read_text()
    record = read(tmp_path / "run")
    (episode,) = record.episodes
    (phase,) = record.scenario.phases
    assert isinstance(phase, Soak)
    drawn = rounds_of(record.scenario, phase, 1, plans_of(record.scenario)["freelance"])
    expected = [
        (step, fault.label, f"{fault.role}-{fault.which}")
        for step, faults in drawn.items()
        for fault in faults
    ]
    assert expected
    assert sorted((fault.step, fault.label, fault.part) for fault in episode.faults) == sorted(expected)
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert {"front-2", "worker-4"} <= {life["part"] for life in summary["growth"]}
    ledger = summary["topologies"]["freelance"]["ledger"]
    assert ledger["lost"] == ledger["phantom"] == 0


async def test_a_broken_law_ends_the_soak_at_the_end_of_the_next_round(tmp_path, monkeypatch):
    """That a law is broken is only said here: the ones who could break it are of the project."""
    monkeypatch.setattr(episode_module, "broken_laws", lambda files, steps: ["1 phantom"])
    rounds = ["duration=16s", "phase.soak.round_s=2", "phase.soak.rate_per_s=20", "deployment.workers=2"]
    scenario = load("soak", rounds)
    (phase,) = scenario.phases
    task = Task(scenario, phase, "freelance", 1, tuple(map(planned, phase.steps)))
    played = await play(task, EpisodeFolder.of(tmp_path, task.name))
    assert Doubt("law", "the soak was ended: 1 phantom") in played.doubts
    assert [doubt.cause for doubt in played.doubts if doubt.cause != "measurement"] == ["law"]
    over = [step.name for step in played.steps if step.done_ns]
    assert over == ["round-1", "round-2"]

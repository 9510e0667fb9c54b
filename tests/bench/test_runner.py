"""A run plays its episodes in order, repeats what was mismeasured once, and says what is whole, whatever ends it.

Episodes are played by a stand-in here: no process is started.
"""

import asyncio
import json
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from bench import runner as runner_module
from bench.errors import BadInput, BenchError, PartFailed
from bench.folders import EpisodeFolder
from bench.run_record import Doubt, Episode, PlayedStep, Repeated, RunRecord, read
from bench.runner import Runner, order_of, reference_capacity
from bench.running_order import running_order
from bench.scenario import Scenario
from bench.scenario_file import load
from bench.task import Task
from common.topology import Plan

LATE = Doubt("measurement", "the load process sent late")
SURPRISE = Doubt("part", "worker-1 ended by itself")

Play = Callable[[Task], tuple[Doubt, ...]]


class Told:
    """Progress for tests."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.said: list[str] = []

    def __enter__(self) -> "Told":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def begin(self, what: str, number: int, of: int, left_s: float) -> None:
        assert left_s > 0
        self.begun.append(f"{number}/{of} {what}")

    def say(self, line: str) -> None:
        self.said.append(line)


@pytest.fixture
def run(tmp_path, monkeypatch) -> Callable[..., tuple[RunRecord, Told, list[Task]]]:
    """Play a scenario with a stand-in that says what is doubtful about each task."""

    def run(
        scenario: Scenario, doubtful: Play = lambda task: (), repeats: Repeated | None = None
    ) -> tuple[RunRecord, Told, list[Task]]:
        played: list[Task] = []

        async def play(task: Task, folder: EpisodeFolder) -> Episode:
            folder.make()
            played.append(task)
            where = (task.phase_in_cell, task.topology, task.trial, task.attempt)
            return Episode(*where, 0, 1, 2_000_000_000, task.steps, (), doubtful(task))

        def measured(episode: Episode, folder: EpisodeFolder) -> Episode:
            best = {"paranoid-pirate": 100.0, "freelance": 200.0, "direct": 150.0}[episode.topology]
            steps = tuple(replace(step, completed_per_s=best * step.concurrency) for step in episode.steps)
            return replace(episode, steps=steps)

        monkeypatch.setattr(runner_module, "play", play)
        monkeypatch.setattr(runner_module, "measure", measured)
        told = Told()
        runner = Runner(scenario, tmp_path, ["run", scenario.name], told, repeats)
        asyncio.run(runner.run())
        return runner.record, told, played

    return run


def quick(*changes: str) -> Scenario:
    return load("quick", [*changes])


def test_topologies_alternate_and_phases_follow_each_other(run):
    record, told, played = run(quick())
    assert [(task.phase.name, task.topology, task.trial) for task in played[:7]] == [
        ("capacity", "paranoid-pirate", 1),
        ("capacity", "freelance", 1),
        ("capacity", "direct", 1),
        ("capacity", "direct", 2),
        ("capacity", "freelance", 2),
        ("capacity", "paranoid-pirate", 2),
        ("latency", "paranoid-pirate", 1),
    ]
    assert told.begun[0] == "1/20 capacity, paranoid-pirate, trial 1"
    assert told.begun[-1] == "20/20 kill-broker, paranoid-pirate, trial 2"
    assert record.complete


def test_a_repetition_is_offered_the_rates_of_the_original_whatever_it_measures_itself(run):
    repeats = Repeated("results/before", "0123456789ab", 1000.0)
    record, _, played = run(quick(), repeats=repeats)
    rates = [step.rate_per_s for task in played if task.phase.name == "latency" for step in task.steps]
    assert set(rates) == {300.0, 500.0, 800.0}
    assert record.reference_capacity_per_s == 1000
    assert record.repeats == repeats


def test_who_has_no_broker_skips_its_death_and_that_is_told(run):
    record, told, played = run(quick())
    assert {task.topology for task in played if task.phase.name == "kill-broker"} == {"paranoid-pirate"}
    assert [(each.phase, each.topology) for each in record.skipped] == [
        ("kill-broker", "freelance"),
        ("kill-broker", "direct"),
    ]
    assert "kill-broker is not played on direct: direct has no broker to be hit by kill" in told.said


def test_every_topology_gets_the_same_rates_of_the_best_ones_capacity(run):
    record, _, played = run(quick())
    assert record.reference_capacity_per_s == 200 * 64
    rates = {tuple(step.rate_per_s for step in task.steps) for task in played if task.phase.name == "latency"}
    assert rates == {(3840, 6400, 10240)}


def test_what_was_mismeasured_is_repeated_once_and_the_repetition_counts(run, tmp_path):
    record, told, played = run(quick("trials=1"), lambda task: (LATE,) if task.attempt == 1 else ())
    assert all(episode.valid and episode.attempt == 2 for episode in record.episodes)
    assert len(record.repeated) == len(record.episodes) == 10
    assert (tmp_path / "raw" / "capacity-direct-1").is_dir()
    assert "capacity-direct-1 is repeated once" in told.said


def test_what_is_mismeasured_twice_is_invalid(run):
    record, _, played = run(quick("trials=1"), lambda task: (LATE,))
    assert len(played) == 20
    assert not any(episode.valid for episode in record.episodes)


def test_what_is_invalid_for_another_reason_is_not_repeated(run):
    record, told, played = run(quick("trials=1"), lambda task: (LATE, SURPRISE))
    assert len(played) == 10
    assert "capacity-direct-1 is invalid: worker-1 ended by itself" in told.said


@pytest.mark.parametrize(
    ("end", "why"),
    [
        (PartFailed("worker-1 can't be started"), "worker-1 can't be started"),
        (asyncio.CancelledError(), "it was told to stop"),
        (KeyError("x"), "KeyError: 'x'"),
    ],
)
def test_whatever_ends_it_the_record_says_what_is_whole(run, tmp_path, end, why):
    def doubtful(task: Task) -> tuple[Doubt, ...]:
        if (task.phase.name, task.topology) == ("latency", "direct"):
            raise end
        return ()

    with pytest.raises(type(end)):
        run(quick("trials=1"), doubtful)
    record = read(tmp_path)
    assert not record.complete
    assert record.interrupted == why
    assert [episode.name for episode in record.episodes][-1] == "latency-freelance-1"


def test_the_record_is_whole_json_and_can_be_read_again(run, tmp_path):
    record, _, _ = run(quick("trials=1"))
    assert read(tmp_path) == record
    raw = json.loads((tmp_path / "run.json").read_text())
    assert raw["scenario"]["seed"] == 1
    assert raw["plans"]["direct"]["parts"][0]["sockets"][0]["options"]
    assert raw["command"] == ["run", "quick"]


def episode(topology: str, *rates: float, trial: int = 1) -> Episode:
    steps = tuple(PlayedStep(str(n), 0, 1, concurrency=n, completed_per_s=r) for n, r in enumerate(rates, 1))
    return Episode("capacity", topology, trial, 1, 0, 0, 0, steps, (), ())


def test_the_reference_is_the_best_topologys_median_at_one_number_of_users():
    played = [
        episode("a", 10, 30, 20), episode("a", 50, 34, 10, trial=2), episode("a", 9, 32, trial=3), episode("b", 31)
    ]  # fmt: skip
    assert reference_capacity(played) == 32


def test_no_capacity_is_no_reference():
    with pytest.raises(BenchError, match="no topology completed a transaction in phase capacity"):
        reference_capacity([episode("a", 0, 0)])


def test_the_estimate_covers_steps_and_overhead():
    order = order_of(quick("trials=1"))
    steps = sum(step.seconds for turn in order.turns for step in turn.phase.steps)
    assert order.seconds > steps


def test_a_numbered_part_that_is_not_there_skips_the_phase():
    scenario = quick("phase.kill-worker.fault.kill.which=9")
    order = running_order(scenario, lambda here: {name: Plan(name, ()) for name in here.topologies})
    assert ("kill-worker", "direct") in [(each.phase, each.topology) for each in order.skipped]


def test_a_scenario_that_no_topology_can_play_is_bad_input():
    scenario = load("quick", ["topologies=['freelance']"])
    only = replace(scenario, phases=(scenario.phase("capacity"), scenario.phase("kill-broker")))
    assert [turn.phase.name for turn in order_of(only).turns] == ["capacity"] * 2
    with pytest.raises(
        BadInput, match="must have a phase that a topology can play, got kill-broker on freelance"
    ):
        order_of(
            replace(scenario, phases=(replace(scenario.phase("kill-broker"), loads=(), rates_per_s=(9.0,)),))
        )

"""Trials of one number are pairs: whichever topology plays them, the same is asked for, at the same instants."""

from pathlib import Path

from bench.folders import EpisodeFolder
from bench.load.open_loop import schedule
from bench.load.spec import LoadSpec
from bench.load_orders import orders
from bench.run_record import PlayedStep
from bench.running_order import Turn, running_order
from bench.scenario_file import load
from bench.task import Task
from common.topology import Part, Plan


def told(scenario, turn: Turn, run: Path) -> LoadSpec:
    """What the load of an episode is told."""
    steps = tuple(
        PlayedStep(step.name, step.warmup_s, step.duration_s, rate_per_s=320) for step in turn.phase.steps
    )
    task = Task(scenario, turn.phase, turn.topology, turn.trial, steps)
    return orders(task, Part("front-1", "front", ()), ["127.0.0.1:1"], None, EpisodeFolder.of(run, task.name))


def plans_of(scenario) -> dict[str, Plan]:
    return {name: Plan(name, ()) for name in scenario.topologies}


def test_trials_of_one_number_ask_for_the_same_at_the_same_instants_and_others_do_not(tmp_path):
    scenario = load("noise", ["trials=3"])
    turns = running_order(scenario, plans_of).turns
    asked = {}
    for turn in turns:
        spec = told(scenario, turn, tmp_path)
        asked[turn.topology, turn.trial] = (spec.seed, spec.id_prefix, bytes(schedule(spec, 0)))
    one, other = scenario.topologies
    for trial in (1, 2, 3):
        assert asked[one, trial] == asked[other, trial]
    assert len({instants for _, _, instants in asked.values()}) == 3
    assert len({prefix for _, prefix, _ in asked.values()}) == 3


def test_topologies_take_turns_there_and_back():
    scenario = load("noise", ["trials=4"])
    a, b = scenario.topologies
    assert [(turn.topology, turn.trial) for turn in running_order(scenario, plans_of).turns] == [
        (a, 1), (b, 1), (b, 2), (a, 2), (a, 3), (b, 3), (b, 4), (a, 4),
    ]  # fmt: skip

"""What the load process is told, where that can be known only once the capacity was found."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from bench.errors import BadInput
from bench.folders import EpisodeFolder
from bench.load_orders import orders
from bench.run_record import planned
from bench.scenario_file import load
from bench.task import Task
from common.topology import Part


def test_loads_that_turn_out_to_be_too_many_transactions_are_told_in_a_line(tmp_path: Path):
    scenario = load("quick", ["phase.latency.duration_s=2000"])
    phase = scenario.phase("latency")
    steps = tuple(replace(planned(step), rate_per_s=step.load * 10_000) for step in phase.steps)
    task = Task(scenario, phase, "freelance", 1, steps)
    folder = EpisodeFolder.of(tmp_path, task.name)
    with pytest.raises(BadInput, match="phase latency: all open and paced steps"):
        orders(task, Part("front", "front-1", ()), ["127.0.0.1:1"], None, folder)

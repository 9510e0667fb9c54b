"""A sweep's cells: their order and names, equal outstanding, and that a run plays every phase in each of them."""

import asyncio

import pytest
from msgspec.structs import replace

from bench import runner as runner_module
from bench.dry_run import describe
from bench.errors import BadInput
from bench.registry import topology
from bench.run_record import Episode
from bench.runner import Runner, largest, order_of
from bench.scenario import Scenario
from bench.scenario_file import load
from bench.sweep import SEPARATOR, Cell, Sweep, cells, credit, dispatchers, in_cell, phase_and_cell, plan_in
from common.settings import Settings
from common.topology import Deployment
from tests.bench.test_runner import Told


def swept(*changes: str) -> Scenario:
    """Two topologies, two phases."""
    return load("sweep", ["trials=1", 'topologies=["paranoid-pirate", "freelance"]', *changes])


def names(sweep: Sweep) -> list[str]:
    return [cell.name for cell in cells(sweep)]


def test_every_combination_is_a_cell_and_the_last_axis_changes_first():
    assert names(Sweep(fronts=(1, 8), mean_ms=(0.5, 20), distribution=("constant", "bimodal"))) == [
        "f1-m0.5-con", "f1-m0.5-bim", "f1-m20-con", "f1-m20-bim",
        "f8-m0.5-con", "f8-m0.5-bim", "f8-m20-con", "f8-m20-bim",
    ]  # fmt: skip


def test_one_at_a_time_begins_with_the_first_values_and_changes_one_of_them():
    sweep = Sweep(fronts=(4, 1), workers=(8, 4), credit=(1, 16), one_at_a_time=True)
    assert names(sweep) == ["f4-w8-k1", "f1-w8-k1", "f4-w4-k1", "f4-w8-k16"]


def test_a_cell_changes_what_it_names_and_nothing_else():
    scenario = swept("sweep.mean_ms=[20]", "sweep.distribution=[]", "deployment.workers=5")
    here = scenario.of(scenario.cell("f8-k1-m20"))
    assert here.deployment == Deployment(workers=5, fronts=8)
    assert (here.service.mean_ms, here.service.name) == (20, "sleep")
    assert here.sweep is None
    assert here.phases == scenario.phases


def test_the_phase_of_a_cell_is_found_by_either_name():
    scenario = swept("sweep.mean_ms=[0.5]")
    name = in_cell("latency", scenario.cells[0].name)
    assert name == "latency.f4-k1-m0.5-exp"
    assert phase_and_cell(name) == ("latency", "f4-k1-m0.5-exp")
    assert scenario.phase(name) is scenario.phase("latency")
    assert not any(SEPARATOR in phase.name for phase in scenario.phases)
    assert in_cell("latency", "") == "latency"
    assert phase_and_cell("latency") == ("latency", "")


@pytest.mark.parametrize(
    ("name", "count"),
    [("paranoid-pirate", 3), ("binary-star", 1), ("freelance", 4), ("direct", 4)],
)
def test_dispatchers_are_brokers_that_do_not_stand_by_or_else_fronts(name, count):
    deployment = Deployment(workers=2, fronts=4, brokers=3)
    plan = topology(name).plan(deployment, Settings(), lambda what: f"inproc://{what}")
    assert dispatchers(plan) == count
    assert credit(12, plan) == 12 // count
    assert credit(13, plan) == (13 if count == 1 else None)


@pytest.mark.parametrize("name", ["paranoid-pirate", "binary-star", "freelance", "direct"])
def test_the_plan_of_a_cell_is_cut_out_of_the_largest(name):
    def plan(deployment):
        return topology(name).plan(deployment, Settings(), lambda what: f"inproc://{what}")

    largest = plan(Deployment(workers=4, fronts=3, brokers=2))
    assert plan_in(Cell(fronts=1, brokers=2, workers=2), largest) == plan(Deployment(2, 1, 2))
    assert plan_in(Cell(), largest) == largest
    if name == "paranoid-pirate":
        assert plan_in(Cell(brokers=1), largest) == plan(Deployment(4, 3, 1))


def credits_of(scenario: Scenario) -> dict[tuple[str, str], int]:
    return {(turn.cell, turn.topology): turn.scenario.settings.credit for turn in order_of(scenario).turns}


def test_all_topologies_have_as_many_outstanding_at_a_worker():
    assert credits_of(swept("sweep.fronts=[2, 8]", "sweep.credit=[1, 4]", "sweep.distribution=[]")) == {
        ("f2-k1", "paranoid-pirate"): 2, ("f2-k1", "freelance"): 1,
        ("f8-k1", "paranoid-pirate"): 8, ("f8-k1", "freelance"): 1,
        ("f2-k4", "paranoid-pirate"): 8, ("f2-k4", "freelance"): 4,
    }  # fmt: skip


def test_who_cannot_have_as_many_skips_the_cell_and_that_is_told():
    scenario = swept(
        "sweep.fronts=[4]", "sweep.credit=[]", "sweep.outstanding=[4, 6]", "sweep.distribution=[]"
    )
    assert credits_of(scenario) == {
        ("f4-o4", "paranoid-pirate"): 4, ("f4-o4", "freelance"): 1, ("f4-o6", "paranoid-pirate"): 6,
    }  # fmt: skip
    [skipped] = order_of(scenario).skipped
    assert (skipped.phase, skipped.topology) == ("f4-o6", "freelance")
    assert skipped.why == (
        "what is outstanding must divide among its 4 dispatchers, got 6 outstanding at a worker"
    )


def test_who_deals_in_turn_has_no_credit_and_skips_nothing():
    scenario = swept(
        "topologies=direct".replace("direct", '["direct"]'), "sweep.credit=[]", "sweep.outstanding=[3]"
    )
    order = order_of(scenario)
    assert not order.skipped
    assert {turn.scenario.settings for turn in order.turns} == {scenario.settings}


def test_a_cells_phases_follow_each_other_before_the_next_cell_begins():
    order = order_of(swept("sweep.fronts=[4, 1]", "sweep.credit=[]", "sweep.distribution=[]"))
    assert [(turn.phase_in_cell, turn.topology) for turn in order.turns] == [
        ("capacity.f4", "paranoid-pirate"), ("capacity.f4", "freelance"),
        ("latency.f4", "paranoid-pirate"), ("latency.f4", "freelance"),
        ("capacity.f1", "paranoid-pirate"), ("capacity.f1", "freelance"),
        ("latency.f1", "paranoid-pirate"), ("latency.f1", "freelance"),
    ]  # fmt: skip


def test_the_record_names_every_part_that_any_cell_has():
    scenario = swept("sweep.workers=[4, 9]")
    assert largest(scenario).deployment == Deployment(workers=9, fronts=8)


@pytest.fixture
def played(tmp_path, monkeypatch):
    """Play a scenario with a stand-in for processes, in which twice the fronts carry twice as much."""

    async def play(task, folder):
        folder.make()
        steps = tuple(
            replace(step, completed_per_s=100.0 * task.scenario.deployment.fronts) for step in task.steps
        )
        return Episode(task.phase_in_cell, task.topology, task.trial, 1, 0, 1, 2, steps, (), ())

    monkeypatch.setattr(runner_module, "play", play)
    monkeypatch.setattr(runner_module, "measure", lambda episode, folder: episode)

    def run(scenario):
        runner = Runner(scenario, tmp_path, [], Told())
        asyncio.run(runner.run())
        return runner.record

    return run


def test_loads_are_fractions_of_the_cells_own_capacity(played):
    scenario = swept(
        "sweep.fronts=[4, 1]", "sweep.credit=[]", "sweep.distribution=[]", "phase.latency.loads=[0.5, 1.1]"
    )
    record = played(scenario)
    assert record.reference_capacity_per_s is None
    assert record.cell_capacities_per_s == {"f4": 400, "f1": 100}
    rates = {
        episode.phase: [step.rate_per_s for step in episode.steps]
        for episode in record.episodes
        if episode.phase.startswith("latency")
    }
    assert rates == {"latency.f4": [200, 440], "latency.f1": [50, 110]}
    assert [episode.cell for episode in record.episodes] == ["f4"] * 4 + ["f1"] * 4


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (["sweep.fronts=[0]"], "sweep, cell f0-k1-exp: fronts must be 1 to 8, got 0"),
        (["sweep.fronts=2"], "sweep.fronts: expected array, got int 2"),
        (["sweep.fronts=[2, 2]"], "sweep.fronts must have no entry twice, got 2, 2"),
        (["sweep.frnts=[2]"], "did you mean sweep.fronts"),
        (["sweep.distribution=[\"foo\"]"], "sweep, cell f4-k1-foo: unknown distribution 'foo', expected one of"),
        (["sweep.outstanding=[4]"], "sweep must have credit or outstanding, not both"),
        (["sweep.credit=[]", "sweep.outstanding=[0]"], "sweep.outstanding must be 1 to 1024 transactions, got 0"),
        (
            ["sweep.fronts=[]", "sweep.credit=[]", "sweep.distribution=[]"],
            "sweep must have at least one axis with values: fronts, brokers",
        ),
        ([f"sweep.{axis}={list(range(1, 65))}" for axis in ("workers", "credit")], "at most 1000 combinations"),
        (["level=client"], "at level client the load is the one dispatcher"),
    ],
)  # fmt: skip
def test_what_cannot_be_swept_is_refused_in_a_line(changes, expected):
    with pytest.raises(BadInput) as refusal:
        swept(*changes)
    assert expected in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_faults_are_not_swept():
    with pytest.raises(
        BadInput, match="a phase of a sweep must have no faults, got some in phase 'kill-worker'"
    ):
        load("quick", ["sweep.fronts=[1, 2]"])


def test_who_always_has_other_brokers_than_a_cell_skips_it_and_that_is_told():
    scenario = load("sweep", ["topologies=['paranoid-pirate', 'binary-star']", "sweep={brokers=[1, 2]}"])
    [skipped] = order_of(scenario).skipped
    assert (skipped.phase, skipped.topology) == ("b1", "binary-star")
    assert skipped.why == "it has always 2 brokers, not 1"


def test_a_dry_run_tells_each_cell_with_its_credits_and_who_skips_it():
    scenario = load("sweep", ["sweep.fronts=[4]", "sweep.credit=[]", "sweep.outstanding=[4, 6]"])
    said = describe(scenario)
    assert (
        "sweep over fronts 4; outstanding 4, 6; distribution exponential, constant, bimodal; one at a time: 4 cells"
        in said
    )
    assert (
        "  f4-o4-exp: 4 fronts, 4 outstanding, exponential; credit: paranoid-pirate 4, freelance 1, direct none; about"
        in said
    )
    assert (
        "not played: f4-o6-exp on freelance: what is outstanding must divide among its 4 dispatchers" in said
    )
    assert (
        "4, 8, 16, 32, 64, 128, 256 at a time, until that gains less than 5% over two doublings; at most 7 x"
        in said
    )
    assert "duration: 66 episodes, at most about" in said


@pytest.mark.parametrize("name", ["sweep", "crossover"])
def test_the_sweeps_that_come_with_the_bench_are_played_in_45_minutes(name):
    assert order_of(load(name)).seconds < 45 * 60

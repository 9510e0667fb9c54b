"""The cells of a sweep told apart, on the recording of a run that never took place."""

import pytest
from msgspec.structs import replace

from bench.analysis.cells import as_played_by
from bench.analysis.findings import analyse
from bench.analysis.summary import as_json
from bench.analysis.summing import summary_of
from bench.comparison.comparison import compare
from bench.comparison.figures import figures
from bench.raw import to_parquet
from bench.run_record import Doubt, read
from bench.scenario_file import built_in
from tests.bench.recording import make_run

CHANGES = (
    "trials=2",
    'topologies=["paranoid-pirate", "direct"]',
    "sweep.fronts=[2]",
    "sweep.credit=[]",
    "sweep.workers=[4, 2]",
    "sweep.distribution=[]",
    "phase.capacity.duration_s=0.4",
    "phase.capacity.users_max=64",
    "phase.latency.loads=[0.5, 0.8]",
    "phase.latency.duration_s=1.6",
)


AGAIN = """
[[phase]]
name = "again"
kind = "open"
loads = [0.5]
duration_s = 0.5
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    make_run(folder, *CHANGES, name="sweep")
    to_parquet(folder)
    return folder


@pytest.fixture(scope="module")
def findings(folder):
    return analyse(folder)


def test_each_cell_has_its_own_capacity_and_loads(findings):
    assert findings.valid
    four, two = findings.cells
    assert [four.cell.name, two.cell.name] == ["f2-w4", "f2-w2"]
    assert four.reference_per_s == pytest.approx(2 * two.reference_per_s, rel=0.2)
    for cell in findings.cells:
        assert [topology.topology for topology in cell.topologies] == ["paranoid-pirate", "direct"]
        for topology in cell.topologies:
            assert topology.trials == topology.capacity_per_s.n == 2
            assert [point.key for point in topology.loads] == ["0.5", "0.8"]
            assert [point.rate_per_s / point.load for point in topology.loads] == pytest.approx(
                [cell.reference_per_s] * 2, abs=0.01
            )
            assert set(topology.p99_ms["0.5"]) == set(topology.capacities_per_s) == {1, 2}


def test_a_load_that_two_phases_play_has_the_same_name_in_every_cell(tmp_path):
    (tmp_path / "again.toml").write_text(built_in()["sweep"].read_text() + AGAIN)
    make_run(tmp_path / "run", *CHANGES, "trials=1", name=str(tmp_path / "again.toml"))
    to_parquet(tmp_path / "run")
    for cell in analyse(tmp_path / "run").cells:
        for topology in cell.topologies:
            assert sorted(point.key for point in topology.loads) == ["0.5", "0.5 (again)", "0.8"]


def test_theory_counts_the_cells_own_workers(findings):
    for cell in findings.cells:
        pirate = cell.topologies[0]
        waits = [
            each.mean_wait
            for point in pirate.loads
            for each in point.queueing
            if each.model == "central-queue"
        ]
        for wait in waits:
            assert wait.measured_ms == pytest.approx(wait.replayed_ms, rel=0.2, abs=0.5)


def test_theory_counts_the_credit_that_each_topology_had_there(folder):
    record = read(folder)
    [two_fronts, _] = record.scenario.cells
    here = replace(record, scenario=record.scenario.of(two_fronts))
    assert here.scenario.settings.credit == 1
    assert as_played_by("paranoid-pirate", two_fronts, here).scenario.settings.credit == 2
    assert as_played_by("direct", two_fronts, here).scenario.settings.credit == 1


def test_theory_counts_the_cells_own_brokers(tmp_path):
    """Of the record's plan, which has as many as any cell, there would be two dispatchers in both, and no model."""
    changes = (*CHANGES, "trials=1", "sweep.workers=[]", "sweep.brokers=[1, 2]", "sweep.one_at_a_time=false")
    record = make_run(tmp_path, *changes, name="sweep")
    to_parquet(tmp_path)
    played = {
        cell.name: as_played_by("paranoid-pirate", cell, replace(record, scenario=record.scenario.of(cell)))
        for cell in record.scenario.cells
    }
    assert {name: here.plans["paranoid-pirate"].brokers for name, here in played.items()} == {
        "f2-b1": 1,
        "f2-b2": 2,
    }
    assert [here.scenario.settings.credit for here in played.values()] == [2, 1]
    one, two = (cell.topologies[0] for cell in analyse(tmp_path).cells)
    assert {each.model for point in one.loads for each in point.queueing} >= {"own"}
    assert {each.model for point in two.loads for each in point.queueing}.isdisjoint({"own"})


def test_what_stands_with_a_topology_is_of_no_cell_but_for_its_accounts(findings):
    for topology in findings.topologies:
        assert topology.capacity_per_s is None
        assert (topology.loads, topology.ladder) == ([], [])
        assert topology.books.ledger.scheduled > 1000


def test_the_maximum_that_ended_a_search_is_told(findings, tmp_path):
    assert all(topology.ended_by_max == 0 for cell in findings.cells for topology in cell.topologies)
    make_run(tmp_path, *CHANGES, "phase.capacity.users_from=1", "phase.capacity.users_max=2", name="sweep")
    to_parquet(tmp_path)
    cut = analyse(tmp_path)
    assert all(topology.ended_by_max == 2 for cell in cut.cells for topology in cell.topologies)


def test_a_trial_that_is_invalid_in_one_cell_is_none_the_worse_in_another(folder, tmp_path):
    record = read(folder)
    spoilt = record.episodes[0]
    assert (spoilt.cell, spoilt.topology, spoilt.trial) == ("f2-w4", "paranoid-pirate", 1)
    record.episodes[0] = replace(spoilt, doubts=(Doubt("measurement", "late"),))
    for table in folder.glob("*.parquet"):
        (tmp_path / table.name).symlink_to(table)
    record.write(tmp_path)
    four, two = analyse(tmp_path).cells
    assert [topology.trials for topology in four.topologies] == [1, 2]
    assert [topology.trials for topology in two.topologies] == [2, 2]
    before, after = figures(folder), figures(tmp_path)
    spoiled = {row for row in before.rows if (row.topology, row.cell) == ("paranoid-pirate", "f2-w4")}
    assert spoiled
    assert {row: set(after.rows[row]) for row in before.rows} == {
        row: {2} if row in spoiled else {1, 2} for row in before.rows
    }
    assert compare(("a", "b"), before, after).left_out == [
        f"B: left out with its trial in cell f2-w4: {after.reasons[0]}"
    ]


def test_the_summary_says_what_is_different_in_each_cell(findings):
    summary = as_json(summary_of(findings))
    assert list(summary["cells"]) == ["f2-w4", "f2-w2"]
    two = summary["cells"]["f2-w2"]
    assert two["conditions"] == {"fronts": 2, "workers": 2}
    assert two["topologies"]["direct"]["latency_ms"]["0.8"]["p99"]["n"] == 2
    assert two["topologies"]["direct"]["search_ended_by_max"] == 0
    assert summary["topologies"]["direct"]["latency_ms"] == {}

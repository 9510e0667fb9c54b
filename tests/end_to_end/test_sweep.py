"""A whole sweep through the real command line: each cell is deployed as it says, and searched for its capacity."""

import json
from pathlib import Path

import pytest

from tests.end_to_end.command_line import BUSY, ROOT, started

SWEEP = ROOT / "tests" / "scenarios" / "tiny-sweep.toml"

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> Path:
    """The folder of a sweep over two numbers of fronts."""
    folder: Path = tmp_path_factory.mktemp("sweep")
    with started(folder, "run", str(SWEEP), *BUSY, "--keep-raw", "--out", str(folder / "results")) as process:
        assert process.wait(100) == 0, (folder / "err").read_text()
    return folder / "results"


def test_each_cell_is_deployed_as_it_says_at_equal_outstanding(results):
    credits = {}
    for episode in (results / "raw").glob("latency.*"):
        parts = {part.stem: json.loads(part.read_text()) for part in (episode / "parts").iterdir()}
        fronts = sum(name.startswith("front-") for name in parts)
        credits[episode.name] = fronts, parts["worker-1"]["settings"]["credit"]
    assert credits == {
        "latency.f1-paranoid-pirate-1": (1, 1), "latency.f1-freelance-1": (1, 1),
        "latency.f2-paranoid-pirate-1": (2, 2), "latency.f2-freelance-1": (2, 1),
    }  # fmt: skip


def test_a_search_ends_before_its_maximum_and_its_best_step_is_the_capacity(results):
    run = json.loads((results / "run.json").read_text())
    searched = [episode for episode in run["episodes"] if episode["phase"].startswith("capacity.")]
    assert len(searched) == 4
    for episode in searched:
        users = [step["concurrency"] for step in episode["steps"]]
        assert users == [2**doubling for doubling in range(len(users))]
        assert 3 <= len(users) < 7
    best = {
        episode["phase"].split(".")[1]: max(step["completed_per_s"] for step in episode["steps"])
        for episode in searched
        if episode["topology"] == "freelance"
    }
    assert all(run["cell_capacities_per_s"][cell] >= rate for cell, rate in best.items())


def test_the_summary_and_the_report_tell_of_every_cell(results):
    summary = json.loads((results / "summary.json").read_text())
    assert summary["valid"], summary["why_invalid"]
    assert list(summary["cells"]) == ["f1", "f2"]
    for cell in summary["cells"].values():
        for topology in cell["topologies"].values():
            assert topology["capacity_per_s"]["median"] > 0
            assert topology["latency_ms"]["0.5"]["p50"]["median"] > 0
    assert (results / "charts" / "sweep.svg").is_file()
    assert "no winner can be named" in (results / "report.html").read_text()

"""A run, its repetition and the comparison of both, through the real command line."""

import json

import pytest

from tests.end_to_end.command_line import BUSY, started

# Seconds of load; the rest is drawing, which waits where the machine is busy.
pytestmark = pytest.mark.timeout(120)

SCENARIO = """
topologies = ["freelance"]
timeout_s = 2.0
deployment = {workers = 2, fronts = 1}
service = {name = "echo"}

[[phase]]
name = "capacity"
kind = "closed"
concurrency = [2]
warmup_s = 0.1
duration_s = 0.3

[[phase]]
name = "latency"
kind = "open"
loads = [0.2]
warmup_s = 0.1
duration_s = 0.4
"""


def test_a_run_repeated_pairs_with_it_and_is_held_against_thresholds(tmp_path):
    (tmp_path / "short.toml").write_text(SCENARIO)

    def status(*arguments: str) -> int:
        with started(tmp_path, *arguments) as process:
            return process.wait(100)

    assert status("run", "short.toml", "--out", "a", "--no-report", *BUSY) == 0, (
        tmp_path / "err"
    ).read_text()
    assert status("run", "--repeat-of", "a", "--out", "b", "--no-report") == 0, (tmp_path / "err").read_text()
    a, b = (json.loads((tmp_path / folder / "run.json").read_text()) for folder in "ab")
    assert not (tmp_path / "b" / "report.html").exists()
    assert not (tmp_path / "b" / "charts").exists()
    assert b["repeats"]["folder"] == "a"
    assert b["reference_capacity_per_s"] == a["reference_capacity_per_s"]
    rates = [
        [step["rate_per_s"] for episode in run["episodes"] for step in episode["steps"]] for run in (a, b)
    ]
    assert rates[0] == rates[1]
    assert b["scenario"] == a["scenario"]
    assert status("compare", "a", "b", "--fail-on", "p99>10%", "--fail-on", "capacity_per_s>1/s") == 1
    out = (tmp_path / "out").read_text()
    assert "pair by pair" in out
    assert "fails: capacity_per_s>1/s: capacity_per_s:freelance" in out
    assert "fails: p99" not in out, "one pair shows nothing"
    assert "6 are needed" in out

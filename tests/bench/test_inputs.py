"""The files that a scenario names are found beside it, complete what it leaves out, and stay with the run."""

import hashlib
import shutil

import msgspec
import pytest

from bench import inputs
from bench.dry_run import describe
from bench.errors import BadInput
from bench.runner import Runner
from bench.scenario import Scenario
from bench.scenario_file import load

TOML = """
topologies = ["freelance"]
[service]
name = "sleep"
distribution = "file"
times = "service.csv"
[[phase]]
name = "recorded"
kind = "open"
arrivals = "trace"
trace = "arrivals.csv"
warmup_s = 0
"""


@pytest.fixture
def own(tmp_path):
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "own.toml").write_text(TOML)
    (folder / "service.csv").write_text("ms\n1\n3\n")
    (folder / "arrivals.csv").write_text("time_s,bytes\n0,10\n0.5,20\n")
    return folder


def loaded(own, *changes) -> Scenario:
    return load(str(own / "own.toml"), changes)


def test_what_the_files_know_need_not_be_said(own):
    scenario = loaded(own)
    assert scenario.service.mean_ms == 2
    (phase,) = scenario.phases
    assert phase.rates_per_s == (2.0,)
    assert phase.duration_s == 1.0
    assert phase.steps[0].name == "2/s"


def test_what_is_said_holds(own):
    scenario = loaded(
        own, "service.mean_ms=7", "phase.recorded.rates_per_s=[4, 8]", "phase.recorded.duration_s=3"
    )
    assert scenario.service.mean_ms == 7
    assert [step.rate_per_s for step in scenario.phases[0].steps] == [4, 8]


def test_at_several_rates_the_length_must_be_said(own):
    with pytest.raises(BadInput, match=r"phase.recorded: duration_s is missing"):
        loaded(own, "phase.recorded.rates_per_s=[4, 8]")


def test_at_one_other_rate_it_is_played_once(own):
    assert loaded(own, "phase.recorded.rates_per_s=[4]").phases[0].duration_s == 0.5


def test_files_of_changes_are_looked_for_in_the_current_folder(own, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "other.csv").write_text("ms\n9\n")
    assert loaded(own, "service.times=other.csv").service.mean_ms == 9
    with pytest.raises(BadInput, match=r"service.times: .*arrivals.csv: expected a readable CSV file"):
        loaded(own, "service.times=arrivals.csv")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("phase.recorded.warmup_s=5", "lasts 0.1 s longer than warmup_s 5, got 1 s; with duration_s it is"),
        ("settings.limits.body_bytes=15", "arrivals.csv, line 3: bytes: expected a whole number of 0 to 15 bytes"),
        ("phase.recorded.arrivals=poisson", "and a file in trace go together, got 'poisson'"),
        ("phase.recorded.fault=[{kind='overload', at_s=0.1, for_s=0.2, times=2}]", "expected no fault 'overload' beside it"),
        ("service.distribution=normal", "expected one of: bimodal, constant, exponential, lognormal, file"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_told_in_a_line(own, change, told):
    changes = ["body_bytes=9", change] if "limits" in change else [change]
    with pytest.raises(BadInput) as error:
        loaded(own, *changes)
    assert told in str(error.value)


def test_a_transfer_needs_room_in_every_body(own):
    with pytest.raises(BadInput, match=r"line 2: bytes: expected a whole number of \d+ to"):
        loaded(own, "service.name=transfer")


def test_a_run_keeps_them_and_can_be_found_again_from_its_folder(own, tmp_path):
    run, elsewhere = tmp_path / "run", tmp_path / "elsewhere"
    run.mkdir()
    scenario = loaded(own)
    runner = Runner(scenario, run, (), None)
    record = runner.record.scenario
    assert (record.service.times, record.phases[0].trace) == (
        "inputs/service-times.csv",
        "inputs/arrivals-recorded.csv",
    )
    assert msgspec.json.decode(msgspec.json.encode(record), type=Scenario) == record
    assert runner.record.inputs["service-times.csv"] == hashlib.sha256(b"ms\n1\n3\n").hexdigest()
    assert list(runner.record.inputs) == ["arrivals-recorded.csv", "service-times.csv"]
    shutil.rmtree(own)
    run.rename(elsewhere)
    again = inputs.found(record, elsewhere)
    inputs.check(again)
    assert (elsewhere / "inputs/service-times.csv").read_text() == "ms\n1\n3\n"


def test_the_dry_run_names_them(own):
    told = describe(loaded(own))
    assert "service: sleep, file service.csv, mean 2 ms" in told
    assert "open loop, trace arrivals.csv, 2 transactions/s" in told

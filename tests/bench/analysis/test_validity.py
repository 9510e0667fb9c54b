"""Each reason not to believe an episode, provoked once."""

from shutil import copytree

import pytest
from msgspec.structs import replace

from bench import run_record
from bench.analysis.findings import analyse
from bench.analysis.validity import invalid_trials
from bench.checks.registry import AS_PLAYED, CHECKS, TOLD
from bench.folders import EpisodeFolder
from bench.load.record_table import read_records
from bench.raw import to_parquet
from bench.run_record import Doubt
from tests.bench.recording import copy_of_small_run, rewrite, small_run


@pytest.fixture
def run(tmp_path):
    return copy_of_small_run(tmp_path / "run")


def spoil(folder, episode, **changes):
    """Change an episode in run.json."""
    record = run_record.read(folder)
    record.episodes[episode] = replace(record.episodes[episode], **changes)
    record.write(folder)
    return record.episodes[episode]


def test_a_run_in_order_has_no_reason_and_was_held_to_every_check():
    findings = analyse(small_run())
    assert findings.reasons == []
    assert findings.checked.keys() == CHECKS.keys()
    unjudged = {name for name, found in findings.checked.items() if not found.judged}
    assert unjudged == {"fault-outlasting", "audit", "little"}, (
        "kills last no time; no bank, no queue is sampled"
    )
    assert "trial" in findings.checked["part-starved"].at


def test_a_run_that_kept_no_account_is_judged_by_what_there_is(run):
    record = run_record.read(run)
    record.episodes[:] = [replace(episode, checked={}) for episode in record.episodes]
    record.write(run)
    checked = analyse(run).checked
    assert checked["load-lag"].judged
    for name in AS_PLAYED.keys() - {"load-lag", "load-dropped", "load-busy"}:
        assert (checked[name].judged, checked[name].worst) == (0, None)
        assert checked[name].unknown


def test_a_doubt_from_when_it_was_played_is_a_reason(run):
    episode = spoil(run, 0, doubts=(Doubt("measurement", "step 4: the load process sent late"),))
    (reason,) = analyse(run).reasons
    assert (reason.kind, reason.text) == ("measurement", "step 4: the load process sent late")
    assert str(reason) == f"{episode.topology}, trial 1, phase capacity: step 4: the load process sent late"


def test_what_was_told_when_it_was_played_is_a_reason_once_and_counted(run):
    told = [Doubt(cause, f"{cause}: it was so") for cause in ("fault", "part", "load", "audit")]
    spoil(run, 0, doubts=tuple(told))
    findings = analyse(run)
    assert [reason.text for reason in findings.reasons] == [doubt.text for doubt in told]
    failed = [name for name, found in findings.checked.items() if found.failed]
    assert failed == [name for name in TOLD if name != "audit"], "here is no bank whose books could be wrong"


def test_a_broken_law_is_a_reason(run):
    rewrite(run, "executions", "WHERE NOT (id = 'latency.1.0-77' AND topology = 'direct')")
    (reason,) = analyse(run).reasons
    assert reason.kind == "law"
    assert reason.text.startswith("1 lost")
    assert invalid_trials([reason]) == {("direct", 1)}


def test_a_record_that_was_lost_before_conversion_is_a_reason(tmp_path):
    """One record cut out of what the load process wrote, which nobody but the books and the step's count knows of."""
    run = copytree(small_run(), tmp_path / "run")
    record = run_record.read(run)
    record.episodes[:] = [each for each in record.episodes if each.name.startswith("latency-freelance")]
    record.write(run)
    files = EpisodeFolder.of(run, "latency-freelance-1")
    whole = files.records.read_bytes()
    records = read_records(files.records).rows
    at = len(whole) - records.size * records.itemsize + 77 * records.itemsize
    files.records.write_bytes(whole[:at] + whole[at + records.itemsize :])
    to_parquet(run)
    findings = analyse(run)
    assert {reason.kind for reason in findings.reasons} == {"law", "record"}
    assert {str(reason.episode) for reason in findings.reasons} == {"freelance, trial 1, phase latency"}
    failed = {name for name, found in findings.checked.items() if found.failed}
    assert failed == {"law-unasked", "law-balance", "records-missing"}
    (freelance,) = findings.topologies
    assert (freelance.trials, freelance.trials_invalid) == (1, 1)
    assert all(point.p50_ms.n == 1 for point in freelance.loads), "its other trial alone is in the figures"


def test_a_record_too_few_is_a_reason(run):
    rewrite(run, "transactions", "WHERE NOT (id = 'latency.1.0-77' AND topology = 'direct')")
    rewrite(run, "executions", "WHERE NOT (id = 'latency.1.0-77' AND topology = 'direct')")
    kinds = {reason.kind for reason in analyse(run).reasons}
    assert kinds == {"law", "record"}


def test_a_fault_that_came_late_is_a_reason(run):
    record = run_record.read(run)
    place = next(index for index, episode in enumerate(record.episodes) if episode.faults)
    (fault,) = record.episodes[place].faults
    spoil(run, place, faults=(replace(fault, planned_ns=fault.t_ns - 300_000_000),))
    (reason,) = analyse(run).reasons
    assert reason.kind == "fault"
    assert "came 300 ms after it was due, validity.fault_late_ms_max is 250 ms" in reason.text


def test_a_fault_that_outlasts_its_step_is_a_reason(run):
    record = run_record.read(run)
    place = next(index for index, episode in enumerate(record.episodes) if episode.faults)
    (fault,) = record.episodes[place].faults
    end_ns = record.episodes[place].steps[0].end_ns
    spoil(run, place, faults=(replace(fault, healed_ns=end_ns + 200_000_000),))
    assert analyse(run).reasons == []
    spoil(run, place, faults=(replace(fault, healed_ns=end_ns + 900_000_000),))
    (reason,) = analyse(run).reasons
    assert reason.kind == "fault"
    assert (
        "was over 900 ms after the step was, duration_s must be longer, validity.fault_late_ms_max is 250 ms"
        in reason.text
    )

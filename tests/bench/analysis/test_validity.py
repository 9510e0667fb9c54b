"""Each reason not to believe an episode, provoked once."""

import pytest
from msgspec.structs import replace

from bench import run_record
from bench.analysis.findings import analyse
from bench.analysis.validity import invalid_trials
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


def test_a_run_in_order_has_no_reason():
    assert analyse(small_run()).reasons == []


def test_a_doubt_from_when_it_was_played_is_a_reason(run):
    episode = spoil(run, 0, doubts=(Doubt("measurement", "step 4: the load process sent late"),))
    (reason,) = analyse(run).reasons
    assert (reason.kind, reason.text) == ("measurement", "step 4: the load process sent late")
    assert str(reason) == f"{episode.topology}, trial 1, phase capacity: step 4: the load process sent late"


def test_a_broken_law_is_a_reason(run):
    rewrite(run, "executions", "WHERE NOT (id = 'latency.1.0-77' AND topology = 'direct')")
    (reason,) = analyse(run).reasons
    assert reason.kind == "law"
    assert reason.text.startswith("1 lost")
    assert invalid_trials([reason]) == {("direct", 1)}


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
    assert "came 300 ms after it was due, at most 250 ms is allowed" in reason.text


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
    assert "was over 900 ms after the step was, duration_s must be longer" in reason.text

"""The summary of a run with known numbers, in the shape that others rely on."""

import json

import msgspec
import pytest
from msgspec.structs import replace

from bench import run_record
from bench.analysis.summing import summarize
from bench.analysis.trials import within_trial_or_never
from bench.checks.registry import CHECKS
from bench.raw import to_parquet
from bench.run_record import Doubt
from tests.bench.recording import DETECT_S, RESTART_S, SMALL, copy_of_small_run, make_run, rewrite, small_run

FATES = ("completed", "failed", "rejected", "unknown", "refused", "broken")
LEDGER = ("lost", "phantom", "duplicate", "unknown_executed", "unknown_not_executed")
RECOVERY = ("detected_ms", "first_failure_ms", "first_success_ms", "recovered_ms", "harmed", "goodput_lost")


@pytest.fixture(scope="module")
def summary():
    return summarize(small_run())


def is_estimate(value):
    return value is None or (
        set(value) == {"median", "low", "high", "n"}
        and value["low"] <= value["median"] <= value["high"]
        and isinstance(value["n"], int)
    )


def test_it_says_what_each_check_found(summary):
    assert summary["checks"].keys() == CHECKS.keys()
    lag = summary["checks"]["load-lag"]
    assert (lag["limit"], lag["setting"], lag["failed"]) == (10.0, "validity.lag_p99_ms_max", 0)
    assert lag["worst"] == pytest.approx(0.112)
    assert lag["judged"] > 0


def test_it_has_the_shape_of_the_contract(summary):
    assert summary["valid"] is True
    assert summary["why_invalid"] == []
    assert list(summary["topologies"]) == ["paranoid-pirate", "freelance", "direct"]
    for topology in summary["topologies"].values():
        assert topology["family"] in ("brokered", "brokerless")
        assert topology["trials"] == 2
        assert is_estimate(topology["capacity_per_s"])
        assert all(isinstance(topology["fates"][fate], int) for fate in FATES)
        assert all(isinstance(topology["ledger"][law], int) for law in LEDGER)
        assert set(topology["latency_ms"]) == {"0.5", "0.8"}
        for load in topology["latency_ms"].values():
            assert all(is_estimate(load[figure]) for figure in ("p50", "p99", "p999"))
            assert isinstance(load["n"], int)
        for fault in topology["recovery"].values():
            assert all(is_estimate(fault[figure]) for figure in RECOVERY)
        assert all(is_estimate(each) for each in topology["cpu_us_per_transaction"].values())


def test_it_is_plain_json(summary):
    assert json.loads(json.dumps(summary)) == summary


def test_only_the_brokered_one_has_a_broker_to_kill_and_to_pay_for(summary):
    assert set(summary["topologies"]["paranoid-pirate"]["recovery"]) == {"kill-worker", "kill-broker"}
    assert set(summary["topologies"]["direct"]["recovery"]) == {"kill-worker"}
    assert set(summary["topologies"]["paranoid-pirate"]["cpu_us_per_transaction"]) == {
        "broker",
        "worker",
        "front",
    }
    assert set(summary["topologies"]["direct"]["cpu_us_per_transaction"]) == {"worker", "front"}
    assert [each["family"] for each in summary["topologies"].values()] == [
        "brokered",
        "brokerless",
        "brokerless",
    ]


def test_the_sums_balance_over_trials(summary):
    record = run_record.read(small_run())
    for name, topology in summary["topologies"].items():
        sent = sum(
            step.sent for episode in record.episodes if episode.topology == name for step in episode.steps
        )
        assert topology["ledger"]["scheduled"] == sum(topology["fates"].values()) == sent


def test_what_the_model_of_the_recording_knows_comes_out(summary):
    pirate, direct = summary["topologies"]["paranoid-pirate"], summary["topologies"]["direct"]
    killed = pirate["recovery"]["kill-worker"]
    assert killed["detected_ms"]["median"] == pytest.approx(DETECT_S * 1e3)
    assert killed["harmed"]["median"] == 0
    assert killed["detected_by"] == ["broker-1"]
    assert direct["recovery"]["kill-worker"]["detected_ms"] is None
    broker = pirate["recovery"]["kill-broker"]
    assert broker["first_success_ms"]["median"] == pytest.approx(RESTART_S * 1e3, rel=0.02)
    assert broker["recovered_ms"]["median"] > RESTART_S * 1e3
    assert broker["goodput_lost"]["median"] == pytest.approx(
        RESTART_S * pirate["latency_ms"]["0.5"]["rate_per_s"], rel=0.1
    )
    assert 600 < pirate["capacity_per_s"]["median"] < 800
    assert direct["latency_ms"]["0.8"]["p99"]["median"] > 1.5 * pirate["latency_ms"]["0.8"]["p99"]["median"]


def test_the_capacity_is_the_reference_of_the_run(summary):
    best = max(topology["capacity_per_s"]["median"] for topology in summary["topologies"].values())
    assert summary["reference_capacity_per_s"] == pytest.approx(best)


def test_floors_come_from_the_settings(summary):
    recovery = summary["topologies"]["paranoid-pirate"]["recovery"]
    assert recovery["kill-worker"]["floor_ms"] == {"detected": 0, "first_success": 0, "recovered": 0}
    assert recovery["kill-broker"]["floor_ms"] == pytest.approx(
        {"detected": 0, "first_success": 1200, "recovered": 1200}
    )
    assert recovery["kill-broker"]["floors_ms"] == pytest.approx(
        {"restart": 1000, "silence": 300, "reconnect": 20, "zmtp": 150, "cold_start": 200, "takeover": None}
    )


def test_a_fault_too_early_for_a_baseline_says_so_instead_of_a_bare_nothing(tmp_path):
    changes = ("phase.kill-worker.fault.kill.at_s=0.8", 'topologies=["freelance"]', "trials=1")
    make_run(tmp_path, *SMALL, *changes)
    to_parquet(tmp_path)
    killed = summarize(tmp_path)["topologies"]["freelance"]["recovery"]["kill-worker"]
    assert (killed["recovered_ms"], killed["not_recovered"]) == (None, 0)
    assert killed["unjudged"] == {"no baseline": 1}
    assert killed["detected_ms"]["median"] == pytest.approx(DETECT_S * 1e3)


def test_repeated_faults_count_each_and_a_trial_is_one_value(tmp_path):
    changes = (
        "phase.kill-worker.fault.kill.repeat=3",
        "phase.kill-worker.fault.kill.every_s=3",
        "phase.kill-worker.duration_s=11",
        'topologies=["freelance"]',
    )
    make_run(tmp_path, *SMALL, *changes)
    to_parquet(tmp_path)
    killed = summarize(tmp_path)["topologies"]["freelance"]["recovery"]["kill-worker"]
    assert killed["n"] == 6
    assert killed["detected_ms"]["n"] == killed["recovered_ms"]["n"] == 2
    assert killed["detected_by_counts"] == {"front-2": 6}
    assert killed["unjudged"] == {}
    assert killed["returned_ms"]["median"] == pytest.approx(RESTART_S * 1e3)


def test_who_did_not_recover_in_most_faults_of_a_trial_did_not_recover_in_it():
    assert within_trial_or_never([1.0, None, None]) is None
    assert within_trial_or_never([1.0, None]) is None
    assert within_trial_or_never([1.0, 3.0, None]) == 3.0
    assert within_trial_or_never([1.0, 3.0]) == 2.0


def test_where_what_went_wrong_was_seen_last(summary):
    places = summary["topologies"]["direct"]["places"]
    assert sum(places["unknown"].values()) == summary["topologies"]["direct"]["fates"]["unknown"]
    assert summary["topologies"]["direct"]["late_work"] == {"begun_late": 0, "overran": 0, "worker_ms": 0}


def test_an_invalid_trial_is_in_the_accounts_and_in_no_figure(tmp_path):
    run = copy_of_small_run(tmp_path / "run")
    rewrite(run, "executions", "WHERE NOT (id = 'latency.1.0-77' AND topology = 'direct')")
    found = summarize(run)
    direct = found["topologies"]["direct"]
    assert found["valid"] is False
    assert len(found["why_invalid"]) == 1
    assert (direct["trials"], direct["trials_invalid"]) == (1, 1)
    assert direct["ledger"]["lost"] == 1
    assert direct["capacity_per_s"]["n"] == 1
    assert found["topologies"]["freelance"]["capacity_per_s"]["n"] == 2


def test_a_topology_without_a_valid_trial_has_no_figures(tmp_path):
    run = copy_of_small_run(tmp_path / "run")
    record = run_record.read(run)
    record.episodes = [
        replace(episode, doubts=(Doubt("part", "front-1 ended by itself"),))
        if episode.topology == "direct"
        else episode
        for episode in record.episodes
    ]
    record.write(run)
    direct = summarize(run)["topologies"]["direct"]
    assert direct["trials"] == 0
    assert direct["capacity_per_s"] is None
    assert direct["latency_ms"] == direct["recovery"] == direct["cpu_us_per_transaction"] == {}
    assert direct["fates"]["completed"] > 0


def test_a_run_of_which_nothing_was_played_is_not_valid(tmp_path):
    record = msgspec.json.decode((small_run() / "run.json").read_bytes(), type=run_record.RunRecord)
    record.episodes, record.complete = [], False
    record.write(tmp_path)
    found = summarize(tmp_path)
    assert (found["valid"], found["complete"], found["topologies"]) == (False, False, {})
    assert found["why_invalid"] == ["nothing was played"]


def test_level_client_stands_under_client(tmp_path):
    changes = ("level=client", "deployment.fronts=1", "trials=1", 'topologies=["freelance"]')
    make_run(tmp_path, *SMALL, *changes)
    to_parquet(tmp_path)
    freelance = summarize(tmp_path)["topologies"]["freelance"]
    assert freelance["capacity_per_s"] is None
    assert freelance["latency_ms"] == {}
    assert freelance["client"]["capacity_per_s"]["n"] == 1
    assert set(freelance["client"]["latency_ms"]) == {"0.5", "0.8"}
    assert freelance["fates"] == freelance["client"]["fates"]
    assert "round-robin" in freelance["client"]["queueing"]["0.8"]

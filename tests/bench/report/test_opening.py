"""The answer in three sentences: each says what was measured, and no more."""

import pytest
from msgspec.structs import replace

from bench.analysis.differences import BY_CHANCE, CAPACITY, Between
from bench.analysis.findings import analyse
from bench.analysis.summing import summary_of
from bench.charts.words import done_to
from bench.paired import Finding
from bench.report.opening import opening
from bench.statistics import Estimate
from tests.bench.recording import small_run


@pytest.fixture(scope="module")
def findings():
    return analyse(small_run())


@pytest.fixture(scope="module")
def scenario(findings):
    return findings.record.scenario


@pytest.fixture(scope="module")
def summary(findings):
    return summary_of(findings)


def only(summary, *names, **changes):
    """With these topologies alone, and changes in what each measured."""
    kept = {
        name: replace(each, measured=replace(each.measured, **changes))
        for name, each in summary.topologies.items()
        if name in names
    }
    return replace(summary, topologies=kept)


def with_capacities(summary, **capacities):
    names = [name.replace("_", "-") for name in capacities]
    kept = only(summary, *names, latency_ms={})
    for name, capacity in zip(names, capacities.values(), strict=True):
        topology = kept.topologies[name]
        kept.topologies[name] = replace(
            topology, measured=replace(topology.measured, capacity_per_s=capacity)
        )
    return kept


def compared(summary, ratio, verdict, why=""):
    """Capacities of two, and the verdict on the first against the second."""
    known = with_capacities(
        summary, paranoid_pirate=Estimate(100, 95, 105, 6), freelance=Estimate(200, 190, 210, 6)
    )
    row = Between(ratio, 0.03, 0.03, verdict, why, None, 6, 14)
    return replace(known, differences={"paranoid-pirate/freelance": {CAPACITY: row}})


def test_there_are_three(summary, scenario):
    steady, broken, price = opening(summary, scenario)
    assert steady.startswith("With 8 workers, paranoid-pirate carried ")
    assert "; at load 0.8, paranoid-pirate had a p99 of " in steady
    assert steady.count("2 paired trials are too few to rank them, at least 6 are needed") == 1
    assert "about" not in steady
    assert broken.startswith("Of 2 faults played, paranoid-pirate left ")
    assert broken.endswith(" is killed.")
    assert price.startswith("The broker of paranoid-pirate costs ")
    assert "transactions balance: none was lost" in price


def test_a_winner_is_named_with_how_much(summary, scenario):
    found = compared(summary, Estimate(0.5, 0.4, 0.625, 6), Finding.WORSE)
    assert opening(found, scenario)[0] == (
        "With 8 workers, freelance carries more than paranoid-pirate by a factor of 2 (1.6–2.5):"
        " paranoid-pirate carried 100/s (95–105) and freelance 200/s (190–210)."
    )


def test_a_difference_that_may_be_chance_names_none(summary, scenario):
    found = compared(summary, Estimate(0.5, 0.4, 1.25, 6), Finding.NONE, BY_CHANCE)
    assert opening(found, scenario)[0] == (
        "With 8 workers, paranoid-pirate carried 100/s (95–105) and freelance 200/s (190–210):"
        " no difference that this data can show."
    )


def test_of_each_family_the_worst_fault_is_told(summary, scenario):
    measured = summary.topologies["paranoid-pirate"].measured
    mild, bad = (
        replace(recovery, harmed=Estimate(lost, lost, lost, 2))
        for recovery, lost in zip(list(measured.recovery.values())[:2], (3, 40), strict=True)
    )
    found = only(summary, "paranoid-pirate", recovery={"mild": mild, "bad": bad})
    (sentence,) = [each for each in opening(found, scenario) if "faults" in each]
    assert sentence.startswith("Of 2 faults played, paranoid-pirate left 40 (40–40) without an answer")
    assert sentence.endswith(f"when {done_to(bad.label)}.")


def test_where_nothing_was_lost_the_fault_that_made_most_wait_is_the_worst(summary, scenario):
    first, second = list(summary.topologies["paranoid-pirate"].measured.recovery.values())[:2]
    none = Estimate(0, 0, 0, 2)
    quick = replace(first, harmed=none, recovered_ms=none, delayed=none)
    slow = replace(second, harmed=none, recovered_ms=none, delayed=Estimate(7, 7, 7, 2))
    found = only(summary, "paranoid-pirate", recovery={"quick": quick, "slow": slow})
    (sentence,) = [each for each in opening(found, scenario) if "faults" in each]
    assert sentence.endswith(f" and 7 (7–7) late, and kept its usual goodput, when {done_to(slow.label)}.")


def test_one_alone_is_not_compared(summary, scenario):
    found = with_capacities(summary, freelance=Estimate(104, 99, 109, 5))
    assert opening(found, scenario)[0] == "With 8 workers, freelance carried 104/s (99–109)."


def test_what_was_not_measured_is_not_spoken_of(summary, scenario):
    found = only(
        summary, "freelance", capacity_per_s=None, latency_ms={}, recovery={}, cpu_us_per_transaction={}
    )
    (sentence,) = opening(found, scenario)
    assert sentence.startswith("The accounts of all ")


def test_accounts_that_do_not_balance_are_said_so(summary, scenario):
    ledger = summary.topologies["freelance"].measured.ledger
    found = only(summary, "freelance", ledger=replace(ledger, lost=3))
    price = opening(found, scenario)[-1]
    assert "do not balance: 3 lost" in price
    assert "none was lost" not in price


def test_without_a_valid_trial_there_is_no_answer(summary, scenario):
    invalid = {name: replace(each, trials=0) for name, each in summary.topologies.items()}
    assert opening(replace(summary, topologies=invalid), scenario) == []

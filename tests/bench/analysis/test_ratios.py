"""Ratios to baselines, on a run record of known numbers."""

from types import SimpleNamespace

import pytest

from bench.analysis.ratios import ratios


def episode(topology, trial, rate, paced=0.0):
    step = SimpleNamespace(name="64", concurrency=64, completed_per_s=rate, rate_per_s=paced)
    return SimpleNamespace(topology=topology, trial=trial, phase="messages", steps=(step,))


def record(*episodes):
    return SimpleNamespace(episodes=episodes)


def test_a_ratio_pairs_the_trials():
    run = record(
        episode("freelance", 1, 50.0), episode("bare-dealer", 1, 100.0),
        episode("bare-dealer", 2, 10.0), episode("freelance", 2, 6.0),
    )  # fmt: skip
    found = ratios(run, set())
    assert set(found) == {"freelance/bare-dealer"}
    estimate = found["freelance/bare-dealer"]
    assert (estimate.low, estimate.high, estimate.n) == (0.5, 0.6, 2)
    assert estimate.median == pytest.approx(0.55)


def test_an_invalid_trial_has_no_ratio():
    run = record(episode("freelance", 1, 50.0), episode("bare-dealer", 1, 100.0))
    assert ratios(run, {("bare-dealer", 1)}) == {}


def test_without_a_baseline_there_is_none():
    assert ratios(record(episode("freelance", 1, 50.0)), set()) == {}


def test_users_who_ask_at_a_given_rate_show_no_capacity_to_be_compared():
    run = record(episode("freelance", 1, 50.0, 50.0), episode("bare-dealer", 1, 50.0, 50.0))
    assert ratios(run, set()) == {}

"""The capacity is taken at one number of users for all trials, so that chance is not taken for it."""

from random import Random
from statistics import median

import pytest

from bench.ladders import best_users, capacities


def test_the_users_with_the_largest_median_over_trials_are_best_for_all():
    trials = {
        1: {8: 90.0, 16: 100.0, 32: 97.0},
        2: {8: 88.0, 16: 96.0, 32: 104.0},
        3: {8: 111.0, 16: 99.0, 32: 95.0},
    }
    assert best_users(trials.values()) == 16
    assert capacities(trials) == {1: 100.0, 2: 96.0, 3: 99.0}


def test_what_only_half_of_the_trials_played_is_no_capacity_of_all():
    assert best_users([{8: 90.0, 16: 95.0}, {8: 91.0}]) == 8
    assert best_users([{8: 90.0, 16: 95.0}, {8: 91.0, 16: 93.0}, {8: 92.0}]) == 16


def test_a_trial_whose_search_had_ended_before_has_its_last_step():
    assert capacities({1: {8: 90.0, 16: 95.0}, 2: {8: 91.0, 16: 93.0}, 3: {4: 50.0, 8: 92.0}})[3] == 92.0


def test_of_equals_the_fewest_users():
    assert best_users([{8: 90.0, 16: 90.0}]) == 8


def test_without_a_step_there_is_no_capacity():
    assert best_users([]) is None
    assert capacities({1: {}, 2: {}}) == {}
    assert capacities({1: {}, 2: {8: 5.0}}) == {2: 5.0}


def test_chance_is_not_taken_for_capacity():
    """A pool that can do 125/s at 32 users and more, looked at for 0.8 s each: 9 % scatter."""
    random = Random(1)
    trials = {trial: {users: random.gauss(125, 11) for users in (8, 16, 32, 64, 128)} for trial in range(400)}
    best_of_each = median(max(ladder.values()) for ladder in trials.values())
    assert best_of_each > 1.08 * 125
    assert median(capacities(trials).values()) == pytest.approx(125, rel=0.02)

"""Back is for a second, which allows for moments outside, and for nothing less."""

import numpy as np

from bench.analysis.settling import back, left_again


def outside(length_ms, *stretches):
    flags = np.zeros(length_ms, dtype=bool)
    for begin, end in stretches:
        flags[begin:end] = True
    return flags


def test_what_never_left_is_back_at_once():
    assert back(outside(1000)) == 0


def test_less_than_a_second_shows_nothing():
    assert back(outside(999)) is None
    assert not left_again(outside(999), 0)


def test_it_is_back_where_a_second_begins_that_is_good_enough():
    assert back(outside(3000, (0, 400))) == 400
    assert back(outside(3000, (0, 400), (500, 560))) == 560
    assert back(outside(3000, (0, 400), (500, 550))) == 400


def test_a_moment_outside_is_never_where_it_is_back():
    assert back(outside(3000, (0, 30))) == 30


def test_it_is_not_back_where_no_whole_second_is_left():
    assert back(outside(3000, (0, 2001))) is None
    assert back(outside(3000, (0, 2000))) == 2000


def test_it_left_again_where_a_later_second_is_not_good_enough():
    assert not left_again(outside(5000, (0, 400)), 400)
    assert not left_again(outside(5000, (0, 400), (3000, 3050)), 400)
    assert left_again(outside(5000, (0, 400), (3000, 3051)), 400)


def test_a_stretch_that_must_be_good_as_a_whole_may_be_longer_than_a_second():
    assert back(outside(5000, (1500, 1700)), until=3000) == 1700
    assert back(outside(5000, (1500, 1640)), until=3000) == 0  # 5 % of three seconds
    assert back(outside(5000, (1500, 1700))) == 0

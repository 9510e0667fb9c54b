"""Labels at the ends of lines never overlap."""

import itertools

import pytest

from bench.charts.labels import spread


def test_labels_far_apart_stay_where_they_are():
    assert spread([0.2, 0.8], 0.1, 0, 1) == [0.2, 0.8]


def test_labels_that_would_overlap_are_moved_apart_and_keep_their_order():
    found = spread([0.5, 0.52, 0.51], 0.1, 0, 1)
    assert found[0] < found[2] < found[1]
    assert all(abs(one - other) >= 0.1 - 1e-9 for one, other in itertools.combinations(found, 2))


def test_labels_stay_within_their_limits():
    found = spread([0.99, 0.98, 1.0], 0.1, 0, 1)
    assert min(found) == pytest.approx(0.8)
    assert max(found) == pytest.approx(1.0)
    assert spread([0.0, 0.01], 0.1, 0.03, 1) == pytest.approx([0.03, 0.13])


def test_no_labels_need_no_room():
    assert spread([], 0.1, 0, 1) == []

import itertools

import pytest

from bench.charts.dark import contrast
from bench.charts.style import _KNOWN, _OTHERS, INK, QUIET, styles


@pytest.mark.parametrize("color", [style.color for style in (*_KNOWN.values(), *_OTHERS)] + [INK, QUIET])
def test_every_color_can_be_read_as_text_on_white(color):
    assert contrast(color, "white") >= 4.5


def test_no_two_topologies_share_color_marker_or_line():
    every = [*_KNOWN.values(), *_OTHERS]
    for one, other in itertools.combinations(every, 2):
        assert one.color != other.color
        assert one.marker != other.marker
        assert one.line != other.line


def test_a_known_topology_looks_the_same_whoever_else_is_there():
    assert styles(["direct"])["direct"] == styles(["mine", "direct", "freelance"])["direct"]


def test_strangers_get_looks_of_their_own():
    found = styles(["zeta", "alpha", "direct"])
    assert len({style.color for style in found.values()}) == 3
    assert styles(["alpha", "zeta"])["alpha"] == found["alpha"]

"""Charts in the dark: other colours, the same contrasts."""

import itertools

import pytest

from bench.charts.dark import CARD, contrast, darkened
from bench.charts.style import _KNOWN, _OTHERS, BAND, FATES, FAULT, GRID, INK, QUIET, ROLES

COLORS = [
    *(style.color for style in (*_KNOWN.values(), *_OTHERS)),
    *(color for color, _ in (*FATES.values(), *ROLES.values())),
    INK, QUIET, GRID, FAULT, BAND, "#ffffff",
]  # fmt: skip


def test_white_becomes_the_card():
    assert darkened("#ffffff") == CARD


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(COLORS, 2)))
def test_two_colors_keep_their_contrast(one, other):
    assert contrast(darkened(one), darkened(other)) == pytest.approx(contrast(one, other), rel=0.04)


def test_black_is_as_bright_as_there_is():
    assert darkened("#000000") == "#ffffff"


def test_contrast_is_that_of_the_standard():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)

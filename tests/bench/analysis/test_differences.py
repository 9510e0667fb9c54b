"""Rows of one comparison: who is named better, how seldom among equals, how surely where one is slower."""

from collections.abc import Iterator, Mapping
from random import Random

import pytest
from numpy import exp

from bench.analysis.differences import BY_CHANCE, NO_RATIO, NOISE, TOO_FEW, UNANSWERED, Between, Row, compared
from bench.paired import PAIRS_MIN, Finding, noise_floor

PAIRS = 6
FIGURES = {"capacity_per_s": 0.02, "p99_ms at 0.3": 0.04, "p99_ms at 0.5": 0.05, "p99_ms at 0.8": 0.06}
"""Rows of a comparison, with the standard deviation of the log from trial to trial."""

ONE = {1: 100.0, 2: 104.0, 3: 98.0, 4: 101.0, 5: 103.0, 6: 97.0}
WOBBLE = (1.001, 0.998, 1.0, 1.002, 0.999, 1.001)

Side = Mapping[int, float | None]


def slower(times: float, side: Mapping[int, float] = ONE) -> dict[int, float]:
    return {
        trial: value * times * wobble for (trial, value), wobble in zip(side.items(), WOBBLE, strict=False)
    }


def row(one: Side, other: Side, figure: str = "p99_ms at 0.5", higher_is_better: bool = False) -> Row:
    return Row("a", "b", figure, one, other, higher_is_better)


def only(found: Row) -> Between:
    return compared([found])["a/b"][found.figure]


def test_the_first_is_named_by_what_it_is_against_the_second():
    assert only(row(ONE, slower(1.2))).verdict is Finding.BETTER
    assert only(row(slower(1.2), ONE)).verdict is Finding.WORSE
    assert only(row(slower(1.2), ONE, higher_is_better=True)).verdict is Finding.BETTER


def test_the_ratio_is_first_over_second():
    found = only(row(slower(1.2), ONE))
    assert found.ratio is not None
    assert found.ratio.low < found.ratio.median < found.ratio.high
    assert found.ratio.median == pytest.approx(1.2, rel=0.01)
    assert (found.pairs, found.ratio.n, found.why_none) == (6, 6, "")


def test_only_trials_that_both_have_are_paired():
    found = only(row({**ONE, 7: 5000.0, 8: 6000.0}, slower(1.2)))
    assert found.pairs == 6
    assert found.verdict is Finding.BETTER


def test_five_pairs_are_not_ranked_and_it_is_told_how_many_it_takes():
    few = {trial: ONE[trial] for trial in range(1, PAIRS_MIN)}
    found = only(row(few, slower(2, few)))
    assert (found.verdict, found.why_none, found.pairs) == (Finding.NONE, TOO_FEW, 5)
    assert found.p_holm is None
    assert found.pairs_needed == PAIRS_MIN


def test_one_pair_says_nothing():
    found = only(row({1: 10.0}, {1: 20.0}))
    assert found == Between(None, None, None, Finding.NONE, TOO_FEW, None, 1, None)


def test_a_difference_within_what_each_shows_to_itself_is_not_named():
    """Trials that vary together differ by 2 % in every pair, and among each other by far more."""
    wild = {1: 50.0, 2: 70.0, 3: 100.0, 4: 140.0, 5: 200.0, 6: 280.0}
    found = only(row(wild, slower(1.02, wild)))
    assert found.p_holm is not None
    assert found.p_holm < 0.01
    assert (found.verdict, found.why_none) == (Finding.NONE, NOISE)


def test_the_floor_is_that_of_the_noisier_of_the_two():
    wild = {1: 50.0, 2: 70.0, 3: 100.0, 4: 140.0, 5: 200.0, 6: 280.0}
    assert (
        only(row(ONE, wild)).noise_floor
        == only(row(wild, ONE)).noise_floor
        == noise_floor(list(wild.values()))
    )


def test_a_trial_that_has_no_p99_is_not_left_out_in_its_topology_s_favour():
    found = only(row({**ONE, 7: None}, {**slower(1.2), 7: 120.0}))
    assert (found.verdict, found.why_none, found.pairs) == (Finding.NONE, UNANSWERED, 6)


def test_a_zero_on_one_side_has_no_ratio():
    found = only(row({**ONE, 7: 0.0}, {**slower(1.2), 7: 1.0}))
    assert (found.verdict, found.why_none, found.ratio) == (Finding.NONE, NO_RATIO, None)


def test_a_row_pays_for_the_company_that_it_keeps():
    """p = 0.03 alone is not so much among four."""
    near = {trial: value * factor for (trial, value), factor in zip(ONE.items(), _near(), strict=True)}
    alone = only(row(ONE, near))
    assert alone.p is not None
    assert 0.0125 < alone.p < 0.05
    assert alone.p_holm == alone.p
    figures = "abcd"
    company = compared([row(ONE, near, figure) for figure in figures])["a/b"]
    assert [each.p_holm for each in company.values()] == pytest.approx([4 * alone.p] * 4)
    assert {each.why_none for each in company.values()} == {BY_CHANCE}


def _near() -> list[float]:
    return [1.01, 1.06, 1.03, 1.08, 0.99, 1.05]


# --- among equals, and with a slowdown planted: synthetic trials of one topology --------------------------


def recorded(chance: Random, sd: float) -> list[float]:
    """Twelve trials of one topology: lognormal, on a machine that gets slower by 3 % meanwhile."""
    return [float(exp(chance.gauss(0, sd) + 0.03 * trial / 12)) for trial in range(2 * PAIRS)]


def comparison(chance: Random, slowdown: float) -> dict[str, Between]:
    """Its trials paired among each other at random, as if they were of two; the second is slower in all figures."""
    rows = []
    for figure, sd in FIGURES.items():
        trials = recorded(chance, sd)
        chance.shuffle(trials)
        one, other = trials[:PAIRS], [value * slowdown for value in trials[PAIRS:]]
        rows.append(row(dict(enumerate(one)), dict(enumerate(other)), figure))
    return compared(rows)["a/b"]


def comparisons(slowdown: float, n: int) -> Iterator[dict[str, Between]]:
    chance = Random(40)
    return (comparison(chance, slowdown) for _ in range(n))


def test_forty_comparisons_of_one_with_itself_name_a_winner_in_at_most_one_of_twenty():
    named = [any(each.verdict is not Finding.NONE for each in found.values()) for found in comparisons(1, 40)]
    assert sum(named) <= 2


def test_among_equals_a_p_is_as_often_small_as_it_says():
    """Without the floor, and each row alone: neither the correction nor the floor is what holds the test above."""
    ps = [each.p for found in comparisons(1, 100) for each in found.values() if each.p is not None]
    assert len(ps) == 400
    assert sum(p < 0.05 for p in ps) / len(ps) == pytest.approx(0.05, abs=0.03)


@pytest.mark.parametrize("figure", FIGURES)
def test_a_slowdown_of_a_fifth_is_found_in_nine_of_ten(figure: str) -> None:
    found = [each[figure].verdict for each in comparisons(1.2, 40)]
    assert found.count(Finding.BETTER) >= 36
    assert Finding.WORSE not in found

"""Topologies in order, from verdicts on each two of them."""

import pytest

from bench.analysis.differences import BY_CHANCE, NO_RATIO, NOISE, TOO_FEW, UNANSWERED, Between, Differences
from bench.paired import Finding
from bench.report.verdict import Verdict, judge, listed, words
from bench.statistics import Estimate

CARRIES = "carries more", "carry more"


def between(
    verdict: Finding = Finding.NONE, why: str = "", pairs: int = 6, needed: int | None = 14
) -> Between:
    ratio = Estimate(1.02, 0.9, 1.1, pairs)
    why = why if why or verdict is not Finding.NONE else BY_CHANCE
    return Between(ratio, 0.5, 1.0, verdict, why, 0.031, pairs, needed)


def differences(**verdicts: Between) -> Differences:
    """``a_b``: of a against b."""
    return {two.replace("_", "/"): {"figure": each} for two, each in verdicts.items()}


def judged(names: str, **verdicts: Between) -> Verdict:
    return judge(list(names), differences(**verdicts), "figure")


BETTER, WORSE, NONE = between(Finding.BETTER), between(Finding.WORSE), between()


def test_one_that_is_better_than_each_other_wins():
    found = judged("abc", a_b=BETTER, a_c=BETTER, b_c=NONE)
    assert found == Verdict(("a",), ("b", "c"), "")
    assert found.winner == "a"
    assert words(found, *CARRIES) == "a carries more than b and c."


def test_the_one_named_second_may_win():
    assert judged("ab", a_b=WORSE).winner == "b"
    assert judged("ba", a_b=WORSE).winner == "b"


def test_the_last_of_three_is_behind_two_that_cannot_be_told_apart():
    found = judged("abc", a_b=NONE, a_c=BETTER, b_c=BETTER)
    assert found.winner is None
    assert words(found, *CARRIES) == "a and b carry more than c, and cannot be ranked among themselves."


def test_one_that_cannot_be_told_from_one_of_the_best_is_not_behind():
    """a is better than c, b differs from neither: b may be as bad as c, or as good as a."""
    found = judged("abc", a_b=NONE, a_c=BETTER, b_c=NONE)
    assert (found.best, found.behind, found.winner) == (("a", "b", "c"), (), None)


def test_a_winner_of_all_leaves_the_order_of_the_others_open():
    assert judged("abc", a_b=BETTER, a_c=BETTER, b_c=BETTER) == Verdict(("a",), ("b", "c"), "")


def test_a_circle_ranks_nobody():
    found = judged("abc", a_b=BETTER, b_c=BETTER, a_c=WORSE)
    assert (found.best, found.behind, found.winner) == (("a", "b", "c"), (), None)


def test_of_too_few_trials_it_is_told_how_many_there_are_and_how_many_it_takes():
    found = judged("ab", a_b=between(why=TOO_FEW, pairs=2))
    assert words(found, *CARRIES) == (
        "2 paired trials are too few to rank them: at least 6 are needed (about 14 pairs for an interval of ± 5 %)."
    )
    one = judged("ab", a_b=between(why=TOO_FEW, pairs=1, needed=None))
    assert words(one, *CARRIES) == "1 paired trial is too few to rank them: at least 6 are needed."


@pytest.mark.parametrize(
    ("why", "said"),
    [
        (BY_CHANCE, "No difference that this data can show (about 14 pairs for an interval of ± 5 %)."),
        (NOISE, "They differ by less than this machine's noise floor, 3.1 %: not ranked."),
        (
            UNANSWERED,
            "A trial in which too much went unanswered has no such figure: this run cannot rank them.",
        ),
        (NO_RATIO, "One of them had nothing where another had something: this run cannot rank them."),
    ],
)
def test_it_says_why_nobody_is_ranked(why: str, said: str) -> None:
    assert words(judged("ab", a_b=between(why=why)), *CARRIES) == said


def test_one_alone_has_nobody_to_beat():
    found = judged("a")
    assert found.winner is None
    assert words(found, *CARRIES) == ""


def test_names_are_listed():
    assert [listed(names) for names in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == [
        "",
        "a",
        "a and b",
        "a, b and c",
    ]

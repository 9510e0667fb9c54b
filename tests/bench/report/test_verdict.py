from typing import Any

from bench.analysis.contrasts import CAPACITY, contrasts
from bench.report.verdict import listed, verdict
from bench.statistics import summarize

NOISE = (1.00, 1.01, 0.99, 1.02, 0.98, 1.005, 0.995, 1.01)


def said(pairs: int = 6, name: str = CAPACITY, **levels: float) -> str:
    """Of topologies whose trials are at a level, each with a noise of its own."""
    values = {
        side: {trial: level * NOISE[(trial * (3 + place)) % 8] for trial in range(1, pairs + 1)}
        for place, (side, level) in enumerate(levels.items())
    }
    known: Any = {side: summarize(list(of_trials.values())) for side, of_trials in values.items()}
    return verdict(contrasts({name: values}), name, known, "carries more", "carry more")


def test_one_that_differs_from_all_wins_and_by_how_much_is_told():
    text = said(a=100, b=80, c=84)
    assert text.startswith("a carries more than b and c (1.19 (")
    assert text.endswith(" times the figure of the nearest).")


def test_of_latencies_the_lower_wins():
    assert said(name="p99_ms@0.8", a=10, b=8).startswith("b carries more than a (0.79 (")


def test_two_may_be_ahead_of_a_third():
    assert said(a=100, b=100.1, c=50) == "a and b carry more than c, and cannot be ranked among themselves."


def test_what_does_not_differ_is_not_ranked_and_how_many_trials_would_tell_is_said():
    text = said(a=100, b=100.1)
    assert text.startswith("This run cannot rank them: ")
    assert text.endswith(" trials would give intervals of 5 %.")


def test_with_too_few_pairs_nobody_is_ranked():
    assert said(pairs=2, a=100, b=10) == (
        "2 pairs of trials are too few to rank them: at least 6 are needed (--trials 6)."
    )
    assert said(pairs=1, a=100, b=10).startswith("1 pair of trials is too few")


def test_one_alone_has_nobody_to_be_compared_with():
    assert said(a=100) == ""


def test_a_list_of_names():
    assert listed(("a",)) == "a"
    assert listed(["a", "b", "c"]) == "a, b and c"

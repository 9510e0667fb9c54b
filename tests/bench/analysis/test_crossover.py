"""Who wins where, from trials that are made up: nobody without pairs, nobody by luck, nobody by leaving trials out."""

import numpy as np
import pytest

from bench.analysis.cells import CellFindings, InCell
from bench.analysis.crossover import crossover, sentence
from bench.scenario_file import load

TRIALS = 6


def scenario(*changes):
    return load(
        "crossover", ["sweep.fronts=[1, 2, 8]", "sweep.workers=[]", "sweep.mean_ms=[5, 20]", *changes]
    )


def in_cell(topology, p99, capacity, *, trials=TRIALS):
    """``p99``: {load: value or {trial: value}}, with a spread of 1 % that trials share with those of other topologies."""
    return InCell(
        topology,
        trials,
        None,
        [],
        [],
        0,
        spread(capacity, trials),
        {at: value if isinstance(value, dict) else spread(value, trials) for at, value in p99.items()},
    )


def spread(value, trials=TRIALS, mood=0.1):
    moods = np.random.default_rng(1).normal(1, mood, trials)
    own = np.random.default_rng([int(value * 100)]).normal(1, 0.01, trials)
    return {trial + 1: abs(value * moods[trial] * own[trial]) for trial in range(trials)}


def shift(values, times):
    """The same, so many times as long but for a hair: in pairs, as certain as can be."""
    return {trial: value * (times + trial * 1e-5) for trial, value in values.items()}


def cells_of(here, *topologies):
    """Every cell of a scenario with the same figures."""
    return [CellFindings(cell, 100.0, list(topologies)) for cell in here.cells]


def at(verdicts, load="0.8", cell="f8-m5"):
    return next(verdict for verdict in verdicts if (verdict.cell, verdict.load) == (cell, load))


PIRATE = in_cell("paranoid-pirate", {"0.5": 50, "0.8": 60}, 400)
FREELANCE = in_cell("freelance", {"0.5": 50.1, "0.8": 80}, 480)


@pytest.fixture(scope="module")
def verdicts():
    here = scenario()
    return crossover(cells_of(here, PIRATE, FREELANCE), here)


def test_every_load_and_the_throughput_of_every_cell_is_a_place(verdicts):
    assert [(each.cell, each.load, each.figure) for each in verdicts][:4] == [
        ("f1-m5", "0.5", "p99"), ("f1-m5", "0.8", "p99"), ("f1-m5", "", "throughput"), ("f1-m20", "0.5", "p99"),
    ]  # fmt: skip
    assert len(verdicts) == 6 * 3


def test_the_shorter_tail_and_the_higher_throughput_win(verdicts):
    tail, carried = at(verdicts), at(verdicts, "")
    assert (tail.winner, tail.against, tail.n) == ("paranoid-pirate", "freelance", 6)
    assert tail.better_by.median == pytest.approx(0.25, abs=0.02)
    assert tail.better_by.low <= tail.better_by.median <= tail.better_by.high
    assert carried.winner == "freelance"
    assert carried.better_by.median == pytest.approx(0.2, abs=0.02)


def test_what_pairs_share_hides_no_difference(verdicts):
    values = list(PIRATE.p99_ms["0.8"].values())
    assert max(values) / min(values) > 1.2  # trials differ by far more than the pairs of them do
    assert at(verdicts).p < 0.001


def test_nobody_wins_by_less_than_each_shows_to_itself_in_that_place():
    """Trials that vary by a third from schedule to schedule, in each pair alike; elsewhere they do not, and the floor is not theirs."""
    here = scenario()
    rows = [
        each._replace(p99_ms={"0.5": spread(value), "0.8": spread(value, mood=0.3)})
        for each, value in ((PIRATE, 60), (FREELANCE, 75))
    ]
    found = crossover(cells_of(here, *rows), here)
    calm, wild = at(found, "0.5"), at(found)
    assert wild.p < 0.01
    assert wild.noise_floor > 0.25 > calm.noise_floor
    assert (calm.winner, wild.winner, wild.best) == ("paranoid-pirate", None, "paranoid-pirate")


def test_whom_the_noise_floor_keeps_from_being_told_is_named():
    """By p alone the other would be the hardest."""
    here = scenario()
    near = FREELANCE._replace(topology="near", p99_ms={"0.8": shift(PIRATE.p99_ms["0.8"], 1.03)})
    far = FREELANCE._replace(topology="far", p99_ms={"0.8": spread(90)})
    verdict = at(crossover(cells_of(here, PIRATE, far, near), here))
    assert (verdict.winner, verdict.against) == (None, "near")
    assert verdict.p < 1e-6


def test_what_cannot_be_told_apart_has_no_winner(verdicts):
    alike = at(verdicts, "0.5")
    assert alike.winner is None
    assert alike.p >= 0.05


def test_holms_correction_is_over_all_places_of_the_run():
    here = scenario()
    slight = in_cell("freelance", {"0.8": 60.9}, 404)
    alone = crossover(cells_of(here, PIRATE._replace(p99_ms={"0.8": PIRATE.p99_ms["0.8"]}), slight)[:1], here)
    many = crossover(cells_of(here, PIRATE._replace(p99_ms={"0.8": PIRATE.p99_ms["0.8"]}), slight), here)
    assert [each.p or 0 for each in many[: len(alone)]] > [each.p or 0 for each in alone]
    assert all((each.p or 0) >= (one.p or 0) for each, one in zip(many, alone, strict=False))


def test_a_winner_differs_from_each_of_the_others():
    here = scenario()
    rival = in_cell("direct", {"0.5": 50, "0.8": 60.01}, 100)
    verdict = at(crossover(cells_of(here, PIRATE, FREELANCE, rival), here))
    assert verdict.winner is None
    assert {verdict.best, verdict.against} == {"paranoid-pirate", "direct"}


def test_too_few_pairs_name_no_winner():
    here = scenario()
    few = [each._replace(trials=5) for each in (in_cell("paranoid-pirate", {"0.8": 60}, 400, trials=5),
                                                in_cell("freelance", {"0.8": 80}, 480, trials=5))]  # fmt: skip
    found = crossover(cells_of(here, *few), here)
    assert {(each.winner, each.p, each.better_by, each.n) for each in found} == {(None, None, None, 5)}
    assert sentence(found) == (
        "With at most 5 paired trials under each of the conditions no winner can be named: at least 6 are needed"
        " (--trials 6)."
    )


def test_nobody_wins_by_leaving_out_its_worst_trial():
    here = scenario()
    without = dict(list(spread(30, 7).items())[1:])
    quick = in_cell("paranoid-pirate", {"0.8": without}, 400, trials=7)
    slow = in_cell("freelance", {"0.8": spread(80, 7)}, 480, trials=7)
    verdict = at(crossover(cells_of(here, quick, slow), here))
    assert (verdict.winner, verdict.best, verdict.n) == (None, "freelance", 6)


def test_where_there_is_nobody_to_compare_with_there_is_no_verdict():
    here = scenario()
    assert crossover(cells_of(here, PIRATE), here) == []
    assert sentence([]) == ""


def test_the_sentence_counts_wins_and_leaves_out_what_ties_by_construction(verdicts):
    assert {each.tie for each in verdicts if each.cell.startswith("f1-")} == {True}
    said = sentence(verdicts)
    share = round(at(verdicts).better_by.median * 100)
    assert said.startswith(
        f"By p99, of 8 conditions: paranoid-pirate has the shorter tail in 4 (by {share} %, all at load 0.8);"
        " in 4 the data cannot tell. By throughput, of 4 conditions: freelance carries more in 4 (by "
    )
    assert said.endswith(
        "At least 6 paired trials under each, 5 % after Holm's correction, above the noise floor, at equal outstanding per worker."
    )


def test_the_sentence_tells_the_corner_of_the_map_in_which_all_wins_are():
    here = scenario()
    cells = [
        CellFindings(cell, 100.0, [PIRATE, FREELANCE if cell.fronts == 8 and cell.mean_ms == 20 else
                                   FREELANCE._replace(p99_ms={"0.5": spread(50.1), "0.8": spread(60.1)})])
        for cell in here.cells
    ]  # fmt: skip
    said = sentence(crossover(cells, here))
    assert "all at load 0.8, all at 20 ms, all at 8 fronts); in 7 the data cannot tell." in said


def test_a_load_that_two_phases_play_stands_in_the_corner_as_its_fraction():
    here = scenario()
    rows = [
        each._replace(p99_ms={"0.5": each.p99_ms["0.5"], "0.8 (bursts)": each.p99_ms["0.8"]})
        for each in (PIRATE, FREELANCE)
    ]
    assert "all at load 0.8)" in sentence(crossover(cells_of(here, *rows), here))


def test_the_sentence_says_that_nothing_can_be_told():
    here = scenario()
    said = sentence(crossover(cells_of(here, PIRATE, PIRATE._replace(topology="freelance")), here))
    assert said.startswith("By p99, of 8 conditions: in none the data can tell. By throughput, of 4")


def noisy(topology, chance, tail=60.0):
    """Trials that share nothing, 5 % apart."""

    def one(value):
        return {trial: value * float(np.exp(chance.normal(0, 0.05))) for trial in range(1, TRIALS + 1)}

    return InCell(topology, TRIALS, None, [], [], 0, one(400), {load: one(tail) for load in ("0.5", "0.8")})


def maps(slower, count=40):
    """Maps of six cells; the second topology's tail is ``slower`` times the first one's."""
    here, chance = scenario(), np.random.default_rng(5)
    for _ in range(count):
        cells = [
            CellFindings(
                cell, 100, [noisy("paranoid-pirate", chance), noisy("freelance", chance, 60 * slower)]
            )
            for cell in here.cells
        ]
        yield crossover(cells, here)


def test_two_that_are_the_same_have_a_winner_anywhere_in_at_most_one_map_of_twenty():
    assert sum(any(verdict.winner for verdict in verdicts) for verdicts in maps(1.0)) <= 2


def test_a_tail_that_is_a_fifth_shorter_is_found_in_nine_places_of_ten():
    tails = [verdict.winner for verdicts in maps(1.25, 10) for verdict in verdicts if verdict.figure == "p99"]
    assert len(tails) == 10 * 12
    assert tails.count("freelance") == 0
    assert tails.count("paranoid-pirate") >= 0.9 * len(tails)

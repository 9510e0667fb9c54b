"""Queues as sampled beside waits as told are judged only where they can be."""

import pytest
from msgspec.structs import replace

from bench.analysis.little import Law
from bench.checks.check import judge
from bench.checks.little import LITTLE, WAITING_MIN, queues
from tests.bench.analysis import steps as made
from tests.bench.checks.provoked import QUICK, of_queue
from tests.bench.facts import EPISODE, Facts


def judged(recorded):
    return judge({"little": LITTLE}, QUICK, recorded).checked["little"].judged


def test_a_step_in_which_hardly_any_waits_is_not_judged():
    assert judged(of_queue(0.1, 1.9)) == 0
    assert judged(of_queue(WAITING_MIN, 0.1)) == 1


@pytest.mark.parametrize(
    ("law", "fires"),
    [
        (
            Law(2.05, 1.11, 2.01, 198),
            False,
        ),  # recorded: 20 samples of a short step happened to meet a long queue
        (Law(4.25, 5.2, 2.51, 179), False),
        (Law(2.1, 5.2, 2.51, 179), True),  # the same, had the gauge told half
        (Law(10.4, 5.2, 2.51, 179), True),
    ],
)
def test_what_chance_may_explain_is_no_reason_and_a_gauge_that_is_wrong_by_half_is_one(law, fires):
    verdict = judge({"little": LITTLE}, QUICK, of_queue(0)._replace(queues={"0.7": law}))
    assert bool(verdict.reasons.get("little")) == fires


@pytest.mark.parametrize(
    ("unanswered", "per_ms", "known"),
    [(0, 1 / 25, True), (40, 1 / 25, False), (0, 5.0, True), (0, 5.1, False)],
)
def test_only_steps_whose_waits_are_known_and_seen_are_held_to_the_law(unanswered, per_ms, known):
    due_ms = [number / per_ms for number in range(int(9_900 * per_ms))]
    rows = made.transactions(due_ms, [at_ms + 10 for at_ms in due_ms])
    fates = rows.fate.copy()
    fates[:unanswered] = made.transactions([0], [5], "unknown").fate[0]
    step = made.step(rows._replace(fate=fates), duration_ms=10_000)
    key = EPISODE
    step = step._replace(
        episode=replace(step.episode, phase=key.phase, topology=key.topology, trial=key.trial)
    )
    facts = Facts(key, step.played.name)
    for at_ms in range(0, 10_000, 100):
        facts.sample(made.ns(at_ms), "front-1", "queued", 3)
    found = queues(facts.database(), [step])
    assert list(found) == ([(key, step.played.name)] if known else [])
    assert all(law.sampled == pytest.approx(3) for law in found.values())

"""Queues as sampled beside waits as told: the two agree on a path of known waits, and are judged only where they can."""

import pytest
from msgspec.structs import replace

from bench.checks.check import judge
from bench.checks.little import LITTLE, SAMPLES_MIN, sampled, waiting
from bench.checks.recorded import Sampled
from tests.bench.analysis import steps as made
from tests.bench.checks.provoked import QUICK, of_queue
from tests.bench.facts import EPISODE, Facts


def judged(recorded):
    return judge({"little": LITTLE}, QUICK, recorded).checked["little"].judged


def test_a_wait_counts_as_far_as_it_is_in_the_measured_part():
    rows = made.transactions([-500, 900], [600, 1900])
    rows = rows._replace(waited_us=rows.waited_us + 1_000_000)
    step = made.step(rows, duration_ms=1000)
    assert waiting(step) == pytest.approx(0.5 + 0.1)


def test_queues_are_added_up_over_parts_in_the_measured_part_alone():
    step = made.step(made.transactions([0], [5]), duration_ms=1000)
    key = EPISODE
    step = step._replace(
        episode=replace(step.episode, phase=key.phase, topology=key.topology, trial=key.trial)
    )
    facts = Facts(key, step.played.name)
    for at_ms, queued, waits in ((-10, 99, 99), (100, 1, 2), (200, 3, 2), (1001, 99, 99)):
        facts.sample(made.ns(at_ms), "front-1", "queued", queued)
        facts.sample(made.ns(at_ms), "worker-1", "waiting", waits)
        facts.sample(made.ns(at_ms), "worker-1", "executing", 50)
    assert sampled(facts.database(), [step]) == {(key, step.played.name): Sampled(2 + 2, 2)}


def test_a_step_in_which_hardly_any_waits_is_not_judged():
    few = of_queue(0.0)
    rows = few.steps[0].transactions
    few = few._replace(
        steps=[few.steps[0]._replace(transactions=rows._replace(waited_us=rows.waited_us // 10))]
    )
    assert judged(few) == 0


def test_few_samples_judge_nobody():
    assert judged(of_queue(2.0, SAMPLES_MIN - 1)) == 0
    assert judged(of_queue(2.0, SAMPLES_MIN)) == 1


def test_a_step_whose_waits_are_not_known_is_not_judged():
    queue = of_queue(2.0)
    rows = queue.steps[0].transactions
    unknown = made.transactions([0], [5], "unknown").fate[0]
    fates = rows.fate.copy()
    fates[:40] = unknown
    assert (
        judged(queue._replace(steps=[queue.steps[0]._replace(transactions=rows._replace(fate=fates))])) == 0
    )

"""Depths that are counted from the very stays agree with them; what one side does not tell is found."""

import numpy as np
import pytest

from bench.analysis.little import SAMPLES_MIN, hold, little
from bench.analysis.recording import key_of
from bench.theory.replay import central_queue
from tests.bench.analysis.steps import ns, step, transactions
from tests.bench.facts import Facts

END_S = 30.0
NS = 1e9


@pytest.fixture(scope="module")
def stays():
    """Of an M/M/4 at 0.8: when each came to the queue and left it, s."""
    generator = np.random.default_rng(7)
    arrivals = np.cumsum(generator.exponential(0.010 / 4 / 0.8, 12_000)) - 1
    waits = central_queue(arrivals, generator.exponential(0.010, arrivals.size), 4)
    return arrivals, arrivals + waits


def sampled(stays, every_s=0.1):
    at = np.arange(0.05, END_S, every_s)
    depth = np.array([np.count_nonzero((stays[0] <= t) & (stays[1] > t)) for t in at], dtype=float)
    text = np.full(at.size, "broker-1", dtype=object), np.full(at.size, "queued", dtype=object)
    return {"part": text[0], "name": text[1], "t_ns": (at * NS).astype(np.int64), "value": depth}


def held(rows, stays):
    come, gone = ((side * NS).astype(np.int64) for side in stays)
    return hold(rows, come, gone, 0, int(END_S * NS))


def test_sampled_depths_agree_with_the_waits_of_the_same_queue(stays):
    law = held(sampled(stays), stays)
    assert law.holds
    inside = (stays[0] > 0) & (stays[1] < END_S)
    assert law.implied == pytest.approx((stays[1] - stays[0])[inside].sum() / END_S, rel=0.02)
    assert 0 < law.tolerance < 0.5 * law.implied
    assert law.n == 300


def test_waits_that_no_answer_tells_of_are_found(stays):
    half = np.arange(stays[0].size) % 2 == 0
    law = held(sampled(stays), (stays[0][half], stays[1][half]))
    assert not law.holds
    assert law.deviation > 0.5


def test_depths_that_a_part_does_not_count_are_found(stays):
    rows = sampled(stays)
    assert not held({**rows, "value": rows["value"] / 2}, stays).holds


def test_queues_of_several_parts_are_added_up(stays):
    rows = sampled(stays)
    two = {name: np.concatenate([rows[name], rows[name]]) for name in rows}
    two["part"] = np.repeat(np.array(["front-1", "front-2"], dtype=object), 300)
    assert held(two, stays).sampled == pytest.approx(2 * held(rows, stays).sampled)


def test_an_empty_queue_is_no_deviation(stays):
    nothing = np.zeros(0), np.zeros(0)
    law = held({**sampled(stays), "value": np.zeros(300)}, nothing)
    assert law.holds
    assert law.deviation is None


def test_too_few_samples_tell_nothing(stays):
    rows = {name: column[:: 300 // (SAMPLES_MIN - 10)] for name, column in sampled(stays).items()}
    assert held(rows, stays) is None


def test_places_are_read_from_the_tables_of_a_run(stays):
    played = step(transactions([0.0], [10.0]), duration_ms=30_000)
    facts = Facts(key_of(played.episode), played.played.name)
    for index, (come, begun) in enumerate(zip(*stays, strict=True)):
        facts.transaction(f"t-{index}", waited_us=round((begun - come) * 1e6))
        facts.execution(f"t-{index}", begun_ns=ns(begun * 1e3), finished_ns=ns(begun * 1e3 + 10))
    rows = sampled(stays)
    for t_ns, value in zip(rows["t_ns"].tolist(), rows["value"].tolist(), strict=True):
        facts.sample(ns(0) + t_ns, "broker-1", "queued", value)
    laws = little(facts.database(), played)
    assert list(laws) == ["queued"]
    assert laws["queued"].holds

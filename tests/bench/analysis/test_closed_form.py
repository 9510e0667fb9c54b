"""Closed forms beside paths made by the exact recursions: inside the interval where the load is as told, else not."""

import math

import numpy as np
import pytest

from bench.analysis.closed_form import BATCHES, Form, Load, curve, form, predict
from bench.analysis.queueing import Path, Shares
from bench.analysis.theory_summary import closed_form
from bench.phases import Open
from bench.theory import replay
from bench.theory.closed_forms import mmc_mean_wait, mmc_response_quantile
from common.services import ServiceSpec
from tests.bench.analysis.steps import step, transactions

WORKERS, SERVICE_MS, LOAD = 8, 20.0, 0.8
LONG = 96_000
CENTRAL = Shares("when-free", central=True, credit=1)
IN_TURN = Shares("in-turn", central=False, credit=1)
EXPONENTIAL = ServiceSpec(name="sleep", distribution="exponential", mean_ms=SERVICE_MS)
EMPTY = step(transactions([], []))


def arrivals_and_service(count, seed):
    """ms, from 5 s before the measured part on."""
    generator = np.random.default_rng(seed)
    arrivals = np.cumsum(generator.exponential(SERVICE_MS / WORKERS / LOAD, count)) - 5000
    return arrivals, generator.exponential(SERVICE_MS, count)


def played(waits_of, count=LONG, longer=1.0, besides_ms=1.0, seed=3):
    """Path and step; ``longer``: how much longer each service takes than is told."""
    arrivals, told = arrivals_and_service(count, seed)
    waits = waits_of(arrivals, told * longer, WORKERS)
    done = arrivals + waits + told * longer + besides_ms
    rows = transactions(arrivals.tolist(), done.tolist())
    zeros = np.zeros(count, dtype=np.int64)
    path = Path(
        rows.scheduled_ns, rows.sent_ns, rows.done_ns, rows.warmup,
        np.rint(waits * 1e3).astype(np.int64), np.rint(told * 1e3).astype(np.int64), zeros, zeros, zeros, zeros,
    )  # fmt: skip
    return path, step(rows)


def beside(waits_of, shares, **changes):
    """As the summary has it."""
    path, recorded = played(waits_of, **changes)
    found = predict(path, form(shares, WORKERS, 1, recorded, EXPONENTIAL), recorded)
    assert found
    return closed_form([found])


@pytest.mark.parametrize(
    ("waits_of", "shares", "name"),
    [(replay.central_queue, CENTRAL, "M/M/8"), (replay.blind_round_robin, IN_TURN, "E8/M/1")],
)
def test_the_closed_form_is_inside_the_interval_of_a_long_path_of_its_own(waits_of, shares, name):
    found = beside(waits_of, shares)
    assert found.model == name
    assert found.load.median == pytest.approx(LOAD, rel=0.01)
    assert found.interval.batches == BATCHES
    assert found.interval.low < found.mean_wait.measured_ms.median < found.interval.high
    assert found.inside
    assert found.p99_response.deviation.median == pytest.approx(0, abs=0.1)


@pytest.mark.parametrize(
    ("waits_of", "shares"), [(replay.central_queue, IN_TURN), (replay.blind_round_robin, CENTRAL)]
)
def test_the_closed_form_of_another_discipline_is_outside(waits_of, shares):
    assert beside(waits_of, shares).inside is False


def test_it_is_outside_where_service_is_silently_three_per_cent_longer_than_told():
    assert beside(replay.central_queue, CENTRAL, longer=1.03).inside is False


def test_a_short_step_has_a_prediction_and_no_interval():
    found = beside(replay.central_queue, CENTRAL, count=10_000)
    assert (found.interval, found.inside) == (None, None)
    assert found.mean_wait.predicted_ms.median > 0


def test_batches_are_far_longer_than_the_queue_remembers_or_there_are_none():
    minute = {"count": 24_000}  # batches of 3.5 s: M/M/8 forgets in 0.2 s, E8/M/1 in 1.1 s
    assert beside(replay.central_queue, CENTRAL, **minute).interval
    assert beside(replay.blind_round_robin, IN_TURN, **minute).interval is None


def test_several_trials_share_one_interval():
    trials = []
    for seed in (3, 4):
        path, recorded = played(replay.central_queue, seed=seed)
        trials.append(predict(path, Form(WORKERS, False, True), recorded))
    found = closed_form(trials)
    assert (found.interval.batches, found.load.n) == (2 * BATCHES, 2)
    one = closed_form(trials[:1]).interval
    assert found.interval.high - found.interval.low < one.high - one.low


def test_it_is_fed_what_was_measured():
    path, recorded = played(replay.central_queue, besides_ms=3.0)
    found = predict(path, Form(WORKERS, False, True), recorded)
    counted = ~path.warmup
    service_ms = path.slot_us[counted].mean() / 1e3
    span_ms = np.ptp(path.sent_ns[counted]) / 1e6
    load = (np.count_nonzero(counted) - 1) / span_ms * service_ms / WORKERS
    assert found.at.load == pytest.approx(load)
    assert found.at.besides_ms == pytest.approx(3.0, abs=0.001)
    less = (1 + found.at.service_cv**2) / 2
    assert found.wait_predicted_ms == pytest.approx(mmc_mean_wait(WORKERS, load, service_ms) * less)
    p99_ms = mmc_response_quantile(0.99, WORKERS, load, service_ms)
    assert found.p99_predicted_ms == pytest.approx(p99_ms + found.at.besides_ms)


def test_an_unstable_queue_has_none():
    path, recorded = played(replay.central_queue, count=2000)
    crowded = path._replace(slot_us=path.slot_us * 2)
    assert predict(crowded, Form(WORKERS, False, True), recorded) is None


def test_where_many_were_turned_away_there_is_none():
    path, recorded = played(replay.central_queue, count=2000)
    fewer = Path._make(column[:1900] for column in path)
    assert predict(fewer, Form(WORKERS, False, True), recorded) is None


# --- which there is


@pytest.mark.parametrize(
    ("shares", "dispatchers"),
    [
        (None, 1),
        (Shares("when-free", central=False, credit=1), 2),
        (Shares("in-turn", central=False, credit=1), 2),
        (Shares("when-free", central=True, credit=2), 1),
    ],
)
def test_there_is_none_for_several_dispatchers_nor_for_more_credit(shares, dispatchers):
    assert form(shares, WORKERS, dispatchers, EMPTY, EXPONENTIAL) is None


def test_a_broker_is_one_dispatcher_whatever_the_fronts():
    assert form(CENTRAL, WORKERS, 4, EMPTY, EXPONENTIAL).name == "M/M/8"
    assert form(Shares("when-free", central=False, credit=1), WORKERS, 1, EMPTY, EXPONENTIAL).name == "M/M/8"


def test_other_services_and_arrivals_have_a_mean_wait_alone():
    constant = ServiceSpec(name="sleep", distribution="constant", mean_ms=SERVICE_MS)
    central, in_turn = (form(shares, WORKERS, 1, EMPTY, constant) for shares in (CENTRAL, IN_TURN))
    at = Load(LOAD, SERVICE_MS, 0.0, 1.0, 0.0)
    assert central.name == "G/G/8 (Allen-Cunneen)"
    assert central.mean_wait(at) == pytest.approx(mmc_mean_wait(WORKERS, LOAD, SERVICE_MS) / 2)
    assert in_turn.name == "G/G/1 (Allen-Cunneen)"
    assert in_turn.mean_wait(at) == pytest.approx(mmc_mean_wait(1, LOAD, SERVICE_MS) / 8 / 2)
    assert central.response(0.99, at) is None
    evenly = step(
        transactions([], []),
        phase=Open(name="p", duration_s=1, warmup_s=0, loads=(0.5,), arrivals="constant"),
    )
    assert form(CENTRAL, WORKERS, 1, evenly, EXPONENTIAL).name == "G/G/8 (Allen-Cunneen)"


def test_recorded_arrivals_have_none():
    traced = Open(name="p", duration_s=1, warmup_s=0, loads=(0.5,), arrivals="trace", trace="a.csv")
    assert form(CENTRAL, WORKERS, 1, step(transactions([], []), phase=traced), EXPONENTIAL) is None


# --- to be drawn


def test_a_curve_goes_through_what_is_predicted_at_its_points():
    central = Form(WORKERS, False, True)
    loads = [Load(0.3, 20.0, 1.0, 1.0, 1.0), Load(0.82, 21.0, 2.0, 1.0, 1.0)]
    found = curve(central, [0.3, 0.8], loads, (0.5, 0.99))
    for q in (0.5, 0.99):
        assert found.by_quantile[q][0] == pytest.approx(central.response(q, loads[0]))
        assert found.by_quantile[q][-1] == pytest.approx(central.response(q, loads[1]))
    assert np.all(np.diff(found.by_quantile[0.99]) > 0)
    assert math.isclose(found.x[-1], 0.8)


def test_one_point_is_a_curve_too_and_what_has_no_quantile_is_none():
    at = [Load(0.3, 20.0, 1.0, 1.0, 1.0)]
    assert curve(Form(WORKERS, True, True), [0.3], at, (0.99,)).by_quantile[0.99].shape == (1,)
    assert curve(Form(WORKERS, True, False), [0.3], at, (0.99,)) is None


@pytest.mark.parametrize(
    ("waits_of", "shares"), [(replay.central_queue, CENTRAL), (replay.blind_round_robin, IN_TURN)]
)
def test_a_constant_hop_beside_the_service_makes_waits_shorter_than_exponential_ones(waits_of, shares):
    """As on real workers, where 20 ms of service occupy them for 21: less than M/M/c with 21."""
    arrivals, told = arrivals_and_service(LONG, 3)
    occupied = 0.9 * told + 2.0
    waits = waits_of(arrivals, occupied, WORKERS)
    rows = transactions(arrivals.tolist(), (arrivals + waits + occupied).tolist())
    zeros = np.zeros(LONG, dtype=np.int64)
    path = Path(
        rows.scheduled_ns, rows.sent_ns, rows.done_ns, rows.warmup,
        np.rint(waits * 1e3).astype(np.int64), np.rint(occupied * 1e3).astype(np.int64), zeros, zeros, zeros, zeros,
    )  # fmt: skip
    found = predict(path, form(shares, WORKERS, 1, step(rows), EXPONENTIAL), step(rows))
    assert found.at.service_cv == pytest.approx(0.9, abs=0.01)
    assert found.wait_predicted_ms == pytest.approx(found.wait_ms, rel=0.05)

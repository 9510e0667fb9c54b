"""The closed forms against the table of facts-theory.md, against other derivations, and at their edges."""

import math

import numpy as np
import pytest

from bench.theory.closed_forms import (
    allen_cunneen_mean_wait,
    erlang_c,
    mmc_mean_wait,
    mmc_relaxation,
    mmc_response_quantile,
    mmc_response_survival,
    round_robin_mean_wait,
    round_robin_relaxation,
    round_robin_response_quantile,
    round_robin_root,
)

# workers, load; then mean wait and p99 of the response, in service times, to the printed precision: central
# queue, blind round robin, random choice. As in facts-theory.md but for two cells: it prints W 0.02 for the
# central queue of 8 at 0.5, which is 0.0148, and p99 15.1 for round robin over 4 at 0.8, which is 15.047
# (15.1 is what W rounded to 2.27 would give). The two tests after the table's derive both in another way.
TABLE = [
    (4, 0.5, "0.09", "4.8", "0.43", "6.6", "1.00", "9.2"),
    (4, 0.8, "0.75", "6.9", "2.27", "15.0", "4.00", "23.0"),
    (4, 0.9, "1.97", "12.2", "5.38", "29.4", "9.00", "46.1"),
    (8, 0.5, "0.01", "4.6", "0.34", "6.2", "1.00", "9.2"),
    (8, 0.8, "0.29", "5.2", "1.98", "13.7", "4.00", "23.0"),
    (8, 0.9, "0.88", "7.1", "4.78", "26.6", "9.00", "46.1"),
]
CASES = [(workers, load) for workers, load, *_ in TABLE]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row[0]}-workers-{row[1]}")
def test_table_of_the_theory(row):
    workers, load, *printed = row
    computed = [
        f"{mmc_mean_wait(workers, load, 1.0):.2f}",
        f"{mmc_response_quantile(0.99, workers, load, 1.0):.1f}",
        f"{round_robin_mean_wait(workers, load, 1.0):.2f}",
        f"{round_robin_response_quantile(0.99, workers, load, 1.0):.1f}",
        f"{mmc_mean_wait(1, load, 1.0):.2f}",
        f"{mmc_response_quantile(0.99, 1, load, 1.0):.1f}",
    ]
    assert computed == printed


@pytest.mark.parametrize(("workers", "load"), CASES)
def test_erlang_c_is_the_textbook_sum(workers, load):
    offered = workers * load
    waiting = offered**workers / math.factorial(workers) / (1 - load)
    served_at_once = sum(offered**n / math.factorial(n) for n in range(workers))
    assert erlang_c(workers, load) == pytest.approx(waiting / (served_at_once + waiting), rel=1e-12)


@pytest.mark.parametrize(("workers", "load"), CASES)
def test_round_robin_root_is_the_polynomials_only_root_below_one(workers, load):
    offered = workers * load
    stages = np.polynomial.Polynomial([offered + 1, -1]) ** workers
    equation = np.polynomial.Polynomial([0, 1]) * stages - offered**workers
    below_one = [root.real for root in equation.roots() if abs(root.imag) < 1e-9 and 0 < root.real < 1 - 1e-6]
    assert below_one == [pytest.approx(round_robin_root(workers, load), rel=1e-9)]


# facts-theory.md: what one per cent of occupancy does, in per cent, found by another hand.
@pytest.mark.parametrize(
    ("load", "printed"), [(0.8, (7.8, 1.1, 5.6, 3.7)), (0.9, (12.5, 6.0, 10.6, 8.7))], ids=["0.8", "0.9"]
)
def test_one_per_cent_of_occupancy(load, printed):
    figures = (
        lambda at: mmc_mean_wait(8, at, 1.0),
        lambda at: mmc_response_quantile(0.99, 8, at, 1.0),
        lambda at: round_robin_mean_wait(8, at, 1.0),
        lambda at: round_robin_response_quantile(0.99, 8, at, 1.0),
    )
    step = 1e-5
    elasticities = [math.log(figure(load * (1 + step)) / figure(load)) / step for figure in figures]
    assert elasticities == pytest.approx(printed, abs=0.1)


@pytest.mark.parametrize("load", [0.0, 0.1, 0.5, 0.9, 0.99])
def test_one_worker_is_mm1_in_every_discipline(load):
    wait = load / (1 - load) * 0.02
    assert mmc_mean_wait(1, load, 0.02) == pytest.approx(wait)
    assert round_robin_mean_wait(1, load, 0.02) == pytest.approx(wait)
    p99 = math.log(100) / (1 - load) * 0.02
    assert mmc_response_quantile(0.99, 1, load, 0.02) == pytest.approx(p99)
    assert round_robin_response_quantile(0.99, 1, load, 0.02) == pytest.approx(p99)


def test_with_no_load_nobody_waits():
    assert erlang_c(8, 0.0) == 0.0
    assert round_robin_root(8, 0.0) == 0.0
    assert mmc_response_quantile(0.99, 8, 0.0, 1.0) == pytest.approx(math.log(100))


@pytest.mark.parametrize(("workers", "load"), [*CASES, (2, 0.5), (4, 0.75), (64, 0.95)])
def test_response_survival_integrates_to_wait_plus_service(workers, load):
    times = np.linspace(0, 400, 80_001)
    survival = [mmc_response_survival(float(t), workers, load, 1.0) for t in times]
    assert np.trapezoid(survival, times) == pytest.approx(1 + mmc_mean_wait(workers, load, 1.0), rel=1e-5)


@pytest.mark.parametrize("q", [1e-6, 0.5, 0.99, 0.999999])
@pytest.mark.parametrize(("workers", "load"), [*CASES, (2, 0.5), (4, 0.75)])
def test_response_quantile_inverts_the_survival(workers, load, q):
    at = mmc_response_quantile(q, workers, load, 0.02)
    assert mmc_response_survival(at, workers, load, 0.02) == pytest.approx(1 - q, rel=1e-6)


def test_survival_is_smooth_where_queue_and_service_drain_alike():
    # Two workers at half load: theta = mu, where the formula of the books divides by zero.
    around = [mmc_response_survival(2.0, 2, 0.5 + offset, 1.0) for offset in (-1e-9, 0.0, 1e-9)]
    assert around == pytest.approx([around[1]] * 3, rel=1e-8)


def test_survival_neither_overflows_nor_leaves_its_range():
    for load in (0.0, 0.5, 0.999):
        assert mmc_response_survival(0.0, 64, load, 1.0) == 1.0
        assert 0.0 <= mmc_response_survival(1e6, 64, load, 1.0) < 1e-300


def test_a_thousand_workers_do_not_overflow():
    assert erlang_c(1000, 0.5) == pytest.approx(0.0, abs=1e-40)
    assert 0 < erlang_c(1000, 0.99) < 1


def test_round_robin_root_holds_close_to_saturation():
    # In heavy traffic 1 - sigma tends to 2 (1 - load) / (1 + 1/c).
    assert 1 - round_robin_root(8, 0.9999) == pytest.approx(2 * 1e-4 / (1 + 1 / 8), rel=1e-3)


def test_results_are_in_the_unit_of_the_service_time():
    assert mmc_mean_wait(8, 0.8, 0.02) == pytest.approx(0.02 * mmc_mean_wait(8, 0.8, 1.0))
    assert mmc_response_quantile(0.99, 8, 0.8, 20) == pytest.approx(
        1000 * mmc_response_quantile(0.99, 8, 0.8, 0.02)
    )


def test_allen_cunneen_is_exact_for_mmc_and_mg1():
    def waits(workers, load, service_cv):
        return allen_cunneen_mean_wait(workers, load, 0.02, arrival_cv=1.0, service_cv=service_cv)

    assert waits(8, 0.8, 1.0) == pytest.approx(mmc_mean_wait(8, 0.8, 0.02))
    # Pollaczek-Khinchine: lambda E[S^2] / (2 (1 - load))
    for cv in (0.0, 2.0):
        second_moment = 0.02**2 * (1 + cv**2)
        assert waits(1, 0.8, cv) == pytest.approx(0.8 / 0.02 * second_moment / (2 * 0.2))


@pytest.mark.parametrize(
    ("call", "complaint"),
    [
        (lambda: mmc_mean_wait(0, 0.5, 1.0), "workers must be at least 1, got 0"),
        (lambda: mmc_mean_wait(8, 1.0, 1.0), "load must be at least 0 and below 1 .*, got 1.0"),
        (lambda: mmc_mean_wait(1, -0.1, 1.0), "load must be at least 0 and below 1 .*, got -0.1"),
        (lambda: round_robin_mean_wait(8, math.nan, 1.0), "load must be at least 0 .*, got nan"),
        (lambda: round_robin_mean_wait(8, 0.5, 0.0), "service_s must be above 0 and finite, got 0.0"),
        (lambda: mmc_response_quantile(1.0, 8, 0.5, 1.0), "q must be above 0 and below 1 .*, got 1.0"),
        (lambda: mmc_response_quantile(0.0, 1, 0.5, 1.0), "q must be above 0 and below 1 .*, got 0.0"),
        (lambda: round_robin_response_quantile(99, 8, 0.5, 1.0), "q must be above 0 and below 1 .*, got 99"),
        (lambda: mmc_response_survival(-1.0, 8, 0.5, 1.0), "time_s must be at least 0, got -1.0"),
        (
            lambda: allen_cunneen_mean_wait(8, 0.5, 1.0, arrival_cv=-1.0, service_cv=1.0),
            "arrival_cv must be at least 0 and finite, got -1.0",
        ),
    ],
)
def test_bad_input_is_named_with_what_was_expected(call, complaint):
    with pytest.raises(ValueError, match=complaint):
        call()


# facts-theory.md: five relaxation times in seconds, at a service of 20 ms.
@pytest.mark.parametrize(
    ("workers", "load", "printed"), [(8, 0.8, 1), (8, 0.9, 5), (1, 0.8, 9), (1, 0.9, 38)]
)
def test_the_table_of_warm_ups(workers, load, printed):
    assert round(5 * mmc_relaxation(workers, load, 0.020)) == printed


def test_dealing_in_turn_is_forgotten_faster_than_a_random_choice_and_alone_about_alike():
    assert round_robin_relaxation(1, 0.8, 1.0) == pytest.approx(mmc_relaxation(1, 0.8, 1.0), rel=0.15)
    assert round_robin_relaxation(1, 0.99, 1.0) == pytest.approx(mmc_relaxation(1, 0.99, 1.0), rel=0.01)
    assert round_robin_relaxation(8, 0.8, 1.0) == pytest.approx(
        mmc_relaxation(1, 0.8, 1.0) * 9 / 16, rel=0.15
    )
    assert round_robin_relaxation(8, 0.0, 1.0) == 0

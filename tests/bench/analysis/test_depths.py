"""Who held how many: sampled where there is a gauge, computed where there is none, and the two agree where both are."""

import numpy as np
import pytest

from bench.analysis.depths import PLACES, Gauge, Stays, around, held, mean_depth, mean_number
from bench.analysis.recording import NS_PER_MS, key_of
from tests.bench.analysis.steps import ns, step, transactions
from tests.bench.facts import Facts

FAULT_MS = 2000


def at(*ms):
    return np.array([each * NS_PER_MS for each in ms], dtype=np.int64)


def test_a_depth_goes_straight_from_sample_to_sample_and_stays_as_it_was_in_a_silence():
    gauge = Gauge("broker", at(100, 200, 1000), np.array([0.0, 10.0, 0.0]))
    assert mean_depth(gauge, at(100, 200, 500, 900, 1100, 1200)) == pytest.approx([5, 10, 10, 5, 0], abs=1e-3)


def test_before_it_told_anything_a_part_holds_nothing_and_after_its_last_word_what_it_said():
    gauge = Gauge("broker", at(100), np.array([4.0]))
    assert mean_depth(gauge, at(0, 100, 200, 300)) == pytest.approx([0, 4, 4], abs=1e-3)


def test_how_many_are_under_way_is_exact():
    stays = Stays(at(0, 50, 120), at(100, 150, 1000))
    assert mean_number(stays, at(0, 100, 200)) == pytest.approx([1.5, 1.3])


class Path:
    """One each ms: 2 ms to the broker, in its queue for 30 ms, 3 ms to the worker, behind another for 10, executed for
    5, and 4 ms back.
    """

    QUEUED, WAITING, EXECUTED = (2, 32), (35, 45), (45, 50)
    TAKES = 54

    def __init__(self, brokered=True, exits=()):
        self.due = list(range(-500, 5900))
        self.step = step(
            transactions(self.due, [each + self.TAKES for each in self.due]),
            faults=[("kill-broker", "broker-1", FAULT_MS)],
            topology="paranoid-pirate",
        )
        self.facts = facts = Facts(key_of(self.step.episode))
        for each in self.due:
            facts.transaction(
                f"t{each}",
                scheduled_ns=ns(each),
                sent_ns=ns(each),
                done_ns=ns(each + self.TAKES),
                waited_us=30_000,
            )
            begun_ms, finished_ms = (each + after for after in self.EXECUTED)
            facts.execution(f"t{each}", begun_ns=ns(begun_ms), finished_ns=ns(finished_ms))
        for t_ms in range(-800, 6000, 100):
            if brokered and not (exits and exits[0] < t_ms < exits[1]):
                facts.sample(ns(t_ms), "broker-1", "queued", self.in_the(self.QUEUED, t_ms))
            facts.sample(ns(t_ms + 37), "worker-1", "waiting", self.in_the(self.WAITING, t_ms + 37))
            facts.sample(ns(t_ms), "worker-1", "executing", 5)
        if exits:
            facts.mark(ns(exits[0]), "bench", "exit", "broker-1")

    def in_the(self, stay, t_ms):
        due = np.array(self.due)
        return int(np.count_nonzero((due + stay[0] <= t_ms) & (t_ms < due + stay[1])))

    def depth(self):
        (fault,) = self.step.faults
        return around([(self.step, fault, ns(5500))], held(self.facts.database()))


def test_the_sampled_and_the_computed_add_up_to_all_that_wait():
    depth = Path().depth()
    found = {place: float(np.mean(depth.places[place][5:])) for place in PLACES}
    assert found == pytest.approx({"front": 0, "broker": 30, "worker": 10, "link": 2 + 3 + 4}, abs=0.05)
    assert not depth.excess.any()
    assert depth.n == 1


def test_a_sampled_queue_holds_as_many_as_waits_by_transaction_imply():
    path = Path()
    (waited_s,) = path.facts.database().execute("SELECT sum(waited_us) / 1e6 FROM transactions").fetchone()
    (gauge,) = (
        gauge
        for gauge in held(path.facts.database())[key_of(path.step.episode)].gauges
        if gauge.role == "broker"
    )
    whole = np.array([ns(-800), ns(6000)])
    assert mean_depth(gauge, whole)[0] * 6.8 == pytest.approx(waited_s, rel=0.01)


def test_where_nobody_counts_it_is_on_the_link():
    depth = Path(brokered=False).depth()
    assert np.mean(depth.places["link"][5:]) == pytest.approx(39, abs=0.05)
    assert not depth.places["broker"].any()


def test_who_has_exited_holds_nothing():
    depth = Path(exits=(FAULT_MS, 3000)).depth()
    gone = (depth.t_s > 0.1) & (depth.t_s < 0.9)
    assert not depth.places["broker"][gone].any()
    assert depth.places["link"][gone] == pytest.approx(39, abs=0.3)
    assert depth.places["broker"][depth.t_s < -0.2] == pytest.approx(30, abs=0.05)


def test_samples_that_exceed_the_ledger_are_told_and_no_link_is_below_nothing():
    path = Path()
    for t_ms in range(-800, 6000, 100):
        path.facts.sample(ns(t_ms), "front-1", "queued", 20)
    depth = path.depth()
    assert depth.excess[5:] == pytest.approx(11, abs=0.3)
    assert not depth.places["link"][5:].any()


def test_an_execution_that_was_killed_lasted_until_its_worker_was_gone():
    path = Path()
    path.facts.transaction("killed", sent_ns=ns(0), done_ns=ns(4000), fate="unknown")
    path.facts.execution("killed", begun_ns=ns(10) + 1, finished_ns=0, fate="")
    path.facts.mark(ns(3010), "bench", "exit", "worker-1")
    key = key_of(path.step.episode)
    stays = held(path.facts.database())[key].executing
    (place,) = np.flatnonzero(stays.begin_ns == ns(10) + 1)
    assert stays.end_ns[place] == ns(3010)


def test_of_what_nothing_is_on_record_nothing_is_drawn():
    (fault,) = (path := Path()).step.faults
    assert around([(path.step, fault, path.step.played.end_ns)], {}) is None

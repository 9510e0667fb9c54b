"""What theory says, at the numbers of the issue and at the edges."""

import pytest

from bench.analysis.predictions import stable_below, stuck_per_front
from bench.registry import BASELINES, TOPOLOGIES
from common.settings import Settings
from common.topology import Deployment


def policy(topology):
    return topology.plan(Deployment(), Settings(), lambda name: f"inproc://{name}").policy


def test_in_turn_one_slow_worker_is_the_limit_of_all():
    assert stable_below("in-turn", workers=8, times=5) == 0.2
    assert stable_below("in-turn", workers=64, times=5) == 0.2


def test_when_free_only_what_the_slow_one_cannot_do_is_missing():
    assert stable_below("when-free", workers=8, times=5) == pytest.approx(0.9)
    assert stable_below("when-free", workers=8, times=1000) == pytest.approx(7 / 8, abs=0.001)


@pytest.mark.parametrize("how", ["in-turn", "when-free"])
def test_a_single_worker_limits_whoever_chooses(how):
    assert stable_below(how, workers=1, times=5) == pytest.approx(0.2)


def test_in_turn_each_absent_endpoint_takes_one_and_when_free_none():
    assert stuck_per_front("in-turn", endpoints=2) == 2
    assert stuck_per_front("when-free", endpoints=2) == 0


def test_without_a_policy_nothing_is_predicted():
    assert stable_below(None, workers=8, times=5) is None
    assert stuck_per_front(None, endpoints=1) is None


def test_every_topology_says_how_it_chooses_and_the_article_s_deals_in_turn():
    found = {name: policy(topology) for name, topology in TOPOLOGIES.items()}
    assert None not in found.values()
    assert [name for name, how in found.items() if how == "in-turn"] == ["direct"]


def test_baselines_predict_nothing():
    assert {policy(baseline) for baseline in BASELINES.values()} == {None}

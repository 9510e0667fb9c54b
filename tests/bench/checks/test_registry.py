"""Every check that there is passes where all is well, and fails where it is provoked: one that never failed is none."""

import re

import pytest

from bench.checks.check import judge
from bench.checks.played import Played
from bench.checks.registry import AS_PLAYED, CHECKS, TOLD
from bench.scenario import Validity
from tests.bench.checks.provoked import PROVOKED, QUICK, well


def test_whoever_adds_a_check_provokes_it():
    assert set(PROVOKED) == set(CHECKS)


@pytest.mark.parametrize("name", CHECKS)
def test_a_check_judges_what_is_well_and_passes_it(name):
    verdict = judge({name: CHECKS[name]}, QUICK, well(name))
    found = verdict.checked[name]
    assert found.judged > 0
    assert (found.failed, verdict.reasons) == (0, {})
    assert found.worst is not None
    assert found.worst <= CHECKS[name].limit(QUICK)


@pytest.mark.parametrize("name", CHECKS)
def test_a_check_fails_where_it_is_provoked_and_no_other_does(name):
    seen = PROVOKED[name]()
    mates = {
        other: check for other, check in CHECKS.items() if (other in AS_PLAYED) == isinstance(seen, Played)
    }
    verdict = judge(mates, QUICK, seen)
    found = verdict.checked[name]
    assert list(verdict.reasons) == [name]
    assert found.failed == 1
    assert found.worst is not None
    assert found.worst > CHECKS[name].limit(QUICK)


@pytest.mark.parametrize("name", [name for name, check in CHECKS.items() if check.setting])
def test_a_reason_names_the_figure_the_threshold_and_its_setting(name):
    (text,) = judge({name: CHECKS[name]}, QUICK, PROVOKED[name]()).reasons[name]
    number = r"\d[\d.]*( ms|%)"
    assert re.search(rf"{number}.*, validity\.{CHECKS[name].setting} is {number}$", text), text


@pytest.mark.parametrize(
    "name", [name for name, check in CHECKS.items() if not check.setting and name not in TOLD]
)
def test_a_reason_without_a_threshold_names_the_figure(name):
    (text,) = judge({name: CHECKS[name]}, QUICK, PROVOKED[name]()).reasons[name]
    assert re.search(r"\d", text), text


def test_every_threshold_is_a_setting_of_some_check():
    assert {check.setting for check in CHECKS.values()} - {""} == set(Validity.__struct_fields__)

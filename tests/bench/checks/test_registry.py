"""Every check that there is passes where all is well, and fails where it is provoked: one that never failed is none."""

import re
from pathlib import Path

import pytest

from bench.checks.check import judge, told
from bench.checks.played import Played
from bench.checks.registry import AS_PLAYED, CHECKS, TOLD
from bench.scenario import Validity
from tests.bench.checks.provoked import PROVOKED, QUICK, well

DOCS = Path(__file__).parents[3] / "docs" / "validity.md"


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


def test_the_docs_list_every_check_with_its_default_threshold_in_order():
    section = DOCS.read_text().split("\n## ")[1]
    rows = re.findall(r"^\| `([a-z-]+)` \|(.*)\|$", section, re.MULTILINE)
    assert [name for name, _ in rows] == list(CHECKS)
    for name, row in rows:
        setting = CHECKS[name].setting
        *_, limit, named, _ = (cell.strip() for cell in row.split("|"))
        assert named == (f"`{setting}`" if setting else "")
        expected = told(getattr(Validity(), setting), CHECKS[name].unit) if setting else "none"
        assert limit.startswith(expected), (name, limit)

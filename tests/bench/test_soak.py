"""Whatever the seed: never more than two faults at once, none at a part that is still getting over one."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from bench.faults.registry import FAULTS
from bench.soak import AT_ONCE_MAX, DRAWN, QUIET_S, Stage, draw

stages = st.builds(
    Stage,
    parts=st.fixed_dictionaries(
        {"front": st.integers(0, 3), "broker": st.integers(0, 2), "worker": st.integers(0, 8)}
    ),
    restart_s=st.floats(0, 5),
    drain_s=st.floats(0, 5),
    end_single=st.booleans(),
)
seeds = st.text(max_size=8)
durations = st.floats(0.1, 300)
STAGE = Stage({"front": 2, "broker": 1, "worker": 4}, 3.0, 5.0, True)


def well_s(fault, stage):
    """When the part that it hit is well again."""
    kind = DRAWN[fault.kind]
    return fault.end_s + (stage.drain_s if kind.drains else 0) + (stage.restart_s if kind.ends else 0)


def test_a_terminated_part_is_left_alone_as_long_as_it_may_drain():
    """A broker worked off a queue of 800 for three seconds, and a delay of its workers' links had nothing to delay."""
    assert [kind for kind in DRAWN if DRAWN[kind].drains] == ["terminate"]


@given(seeds, durations, stages)
def test_never_more_than_two_at_once(seed, duration_s, stage):
    faults = draw(seed, duration_s, stage)
    for fault in faults:
        there = [other for other in faults if other.at_s <= fault.at_s < well_s(other, stage)]
        assert len(there) <= AT_ONCE_MAX


@given(seeds, durations, stages)
def test_no_part_is_hit_while_it_gets_over_an_earlier_fault(seed, duration_s, stage):
    free_s: Counter[tuple[str, object]] = Counter()
    for fault in draw(seed, duration_s, stage):
        part = fault.role, fault.which
        assert fault.at_s >= free_s[part]
        free_s[part] = well_s(fault, stage)


@given(seeds, durations, stages)
def test_what_needs_traffic_is_not_drawn_while_a_broker_may_be_away(seed, duration_s, stage):
    faults = draw(seed, duration_s, stage)
    for fault in (one for one in faults if DRAWN[one.kind].needs_traffic):
        for other in (one for one in faults if one.role == "broker" and one is not fault):
            assert other.at_s > well_s(fault, stage) or fault.at_s > well_s(other, stage)


@given(seeds, durations, stages)
def test_begin_and_end_are_quiet_and_every_fault_is_over(seed, duration_s, stage):
    for fault in draw(seed, duration_s, stage):
        assert fault.at_s >= QUIET_S - 0.001
        assert well_s(fault, stage) <= duration_s - QUIET_S + 0.001


@given(seeds, durations, stages)
def test_only_parts_that_are_there_are_hit_and_the_last_of_a_role_is_not_ended(seed, duration_s, stage):
    for fault in draw(seed, duration_s, stage):
        count = stage.parts[fault.role]
        assert isinstance(fault.which, int)
        assert 1 <= fault.which <= count
        if DRAWN[fault.kind].ends:
            assert fault.which < count or (count == 1 and stage.end_single)


@given(seeds, durations, stages)
def test_the_same_seed_draws_the_same(seed, duration_s, stage):
    assert draw(seed, duration_s, stage) == draw(seed, duration_s, stage)


def test_another_seed_draws_something_else():
    assert draw("a", 60, STAGE) != draw("b", 60, STAGE)


def test_a_long_soak_has_every_kind_at_every_role_and_quiet_lonely_and_double_moments():
    faults = draw("all", 1200, STAGE)
    assert {(fault.kind, fault.role) for fault in faults} == {
        (word, role) for word, kind in DRAWN.items() for role in kind.roles
    }
    moments = [sum(fault.at_s <= second < well_s(fault, STAGE) for fault in faults) for second in range(1200)]
    assert set(moments) == {0, 1, 2}


def test_what_is_drawn_is_registered():
    assert set(DRAWN) <= set(FAULTS)

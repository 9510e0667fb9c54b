"""The presets do what the programs do, and whatever the history: no start before the death, none that breaks a rule."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.restart_policy import PRESETS, Life, RestartPolicy, policy_of


def starts(policy: RestartPolicy, lived_s: list[float]) -> list[float]:
    """When each process is started that lives so long, the first at 0; cut off where the policy gives up."""
    lives: list[Life] = []
    due_s: float | None = 0.0
    found = []
    for life_s in lived_s:
        if due_s is None:
            break
        found.append(due_s)
        lives.append(Life(due_s, due_s + life_s))
        due_s = policy.next_start_s(lives)
    return found if due_s is None else [*found, due_s]


@pytest.mark.parametrize(
    ("name", "lived_s", "expected"),
    [
        ("immediate", [0, 0, 5], [0, 0, 0, 5]),
        ("daemontools", [2.5, 0, 0.4, 1.5], [0, 2.5, 3.5, 4.5, 6]),
        ("runit", [2.5, 0, 0.4, 1.5], [0, 2.5, 3.5, 4.9, 6.4]),
        ("systemd", [2.5, 1, 1.5], [0, 2.6, 3.7, 5.3]),
    ],
)
def test_presets_restart_when_the_programs_do(name, lived_s, expected):
    assert starts(PRESETS[name], lived_s) == pytest.approx(expected)


def test_fixed_waits_as_long_every_time():
    assert starts(policy_of("fixed", 0.3), [0, 2]) == pytest.approx([0, 0.3, 2.6])
    assert starts(policy_of("immediate", 0.3), [0, 2]) == [0, 0, 2], "a preset has its own figures"


def test_systemd_gives_up_at_the_sixth_start_within_ten_seconds():
    assert len(starts(PRESETS["systemd"], [0] * 20)) == 5
    assert len(starts(PRESETS["systemd"], [2.5] * 20)) == 21


def test_systemd_counts_anew_in_the_next_window():
    """Four starts in the first ten seconds and five in the next are allowed, though six of them lie close together."""
    lived_s = [7, 0.5, 0.5, 2.5, 0, 0, 0, 0, 0]
    assert len(starts(PRESETS["systemd"], lived_s)) == 4 + 5


lifetimes = st.lists(st.floats(0, 20), min_size=1, max_size=30)


@given(st.sampled_from(sorted(PRESETS)), lifetimes)
def test_no_start_comes_before_the_death(name, lived_s):
    begun = starts(PRESETS[name], lived_s)
    assert all(
        later >= earlier + life - 1e-9
        for earlier, later, life in zip(begun, begun[1:], lived_s, strict=False)
    )


@given(lifetimes)
def test_starts_of_daemontools_lie_a_second_apart(lived_s):
    begun = starts(PRESETS["daemontools"], lived_s)
    assert all(later - earlier >= 1 - 1e-9 for earlier, later in pairwise(begun))


@given(lifetimes)
def test_only_systemd_gives_up(lived_s):
    for name in ("immediate", "daemontools", "runit"):
        assert len(starts(PRESETS[name], lived_s)) == len(lived_s) + 1

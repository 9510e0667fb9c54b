"""What the sampler saw of a step: waits, missing samples and clocks, and what is not known of them."""

import msgspec
import pytest
from msgspec.structs import replace

from bench.checks.check import Checked, judge
from bench.checks.played import Played
from bench.checks.registry import AS_PLAYED
from bench.checks.starvation import NO_ACCOUNT, NOT_SAMPLED
from bench.checks.watched import read, watched
from bench.run_record import PlayedStep
from bench.scenario_file import load
from tests.bench.checks.provoked import CLOSED, QUICK, STEP, TICK_NS, played, samples
from tests.bench.facts import S


def checked(seen: Played, name: str) -> Checked:
    return judge({name: AS_PLAYED[name]}, seen.scenario, seen).checked[name]


def test_a_wait_is_its_share_of_the_measured_part():
    seen = watched(samples({"worker-1": 0.3, "load": 0.0}), [STEP])["0.5"]
    assert seen.waited["worker-1"] == pytest.approx(0.3)
    assert seen.waited["load"] == 0
    assert seen.roles["broker-1"] == "broker"


def test_a_wait_in_the_warm_up_does_not_count():
    stream = list(samples({"worker-1": 0.0}))
    warm = [replace(sample, run_delay_s=5.0) if sample.t_ns < STEP.warm_ns else sample for sample in stream]
    assert watched(warm, [STEP])["0.5"].waited["worker-1"] == 0


def test_who_was_there_for_a_moment_is_held_to_half_of_the_step():
    late = [
        sample
        for sample in samples({"worker-1": 0.5})
        if sample.part != "worker-1" or sample.t_ns >= STEP.end_ns - 2 * TICK_NS
    ]
    assert watched(late, [STEP])["0.5"].waited["worker-1"] == pytest.approx(0.5 * 0.2 / 2)


def test_a_kernel_without_an_account_is_not_known_and_never_passed():
    seen = played(stream=samples(dict.fromkeys(("front-1", "broker-1", "worker-1", "bench", "load"))))
    for name, parts in (("part-starved", 4), ("load-starved", 1)):
        found = checked(seen, name)
        assert (found.judged, found.worst, found.unknown, found.why) == (0, None, parts, NO_ACCOUNT)


def test_one_part_that_is_not_known_leaves_the_others_judged():
    found = checked(played(stream=samples({"worker-1": None})), "part-starved")
    assert (found.judged, found.unknown) == (3, 1)


def test_what_was_not_sampled_at_all_is_not_known():
    seen = Played(QUICK, [STEP], {})
    for name in ("part-starved", "load-starved", "samples-missing", "clock-stepped", "suspended"):
        found = checked(seen, name)
        assert (found.judged, found.unknown) == (0, 1), name
    assert checked(seen, "part-starved").why == NOT_SAMPLED


def test_a_closed_loop_may_use_all_processors_that_there_are():
    starved = {"front-1": 0.9, "load": 0.9}
    assert checked(played(CLOSED, samples(starved)), "part-starved") == Checked(0)
    paced = replace(CLOSED, rate_per_s=100.0)
    assert checked(played(paced, samples(starved)), "part-starved").failed == 1


def test_clocks_that_could_not_be_read_together_are_left_out():
    apart = {"wall_ahead_s": None, "boot_ahead_s": None}
    seen = watched(samples(clocks=lambda tick: apart if tick % 2 else {}), [STEP])["0.5"]
    assert (seen.wall_step_ms, seen.suspended_ms) == (0, 0)
    seen = watched(samples(clocks=lambda tick: apart), [STEP])["0.5"]
    assert (seen.wall_step_ms, seen.suspended_ms) == (None, None)


def test_a_clock_that_is_slewed_is_not_stepped():
    slewed = samples(clocks=lambda tick: {"wall_ahead_s": 1.76e9 + tick * 50e-6})
    assert checked(played(stream=slewed), "clock-stepped").worst == pytest.approx(0.05, rel=0.01)


def test_a_step_too_short_for_samples_misses_none():
    short = replace(STEP, end_ns=STEP.warm_ns + 150_000_000)
    assert watched(samples(), [short])["0.5"].missing is None


def test_each_step_has_its_own_samples():
    halves = [
        replace(STEP, name="one", warm_ns=100 * S, end_ns=102 * S),
        replace(STEP, name="two", begin_ns=102 * S, warm_ns=102 * S, end_ns=104 * S),
        PlayedStep("not-begun", 0.5, 4),
    ]
    seen = watched(samples(late=[range(21, 31)]), halves)
    assert seen.keys() == {"one", "two"}
    assert seen["one"].missing == 0
    assert seen["two"].missing == pytest.approx(0.5, abs=0.06)


def test_a_torn_last_line_of_the_file_is_left_out(tmp_path):
    path = tmp_path / "samples.jsonl"
    assert list(read(path)) == []
    lines = [msgspec.json.encode(sample) + b"\n" for sample in samples()]
    path.write_bytes(b"".join(lines)[:-5])
    assert list(read(path)) == list(samples())[:-1]


def test_at_level_client_a_busy_load_process_is_the_measurement():
    seen = Played(load("messages"), [replace(STEP, load_cpu_s=5.0)], {})
    assert checked(seen, "load-busy") == Checked(0)


def test_thresholds_are_settings():
    seen = Played(load("quick", ["validity.lag_p99_ms_max=20"]), [replace(STEP, lag_p99_us=10_500)], {})
    assert checked(seen, "load-lag").failed == 0


def test_findings_add_up_and_the_worst_says_where_it_was():
    one, other = Checked(2, 0, 0.1, "step 0.5"), Checked(3, 1, 0.4, "step 0.8", 1, "not sampled")
    assert one + other == other + one == Checked(5, 1, 0.4, "step 0.8", 1, "not sampled")
    assert Checked(0) + one == one

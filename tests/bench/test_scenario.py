"""A scenario is read from TOML, changed by --set, and wrong input answered in one line."""

import contextlib
import copy
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.dry_run import describe
from bench.errors import BadInput
from bench.faults.kill import Kill
from bench.phases import Closed, Open, Paced
from bench.runner import order_of, plans_of
from bench.scenario import Scenario
from bench.scenario_file import built_in, load, make, summary

TINY = str(Path(__file__).parents[1] / "scenarios" / "tiny.toml")


def refused(*changes: str, scenario: str = "quick") -> str:
    with pytest.raises(BadInput) as refusal:
        load(scenario, changes)
    message = str(refusal.value)
    assert "\n" not in message
    return message


def written(folder: Path, text: str) -> str:
    path = folder / "mine.toml"
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize("name", built_in())
def test_every_built_in_scenario_is_valid_and_says_what_it_answers(name):
    scenario = load(name)
    assert scenario.name == name
    assert scenario.question.endswith("?")
    assert scenario.question in summary(built_in()[name])


def test_a_path_is_read_and_named_after_its_file():
    scenario = load(TINY)
    assert scenario.name == "tiny"
    assert [phase.name for phase in scenario.phases] == ["capacity", "latency", "kill-worker"]
    capacity, latency, kill = scenario.phases
    assert isinstance(capacity, Closed)
    assert isinstance(latency, Open)
    assert kill.faults == (Kill(role="worker", at_s=0.5),)


def test_steps_are_named_by_concurrency_load_or_rate():
    quick, theory = load("quick"), load("theory")
    assert [step.name for step in quick.phase("capacity").steps] == ["1", "4", "8", "16", "32", "64"]
    assert [step.name for step in quick.phase("latency").steps] == ["0.3", "0.5", "0.8"]
    assert [step.name for step in theory.phases[0].steps] == ["320/s"]
    [long] = load("closed-forms").phases[0].steps
    assert (long.name, long.duration_s, load("closed-forms").service.distribution) == (
        "320/s",
        300,
        "exponential",
    )


def test_the_last_of_a_repeated_fault_must_come_before_the_end():
    said = refused("phase.kill-worker.fault.kill.repeat=3", "phase.kill-worker.fault.kill.every_s=2.4")
    assert "at_s of a fault must be below duration_s 6, got 6.8 for the last of 3" in said


def test_the_recovery_scenario_kills_forty_times():
    scenario = load("recovery")
    for name in ("kill-worker", "kill-broker"):
        assert scenario.trials * sum(fault.repeat for fault in scenario.phase(name).faults) >= 40


def test_a_topology_may_have_another_number_of_fronts():
    scenario = load("per-core")
    assert scenario.of_topology("paranoid-pirate").deployment.fronts == 2
    own = scenario.of_topology("freelance")
    assert (own.deployment.fronts, own.deployment.workers) == (3, scenario.deployment.workers)
    assert own.of_topology("freelance") == own
    fronts = {
        name: sum(part.role == "front" for part in plan.parts) for name, plan in plans_of(scenario).items()
    }
    assert fronts == {"paranoid-pirate": 2, "freelance": 3, "direct": 3}
    played = {turn.topology: turn.scenario.deployment.fronts for turn in order_of(scenario).turns}
    assert played == fronts


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("fronts_of.hedged=3", "fronts_of must name topologies of the scenario, got 'hedged'"),
        ("fronts_of.freelance=9", "fronts_of.freelance: fronts must be 1 to 8, got 9"),
        ("fronts_of.freelance=many", "fronts_of"),
        (
            "sweep.credit=[1]",
            "fronts_of is of no use in a sweep nor at level client, got one for 'freelance'",
        ),
    ],
)
def test_fronts_of_a_topology_are_checked(change, expected):
    with pytest.raises(BadInput) as caught:
        load("per-core", [change])
    assert expected in str(caught.value)


@pytest.mark.parametrize("brokers", [1, 3])
def test_a_number_of_brokers_that_a_topology_would_not_play_is_refused(brokers):
    with pytest.raises(BadInput, match=f"^deployment.brokers of binary-star must be 2, got {brokers}$"):
        load("noise", ["topologies=['freelance', 'binary-star']", f"deployment.brokers={brokers}"])


def test_a_binary_star_has_its_two_brokers_where_no_number_is_written_down():
    scenario = load("noise", ["topologies=['paranoid-pirate', 'binary-star', 'freelance']"])
    assert "brokers: paranoid-pirate 1, binary-star 2; credit" in describe(scenario)


def test_the_omission_scenario_asks_the_same_of_both_loads_and_does_the_same_to_both():
    scenario = load("omission")
    opened, closed = scenario.phases
    assert isinstance(opened, Open)
    assert isinstance(closed, Paced)
    assert opened.rates_per_s == closed.rates_per_s
    assert opened.faults == closed.faults
    assert [step.concurrency for step in closed.steps] == [closed.users]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("phase.closed.users=0", "users must be 1 to 2048, got 0"),
        ("phase.closed.rates_per_s=[]", "a paced phase must have either loads or rates_per_s"),
        ("phase.closed.loads=[0.5]", "a paced phase must have either loads or rates_per_s"),
        ("phase.closed.fault.pause.at_s=9", "at_s of a fault must be below duration_s 8, got 9"),
        (
            "phase.closed.fault=[{kind='overload', at_s=1, for_s=1, times=2}]",
            "must have no fault of the load",
        ),
    ],
)
def test_a_paced_phase_is_checked(change, expected):
    with pytest.raises(BadInput) as caught:
        load("omission", [change])
    assert expected in str(caught.value)


def test_set_reaches_every_place():
    scenario = load(
        "quick",
        [
            "deployment.workers=4",
            "settings.credit=2",
            "settings.beats.interval_s=0.2",
            "phase.latency.duration_s=3",
            "phase.latency.loads=[0.1]",
            "phase.kill-worker.fault.kill.at_s=1",
            "method=POST",
            'title="a b"',
            "question=two words",
        ],
    )
    assert scenario.deployment.workers == 4
    assert scenario.settings.credit == 2
    assert scenario.settings.beats.interval_s == 0.2
    latency, kill = scenario.phase("latency"), scenario.phase("kill-worker")
    assert isinstance(latency, Open)
    assert (latency.duration_s, latency.loads) == (3, (0.1,))
    assert kill.faults[0].at_s == 1
    assert (scenario.method, scenario.title, scenario.question) == ("POST", "a b", "two words")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("credit=4", "unknown key 'credit': did you mean settings.credit or sweep.credit?"),
        ("settings.credt=4", "did you mean settings.credit"),
        ("deployment.wrokers=4", "did you mean deployment.workers"),
        ("x.y=1", "unknown key 'x'"),
        ("phase.latncy.duration_s=3", "did you mean latency?"),
        ("settings.credit=four", "settings.credit: expected int, got str 'four'"),
        ("deployment.workers=65", "workers must be 1 to 64, got 65"),
        ("deployment.workers=0", "workers must be 1 to 64, got 0"),
        ("deployment=3", "deployment: expected a table ([deployment]), got 3"),
        ("phase=3", "phase: expected an array of tables ([[phase]]), got 3"),
        ("phase.capacity=3", "phase must be a table, it is an array"),
        ("trials.x=1", "trials must be a table, it is 2"),
        ("trials=0", "trials must be 1 to 1000, got 0"),
        ("trials=", "trials: expected int, got str ''"),
        ("trials", "--set must be key=value, got 'trials'"),
        ("=3", "--set must be key=value"),
        ("trials=[1", "trials: expected a TOML value or a bare word, got '[1'"),
        ("seed=1\nlevel=2", "seed: expected one TOML value"),
        ("seed=-1", "seed must be 0 to"),
        ("timeout_s=nan", "timeout_s must be 0.001 to 3600 s, got nan"),
        ("body_bytes=100000000", "body_bytes must be 0 to settings.limits.body_bytes 1048576, got 100000000"),
        ("method=GET", "method: expected PUT or POST, got 'GET'"),
        ("level=client", "deployment.fronts must be 1, got 2"),
        ("topologies=[]", "topologies must have at least one entry"),
        ('topologies=["direct", "direct"]', "topologies must have no entry twice"),
        ('topologies=["freelnce"]', "did you mean freelance?"),
        ("service.name=slep", "did you mean 'sleep'?"),
        ("service.name=os:nope", "'os' has no 'nope'"),
        ("service.distribution=expo", "unknown distribution 'expo'"),
        ("phase.latency.kind=opne", "did you mean open?"),
        ("phase.latency.duration_s=inf", "duration_s must be 0.1 to 3600 s, got inf"),
        ("phase.latency.loads=[-1]", "loads must be above 0"),
        ("phase.latency.rates_per_s=[10]", "either loads or rates_per_s, got both"),
        ("phase.latency.loads=[]", "either loads or rates_per_s, got neither"),
        ("phase.latency.name=A B", "name must be 1 to 24 of [a-z0-9-]"),
        ("phase.latency.name=capacity", "phase must have no entry twice"),
        ("phase.capacity.concurrency=[0]", "concurrency must be 1 to 2048, got 0"),
        ("phase.kill-worker.fault.kill.kind=kil", "did you mean kill?"),
        ("phase.kill-worker.fault.kill.role=worm", "expected one of front, broker, worker, got 'worm'"),
        ("phase.kill-worker.fault.kill.at_s=30", "at_s of a fault must be below duration_s 6, got 30"),
        ("phase.kill-worker.fault.kill.at_s=-1", "at_s must be at least 0 s, got -1"),
        ("phase.kill-worker.fault.kill.which=0", "which must be 'one' or a number from 1, got 0"),
        ("supervision.restart_delay_s=-1", "restart_delay_s must be 0 to 600 s, got -1"),
        ("supervision.policy=upstart", "one of fixed, immediate, daemontools, runit, systemd, got 'upstart'"),
        ("service.times=times.csv", "service.times must go with distribution \"file\", got 'exponential'"),
        ("validity.lag_p99_ms_max=0", "lag_p99_ms_max must be above 0 ms, got 0"),
    ],
)
def test_a_wrong_value_is_named_with_what_was_expected(change, expected):
    assert expected in refused(change)


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ('kind = "wedge"\nrole = "broker"\nfor_s = 1', "role of a fault 'wedge' must be worker, got broker"),
        ('kind = "slow"\nrole = "worker"\nfor_s = 1\ntimes = 0.5', "times must be above 1 and at most 1000"),
        ('kind = "absent"\nrole = "front"\nfor_s = 1', "role of a fault 'absent' must be worker or broker"),
        ('kind = "absent"\nrole = "worker"\nfor_s = 1', "must have one load or rate, got 2"),
        (
            'kind = "pause"\nrole = "worker"\nfor_s = 9',
            "must be over by duration_s 3, got one that ends at 9",
        ),
        ('kind = "wedge"\nrole = "worker"', "for_s is missing"),
        ('kind = "kill"\nrole = "worker"\nwhich = "two"', "which: expected one or a number, got 'two'"),
        ('kind = "storm"\nrole = "worker"\nfor_s = 1\ntimes = 2', "role: expected load, got 'worker'"),
        ('kind = "pause"\nrole = "worker"\nfor_s = "x"', "for_s: expected float, got str 'x'"),
    ],
)
def test_a_fault_that_makes_no_sense_is_told_when_the_scenario_is_read(fault, expected, tmp_path):
    phase = 'name = "one"\nkind = "open"\nrates_per_s = [10, 20]\nduration_s = 3'
    scenario = written(
        tmp_path, f'topologies = ["direct"]\n[[phase]]\n{phase}\n[[phase.fault]]\nat_s = 0\n{fault}\n'
    )
    assert expected in refused(scenario=scenario)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("quik", "unknown scenario 'quik': did you mean quick?"),
        ("nope.toml", "expected a TOML file, there is none"),
        ("./quick", "expected a TOML file, there is none"),
    ],
)
def test_an_unknown_scenario_is_answered_with_the_known_ones(name, expected):
    assert expected in refused(scenario=name)


def test_loads_need_a_capacity_that_was_measured_before(tmp_path):
    text = 'topologies = ["direct"]\n[[phase]]\nname = "a"\nkind = "open"\nduration_s = 1.0\nloads = [0.5]\n'
    assert "a closed phase must come first" in refused(scenario=written(tmp_path, text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("topologies = [", "mine.toml: expected TOML"),
        ('topologies = ["direct"]', "phase"),
        (
            'topologies = ["direct"]\n[[phase]]\nname = "a"',
            "phase.a: kind is missing, expected one of closed, open",
        ),
        ('topologies = ["direct"]\nphase = [3]', "phase.0"),
        (
            'topologies = ["direct"]\ntpology = 1\nphase = []',
            "unknown key 'tpology': did you mean topologies",
        ),
        ("", "topologies is missing"),
    ],
)
def test_a_malformed_file_is_answered_in_one_line(tmp_path, text, expected):
    assert expected in refused(scenario=written(tmp_path, text))


def test_a_file_that_is_not_text_is_answered_in_one_line(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_bytes(b"\xff\xfe")
    assert "expected TOML" in refused(scenario=str(path))


def test_a_folder_is_no_scenario(tmp_path):
    assert "expected a TOML file" in refused(scenario=str(tmp_path))


JUNK = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.just([]), st.just({}),
    st.lists(st.integers(), max_size=2), st.dictionaries(st.sampled_from(["kind", "name", "x"]), st.integers(), max_size=2),
)  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where in a scenario something stands."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, each in inner for place in places(each, (*path, key)))][bool(not path) :]


QUICK = tomllib.loads(built_in()["quick"].read_text()) | {"name": "quick"}


@given(st.sampled_from(places(QUICK)), JUNK)
def test_whatever_stands_in_a_scenario_it_is_valid_or_bad_input(place, junk):
    table = copy.deepcopy(QUICK)
    spot = table
    for key in place[:-1]:
        spot = spot[key]
    spot[place[-1]] = junk
    with contextlib.suppress(BadInput):
        assert isinstance(make(table), Scenario)


def test_a_scenario_does_not_change():
    with pytest.raises(AttributeError):
        load("quick").trials = 3  # type: ignore[misc]
    assert isinstance(load("quick"), Scenario)


@pytest.mark.parametrize("change", ["duration=90s", "duration=1.5m", "duration_s=90", "duration=0.025h"])
def test_the_length_of_a_soak_needs_no_longer_name(change):
    (phase,) = load("soak", [change, "phase.soak.round_s=30"]).phases
    assert phase.duration_s == 90
    assert [(step.name, step.duration_s) for step in phase.steps] == [
        ("round-1", 30), ("round-2", 30), ("round-3", 30),
    ]  # fmt: skip


def test_a_soak_is_at_least_one_round():
    (phase,) = load("soak", ["duration=5"]).phases
    assert [step.duration_s for step in phase.steps] == [5]


def test_a_soak_that_the_load_cannot_play_is_refused():
    too_long = ("duration=3h", "phase.soak.round_s=300")
    assert "phase 'soak' must have at most 100 steps, got 110" in refused("duration=110m", scenario="soak")
    assert "duration_s must be 0.1 to 7200 s, got 10800" in refused(*too_long, scenario="soak")
    with_warm_ups = ("duration=2h", "phase.soak.round_s=300")
    assert "at most 7200 s with all steps and warm-ups, got 7212" in refused(*with_warm_ups, scenario="soak")


def test_more_transactions_than_the_load_can_send_are_refused():
    changes = ("phase.latency.loads=[]", "phase.latency.rates_per_s=[90000]", "phase.latency.duration_s=200")
    assert "phase 'latency' must ask for at most 10000000 transactions, got 18045000" in refused(*changes)


def test_a_length_that_is_none_is_refused():
    assert "expected a length such as 90s, 20m or 1h, got '20x'" in refused("duration=20x", scenario="soak")
    assert "unknown key 'duration'" in refused("duration=20m")

"""``brokerbench compare`` on the folders of runs that never took place."""

import json
from xml.etree import ElementTree as xml

import pytest
from msgspec.structs import replace

from bench import run_record
from bench.cli import run
from bench.comparison.as_json import as_json
from bench.comparison.comparison import compare
from bench.comparison.conditions import differing
from bench.comparison.figures import Figures, figures
from bench.comparison.junit import junit
from bench.comparison.markdown import markdown
from bench.comparison.pairing import why_unpaired
from bench.comparison.threshold import threshold
from bench.errors import BadInput
from bench.paired import Finding
from bench.run_record import Doubt
from tests.bench.comparison.test_differences import BASE, P99, times, trials
from tests.bench.recording import copy_of_small_run, small_run


@pytest.fixture(scope="module")
def small():
    return figures(small_run())


def slower(small):
    """A run of eight trials, and one whose p99 is longer by a fifth."""
    return Figures(small.record, [], {P99: trials(*BASE)}), Figures(
        small.record, [], {P99: trials(*times(1.2))}
    )


def test_the_median_over_trials_is_that_of_the_summary(small):
    from bench.analysis.summing import summarize

    top = summarize(small_run())["topologies"]["freelance"]
    rows = {(row.metric, row.at): values for row, values in small.rows.items() if row.topology == "freelance"}

    def median(metric, at=""):
        one, other = rows[metric, at].values()
        return (one + other) / 2

    assert median("capacity_per_s") == pytest.approx(top["capacity_per_s"]["median"])
    assert median("throughput_per_s", "16") == pytest.approx(top["throughput_per_s"]["16"]["median"])
    assert median("p99", "0.8") == pytest.approx(top["latency_ms"]["0.8"]["p99"]["median"])
    assert median("harmed", "kill-worker") == top["recovery"]["kill-worker"]["harmed"]["median"]
    assert median("cpu_us", "front") == pytest.approx(top["cpu_us_per_transaction"]["front"]["median"])


def test_a_run_beside_itself(small):
    found = compare(("a", "a"), small, small, [threshold("p99>10%")])
    assert not found.conditions
    assert found.how == "pair by pair, by trial: same schedules"
    assert all(row.verdict is Finding.NONE for row in found.rows)
    assert not found.only_a
    assert not found.only_b
    assert found.status == 0
    assert "Nothing differs." in markdown(found)


def test_invalid_trials_are_left_out_and_told(tmp_path, small):
    folder = copy_of_small_run(tmp_path / "run")
    record = run_record.read(folder)
    record.episodes = [
        replace(each, doubts=(Doubt("measurement", "sent late"),))
        if (each.topology, each.trial, each.phase) == ("direct", 2, "latency")
        else each
        for each in record.episodes
    ]
    record.write(folder)
    found = compare(("a", "b"), small, figures(folder))
    assert found.left_out == ["B: left out with its trial: direct, trial 2, phase latency: sent late"]
    assert all(row.b.n == 1 for row in found.rows if row.row.topology == "direct" and row.b)


def test_runs_at_other_rates_or_seeds_do_not_pair(small):
    record = small.record
    assert why_unpaired(record, record) == ""
    other = run_record.read(small_run())
    other.scenario = replace(other.scenario, seed=7)
    assert why_unpaired(record, other) == "seed 1 in A, 7 in B"
    other = run_record.read(small_run())
    other.episodes = [
        replace(each, steps=tuple(replace(step, rate_per_s=step.rate_per_s * 1.1) for step in each.steps))
        for each in other.episodes
    ]
    assert "was offered" in why_unpaired(record, other)


def test_runs_with_other_recorded_arrivals_of_the_same_name_do_not_pair_and_say_so(small):
    one, other = (replace(small.record, inputs={"arrivals-noon.csv": digest * 32}) for digest in ("ab", "cd"))
    assert why_unpaired(one, one) == ""
    assert why_unpaired(one, other) == "arrivals-noon.csv of A and of B differ"
    assert why_unpaired(one, small.record) == "arrivals-noon.csv of A and of B differ"
    [found] = differing(one, other)
    assert (found.key, found.a) == ("inputs.arrivals-noon.csv", "SHA-256 abababababab")


def test_conditions_that_differ_are_named_and_no_others(small):
    other = run_record.read(small_run())
    other.conditions = replace(other.conditions, commit="fedcba987654")
    other.scenario = replace(other.scenario, timeout_s=4.0)
    found = compare(("a", "b"), small, Figures(other, [], small.rows))
    assert [each.key for each in found.conditions] == ["commit", "timeout_s"]


def test_socket_options_that_differ_are_told_once_for_all_sockets_that_are_alike(small):
    other = run_record.read(small_run())
    other.plans = {name: with_option(plan, "DEALER", "sndhwm", 7) for name, plan in other.plans.items()}
    other.options_read_back = {}
    record = run_record.read(small_run())
    record.options_read_back = {}
    (first, *rest) = differing(record, other)
    assert first.key.startswith("sockets.DEALER.sndhwm (")
    assert "freelance front worker" in first.key
    assert first.key.count("freelance front worker") == 1
    assert first.b == "7"
    assert {each.key.partition(" (")[0] for each in rest} <= {"sockets.DEALER.sndhwm"}
    del other.plans["freelance"]
    assert not any("freelance" in each.key for each in differing(record, other))


def test_a_socket_option_that_only_one_run_sets_is_told(small):
    record, other = run_record.read(small_run()), run_record.read(small_run())
    other.plans = {name: with_option(plan, "ROUTER", "tos", 1) for name, plan in other.plans.items()}
    assert {(each.a, each.b) for each in differing(record, other)} == {("not set", "1")}


def with_option(plan, kind, option, value):
    def changed(socket):
        return replace(socket, options={**socket.options, option: value}) if socket.kind == kind else socket

    parts = [replace(part, sockets=tuple(map(changed, part.sockets))) for part in plan.parts]
    return replace(plan, parts=tuple(parts))


def test_rows_of_one_run_only_are_listed(small):
    a, b = slower(small)
    gone = P99._replace(at="0.9")
    found = compare(("a", "b"), Figures(a.record, [], {**a.rows, gone: trials(1.0)}), b)
    assert found.only_a == [gone]
    assert "only in A: p99@0.9:freelance" in markdown(found)


def test_a_crossed_threshold_is_a_failure_in_junit_and_status_1(small):
    before, after = slower(small)
    found = compare(("a", "b"), before, after, [threshold("p99>10%")])
    assert found.status == 1
    suite = xml.fromstring(junit(found)).find("testsuite")
    assert suite.attrib["failures"] == "1"
    assert suite.find("testcase/failure").attrib["message"] == "p99>10%"
    assert "worse" in markdown(found)


def test_json_has_the_figures_the_verdict_and_the_threshold_of_a_row(small):
    a, b = slower(small)
    told = json.loads(as_json(compare(("before", "after"), a, b, [threshold("p99>10%")])))
    (row,) = told["rows"]
    assert (row["metric"], row["at"], row["topology"], row["unit"]) == ("p99", "0.5", "freelance", "ms")
    assert row["ratio"]["low"] < 1.2 < row["ratio"]["high"]
    assert (row["n"], row["verdict"], row["why_not_judged"]) == (8, "worse", "")
    assert (told["a"], told["b"], told["status"]) == ("before", "after", 1)
    assert told["thresholds"] == [
        {"threshold": "p99>10%", "row": "p99@0.5:freelance", "crossed": True, "why_not_judged": ""}
    ]


def test_json_says_why_a_row_has_no_verdict(small):
    told = json.loads(as_json(compare(("a", "b"), small, small, [threshold("p99>10%")])))
    assert {row["verdict"] for row in told["rows"]} == {None}
    assert all(row["why_not_judged"] for row in told["rows"])


def test_what_cannot_be_judged_is_skipped_in_junit(small):
    suite = xml.fromstring(junit(compare(("a", "b"), small, small, [threshold("p99>10%")]))).find("testsuite")
    assert suite.attrib["skipped"] == "6"
    assert suite.find("testcase/skipped").attrib["message"] == "2 pairs, 6 are needed"


def test_a_threshold_that_concerns_nothing_is_refused(small):
    with pytest.raises(BadInput, match="row that both runs have"):
        compare(("a", "b"), small, small, [threshold("p99@0.7>10%")])


@pytest.fixture
def analysed(small, monkeypatch):
    """The small run, which is not analysed again for each command."""
    monkeypatch.setattr("bench.comparison.figures.figures", lambda folder: small)


def test_the_command_line(tmp_path, capsys, analysed):
    folder = str(small_run())
    file = tmp_path / "out.xml"
    assert run(["compare", folder, folder, "--junit", str(file), "--markdown", str(tmp_path / "out.md")]) == 0
    out = capsys.readouterr().out
    assert "nothing differs" in out
    assert xml.parse(file).getroot().tag == "testsuites"
    assert (tmp_path / "out.md").read_text().startswith("### What differs")
    assert run(["compare", folder, folder, "--markdown", "-", "--fail-on", "capacity_per_s>1/s"]) == 1
    assert "fails: capacity_per_s>1/s" in capsys.readouterr().out
    assert run(["compare", folder, folder, "--json", "-"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["compare", "{run}", "{empty}"], "B must be the folder of a run"),
        (["compare", "{run}", "{run}", "--fail-on", "p98>1%"], "did you mean p99?"),
        (["compare", "{run}", "{run}", "--junit", "{empty}"], "--junit must be a file that can be written"),
        (["compare", "{run}", "{run}", "--json", "{empty}"], "--json must be a file that can be written"),
        (["compare", "{run}", "{run}", "--json", "-", "--markdown", "-"], "must not both be printed, got -"),
        (["run", "quick", "--repeat-of", "{run}"], "--repeat-of repeats a run as it was"),
        (["run", "--set", "seed=2", "--repeat-of", "{run}"], "--repeat-of repeats a run as it was"),
        (["run", "--repeat-of", "{empty}"], "--repeat-of must be the folder of a run"),
    ],
)
def test_bad_input_is_one_line(arguments, expected, tmp_path, capsys, analysed):
    status = run([each.format(run=small_run(), empty=tmp_path) for each in arguments])
    err = capsys.readouterr().err
    assert status == 2
    assert expected in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("command", ["report {run}", "compare {run} {run}", "export {run} --hdr {run}/hdr"])
def test_a_table_that_is_none_is_told_in_a_line(command, tmp_path, capsys):
    (tmp_path / "run.json").symlink_to(small_run() / "run.json")
    (tmp_path / "marks.parquet").write_text("half of a table")
    assert run(command.format(run=tmp_path).split()) == 2
    err = capsys.readouterr().err
    assert f"{tmp_path / 'marks.parquet'} must be a table of a run, got: " in err
    assert err.count("\n") == 1


def test_a_repetition_can_be_looked_at_first(capsys):
    assert run(["run", "--repeat-of", str(small_run()), "--dry-run"]) == 0
    out = capsys.readouterr().out
    reference = json.loads((small_run() / "run.json").read_text())["reference_capacity_per_s"]
    assert f"loads are fractions of its capacity, {reference:g}/s, as then" in out
    assert "conditions are not as they were: commit: 0123456789ab, now " in out
    assert "topologies: paranoid-pirate, freelance, direct; trials: 2; seed: 1" in out

"""What was checked before any number was believed, and how far from failing it was."""

from typing import Any

from bench.analysis.findings import Findings, Topology
from bench.checks.check import Check, Checked, threshold, told
from bench.checks.registry import CHECKS
from bench.report.numbers import NONE, number
from bench.report.table import Row, Table
from bench.run_record import RunRecord
from bench.scenario import Scenario


def considered(findings: Findings) -> str:
    """What the checks were, in a sentence."""
    judged = [name for name, found in findings.checked.items() if found.judged]
    failed = [name for name in judged if findings.checked[name].failed]
    outcome = f"{len(failed)} failed ({', '.join(failed)})" if failed else "none failed"
    return (
        f"{len(judged)} of {len(CHECKS)} checks had something to judge in this run, {outcome}; the first table lists"
        " each with its threshold and the worst figure seen. A trial that fails a check is left out of every"
        " figure, never out of the accounts."
    )


def each_check(findings: Findings) -> Table:
    """Every check: its threshold, the worst figure seen and what it was judged on, also where all passed."""
    scenario = findings.record.scenario
    rows = [_row(name, check, findings.checked[name], scenario) for name, check in CHECKS.items()]
    header = ("check", "largest allowed", "worst seen", "where", "judged on", "failed")
    note = "Thresholds with a name are settings: --set validity.NAME=VALUE. What is not known has not passed."
    return Table("Every check", header, rows, note)


def _row(name: str, check: Check[Any], found: Checked, scenario: Scenario) -> Row:
    limit = threshold(check, scenario)
    judged = f"{found.judged:,} {check.judges}"
    return (
        f"{name}: {check.title}",
        f"{limit} ({check.setting})" if check.setting else "none" if not check.unit else limit,
        NONE if found.worst is None else told(found.worst, check.unit),
        found.at or NONE,
        f"{judged}; {found.unknown:,} not known: {found.why}" if found.unknown else judged,
        f"{found.failed:,}" if found.judged else "not judged",
    )


def checks(findings: Findings) -> list[Table]:
    """Every check, and how near the generator was to its limits, by topology; none where nothing was played."""
    if not findings.topologies:
        return []
    return [each_check(findings), _load_process(findings), *_growth(findings)]


def _load_process(findings: Findings) -> Table:
    record = findings.record
    header = (
        "",
        "valid trials",
        "worst lag, p99",
        "busiest load process",
        "could not be sent",
        "repeated episodes",
    )
    given_up = "; ".join(
        f"{', '.join(each.given_up)} in {each.name}" for each in record.episodes if each.given_up
    )
    note = f"Given up by the supervisor, and dead to the end: {given_up}." if given_up else ""
    return Table("The load process", header, [_load_of(each, record) for each in findings.topologies], note)


def _load_of(topology: Topology, record: RunRecord) -> Row:
    mine = [episode for episode in record.episodes if episode.topology == topology.name]
    steps = [step for episode in mine for step in episode.steps]
    lags_us = [step.lag_p99_us for step in steps if step.begin_ns and not step.concurrency]
    busy = [
        step.load_cpu_s / ((step.done_ns - step.begin_ns) / 1e9)
        for step in steps
        if step.done_ns > step.begin_ns
    ]
    return (
        topology.name,
        f"{topology.trials} of {topology.trials + topology.trials_invalid}",
        f"{number(max(lags_us) / 1e3)} ms" if lags_us else NONE,
        f"{max(busy):.0%}" if busy else NONE,
        f"{sum(step.dropped for step in steps):,}",
        str(sum(episode.topology == topology.name for episode in record.repeated)),
    )


def _growth(findings: Findings) -> list[Table]:
    """What the processes of a soak grew by."""
    rows = [
        (
            str(life.episode),
            life.part,
            f"{life.judged_s:.0f} s",
            f"{life.rss_mib:+.2f} MiB",
            f"{life.fds:+.1f}",
        )
        for life in findings.lives
    ]
    note = "By a line through each life, its warm-up left out; shorter lives are not judged."
    return [Table("Growth", ("", "part", "watched for", "memory", "descriptors"), rows, note)] if rows else []

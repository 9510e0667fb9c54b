"""What was checked before any number was believed, and how far from failing it was."""

from bench.analysis.findings import Findings
from bench.report.numbers import NONE, number
from bench.report.table import Table


def considered(findings: Findings) -> str:
    """What the checks were, in a sentence."""
    limits = findings.record.scenario.validity
    books = " and the bank's books" if any(topology.audit for topology in findings.topologies) else ""
    return (
        f"Checked in every trial: the ledger's laws{books}; that the load process sent each transaction, at most"
        f" {limits.lag_p99_ms_max:g} ms late at the 99th percentile, with less than"
        f" {limits.load_cpu_share_max:.0%} of a processor; that its records are complete; that each fault happened,"
        " in time; that no part ended unasked. A trial that fails a check is left out of every figure, never out of"
        " the accounts."
    )


def checks(findings: Findings) -> list[Table]:
    """How near the generator was to its limits, by topology."""
    record = findings.record
    rows = []
    for topology in findings.topologies:
        steps = [
            step for episode in record.episodes if episode.topology == topology.name for step in episode.steps
        ]
        open_steps = [step for step in steps if step.begin_ns and not step.concurrency]
        worst_us = max((step.lag_p99_us for step in open_steps), default=None)
        busiest = max(
            (
                step.load_cpu_s / ((step.done_ns - step.begin_ns) / 1e9)
                for step in steps
                if step.done_ns > step.begin_ns
            ),
            default=None,
        )
        rows.append(
            (
                topology.name,
                f"{topology.trials} of {topology.trials + topology.trials_invalid}",
                NONE if worst_us is None else f"{number(worst_us / 1e3)} ms",
                NONE if busiest is None else f"{busiest:.0%}",
                f"{sum(step.dropped for step in steps):,}",
                str(sum(episode.topology == topology.name for episode in record.repeated)),
            )
        )
    header = (
        "",
        "valid trials",
        "worst lag, p99",
        "busiest load process",
        "could not be sent",
        "repeated episodes",
    )
    skipped = "; ".join(f"{each.phase} on {each.topology}: {each.why}" for each in record.skipped)
    given_up = "; ".join(
        f"{', '.join(each.given_up)} in {each.name}" for each in record.episodes if each.given_up
    )
    told = (("Not played", skipped), ("Given up by the supervisor, and dead to the end", given_up))
    return (
        [
            Table(
                "The load process", header, rows, " ".join(f"{what}: {text}." for what, text in told if text)
            ),
            *_growth(findings),
        ]
        if rows
        else []
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

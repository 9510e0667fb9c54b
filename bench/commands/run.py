"""``brokerbench run``: plays a scenario, converts what was written down, draws it, says where it is."""

import json
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from bench.commands.examples import examples
from bench.errors import BadInput, BenchError
from bench.interrupt import Terminated, run_until_told
from bench.scenario import Scenario
from bench.scenario_file import load

if TYPE_CHECKING:
    from bench.repeat import Original

EXAMPLES = examples(
    "brokerbench run quick",
    "brokerbench run quick --dry-run",
    "brokerbench run --repeat-of results/latest",
    "brokerbench run quick --topology freelance --trials 1 --set deployment.workers=4 --set phase.latency.duration_s=3",
)


class Wanted(NamedTuple):
    """What the run is to leave, and where."""

    out: Path | None
    raw: bool
    report: bool


@click.command(epilog=EXAMPLES)
@click.argument("scenario", required=False)
@click.option(
    "--topology", "topologies", multiple=True, metavar="NAME", help="Only this one; may be repeated."
)
@click.option("--trials", type=int, metavar="N", help="How often each is played.")
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR", help="An absent or empty folder for the results."
)
@click.option(
    "--set", "changes", multiple=True, metavar="KEY=VALUE", help="Change the scenario; may be repeated."
)
@click.option(
    "--dry-run", is_flag=True, help="Say what would be played and how long it takes; start nothing."
)
@click.option(
    "--repeat-of",
    type=click.Path(path_type=Path),
    metavar="RESULTS",
    help="Instead of SCENARIO: what that run played, at the same rates.",
)
@click.option("--keep-raw", is_flag=True, help="Keep raw/, from which the tables are made.")
@click.option(
    "--no-report",
    is_flag=True,
    help="No charts and no report.html: tables, summary.json and the exit status are all there is to a check in CI.",
)
def run(
    scenario: str | None,
    topologies: tuple[str, ...],
    trials: int | None,
    out: Path | None,
    changes: tuple[str, ...],
    dry_run: bool,
    keep_raw: bool,
    no_report: bool,
    repeat_of: Path | None,
) -> int:
    """Play SCENARIO, the name of a built-in one or a TOML file, and draw what came out."""
    wanted = Wanted(out, keep_raw, not no_report)
    if repeat_of:
        if scenario or topologies or trials is not None or changes:
            raise BadInput(
                "--repeat-of repeats a run as it was: it goes without SCENARIO, --topology, --trials and --set"
            )
        return _repeat(repeat_of, wanted, dry_run)
    if scenario is None:
        raise BadInput("SCENARIO is missing: expected a name of `brokerbench list` or a TOML file")
    changes = (*changes, *([f"topologies={json.dumps(topologies)}"] if topologies else []))
    changes = (*changes, *([f"trials={trials}"] if trials is not None else []))
    chosen = load(scenario, changes)
    if dry_run:
        from bench.dry_run import describe

        click.echo(describe(chosen))
        return 0
    return _run(chosen, wanted)


def _repeat(repeat_of: Path, wanted: Wanted, dry_run: bool) -> int:
    from bench.repeat import original

    first = original(repeat_of)
    for line in first.said():
        click.echo(line)
    if dry_run:
        from bench.dry_run import describe

        click.echo(describe(first.scenario))
        return 0
    return _run(first.scenario, wanted, first)


def _run(scenario: Scenario, wanted: Wanted, first: "Original | None" = None) -> int:
    from bench.hosts.ownership import remove_leftovers
    from bench.outcome import conclude, tell
    from bench.progress import progress
    from bench.results import link_latest, make_folder
    from bench.runner import Runner, order_of

    check_hosts(scenario)
    order_of(scenario)  # what cannot be played is told before there is a folder for it
    remove_leftovers()
    folder = make_folder(wanted.out, scenario.name)
    with progress() as told:
        told.say(f"results: {folder}")
        command = ["run", "--repeat-of", str(first.folder)] if first else sys.argv[1:]
        runner = Runner(scenario, folder, command, told, first.repeated if first else None)
        try:
            run_until_told(runner.run())
        except (KeyboardInterrupt, Terminated, BenchError) as end:
            told.say(f"incomplete; what is whole can be drawn: brokerbench report {folder}")
            if not isinstance(end, Terminated):
                raise
            return 0 if all(episode.valid for episode in runner.record.episodes) else 1
        told.finish("drawing" if wanted.report else "counting")
        outcome = conclude(folder, report=wanted.report)
    tell(outcome)
    if not wanted.raw:
        shutil.rmtree(folder / "raw")
    link_latest(folder)
    return outcome.status


def check_hosts(scenario: Scenario) -> None:
    """Whether parts can be placed as the scenario says.

    Raises:
        BadInput: this machine or this user cannot.
    """
    from bench.hosts.commands import why_not
    from bench.hosts.namespaces import refused

    if not scenario.hosts.placed:
        return
    if why := why_not():
        why = f"hosts: placing parts on hosts of their own {why}"
    elif not (why := refused()):
        return
    raise BadInput(f"{why}; without [hosts] all are on loopback")

"""``brokerbench run``: plays a scenario, converts what was written down, draws it, says where it is."""

import json
import shutil
import sys
from pathlib import Path

import click

from bench.commands.examples import examples
from bench.errors import BadInput, BenchError
from bench.interrupt import Terminated, run_until_told
from bench.scenario import Scenario
from bench.scenario_file import load

EXAMPLES = examples(
    "brokerbench run quick",
    "brokerbench run quick --dry-run",
    "brokerbench run quick --topology freelance --trials 1 --set deployment.workers=4 --set phase.latency.duration_s=3",
)


@click.command(epilog=EXAMPLES)
@click.argument("scenario")
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
@click.option("--keep-raw", is_flag=True, help="Keep raw/, from which the tables are made.")
def run(
    scenario: str,
    topologies: tuple[str, ...],
    trials: int | None,
    out: Path | None,
    changes: tuple[str, ...],
    dry_run: bool,
    keep_raw: bool,
) -> int:
    """Play SCENARIO, the name of a built-in one or a TOML file, and draw what came out."""
    changes = (*changes, *([f"topologies={json.dumps(topologies)}"] if topologies else []))
    changes = (*changes, *([f"trials={trials}"] if trials is not None else []))
    chosen = load(scenario, changes)
    if dry_run:
        from bench.dry_run import describe

        click.echo(describe(chosen))
        return 0
    return _run(chosen, out, keep_raw)


def _run(scenario: Scenario, out: Path | None, keep_raw: bool) -> int:
    from bench.hosts.ownership import remove_leftovers
    from bench.outcome import conclude, tell
    from bench.progress import progress
    from bench.results import link_latest, make_folder
    from bench.runner import Runner, order_of

    check_hosts(scenario)
    order_of(scenario)  # what cannot be played is told before there is a folder for it
    remove_leftovers()
    folder = make_folder(out, scenario.name)
    with progress() as told:
        told.say(f"results: {folder}")
        runner = Runner(scenario, folder, sys.argv[1:], told)
        try:
            run_until_told(runner.run())
        except (KeyboardInterrupt, Terminated, BenchError) as end:
            told.say(f"incomplete; what is whole can be drawn: brokerbench report {folder}")
            if not isinstance(end, Terminated):
                raise
            return 0 if all(episode.valid for episode in runner.record.episodes) else 1
        told.finish("drawing")
        outcome = conclude(folder)
    tell(outcome)
    if not keep_raw:
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

"""``brokerbench list``: what there is to choose from."""

from collections.abc import Mapping

import click

from bench.commands.examples import examples
from bench.errors import BadInput
from bench.faults.registry import FAULTS
from bench.registry import TOPOLOGIES, third_party
from bench.scenario_file import built_in, summary
from common.services import SERVICES
from common.topology import Topology


@click.command(epilog=examples("brokerbench list"))
def list() -> None:
    """What can be named: topologies, scenarios, faults and services."""
    topologies = {**TOPOLOGIES, **_third_party()}
    _section("topologies", {name: f"{it.family}: {it.summary}" for name, it in topologies.items()})
    _section("scenarios", {name: summary(path) for name, path in built_in().items()})
    _section("faults", {name: fault.does for name, fault in FAULTS.items()})
    services = {name: (make.__doc__ or "").split("\n")[0] for name, make in SERVICES.items()}
    _section("services", {**services, "module:callable": "Your own, by its import path."})


def _third_party() -> Mapping[str, Topology]:
    try:
        return third_party()
    except ValueError as error:
        raise BadInput(str(error)) from None


def _section(title: str, entries: Mapping[str, str]) -> None:
    click.echo(f"{title}:")
    width = max(map(len, entries))
    for name, text in entries.items():
        click.echo(f"  {name:<{width}}  {text}")

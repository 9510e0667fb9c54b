"""``brokerbench part``: one part in the foreground, for another supervisor, another host, or a foreign peer."""

import logging
import re
import sys
from collections.abc import Callable, Sequence
from typing import Any, Literal

import click

from bench.commands.examples import examples
from bench.commands.options import Credit, ServiceOptions, service_options
from bench.errors import BadInput
from bench.part import PartSpec
from bench.part import run as run_part
from bench.ports import check_free
from bench.scenario_file import check_topology
from common.front.settings import HttpSettings
from common.services import ServiceSpec
from common.settings import Settings
from common.topology import Pairing, Part

_ENDPOINT = re.compile(r"tcp://(?P<host>[A-Za-z0-9.*_-]+):(?P<port>[0-9]{1,5})|ipc://.+")
"""No IPv6, which our sockets do not speak: a connection to such an address would be tried for ever."""
_ANYWHERE = {"*": "0.0.0.0", "localhost": "127.0.0.1"}

credit_option = click.option("--credit", type=int, default=1, show_default=True, metavar="N", help=Credit)


@click.group(
    epilog=examples("brokerbench part broker --frontend tcp://127.0.0.1:5555 --backend tcp://127.0.0.1:5556")
)
def part() -> None:
    """Run one part in the foreground until Ctrl-C, or SIGTERM, which drains it. It logs to stderr."""


@part.command(
    epilog=examples("brokerbench part broker --frontend tcp://127.0.0.1:5555 --backend tcp://127.0.0.1:5556")
)
@click.option("--topology", default="paranoid-pirate", show_default=True, metavar="NAME")
@click.option(
    "--frontend", required=True, metavar="ENDPOINT", help="Where fronts and plain REQ clients connect."
)
@click.option("--backend", required=True, metavar="ENDPOINT", help="Where workers connect.")
@click.option(
    "--star", type=click.Choice(["primary", "backup"]), help="Which one it is of a binary star; with --state."
)
@click.option(
    "--state",
    metavar="ENDPOINT",
    help="Where the two tell each other: the primary binds, the backup connects.",
)
@click.option("--name", default="broker-1", show_default=True)
def broker(
    topology: str,
    frontend: str,
    backend: str,
    star: Literal["primary", "backup"] | None,
    state: str | None,
    name: str,
) -> int:
    """A broker that binds both endpoints."""
    settings = Settings()
    chosen = check_topology(topology)
    for endpoint in (frontend, backend):
        _check_endpoint(endpoint, binds=True)
    pairing = None
    if star is not None and state is not None:
        _check_endpoint(state, binds=star == "primary")
        pairing = Pairing(star, state)
    elif star is not None or state is not None:
        raise BadInput(f"--star and --state go together, got only --{'star' if star else 'state'}")
    try:
        made = chosen.broker(name, frontend, backend, settings, pairing)
    except ValueError as error:
        options = " (--star, --state)" if chosen.family == "brokered" else ""
        raise BadInput(f"{error}{options}") from None
    return _run(topology, made, settings)


@part.command(
    epilog=examples(
        "brokerbench part worker --topology paranoid-pirate --connect tcp://127.0.0.1:5556 --service echo"
    )
)
@click.option("--topology", required=True, metavar="NAME")
@click.option("--connect", multiple=True, metavar="BACKEND", help="A broker's backend; may be repeated.")
@click.option("--bind", metavar="ENDPOINT", help="Where clients connect, where there is no broker.")
@click.option("--name", default="worker-1", show_default=True)
@credit_option
@service_options
def worker(
    topology: str, connect: Sequence[str], bind: str | None, name: str, credit: int, service: ServiceOptions
) -> int:
    """A worker: --connect to brokers, or --bind where there is none."""
    chosen = check_topology(topology)
    options = {"--connect": list(connect), "--bind": [bind] if bind else []}
    needed, other = ("--connect", "--bind") if chosen.family == "brokered" else ("--bind", "--connect")
    given = options[needed]
    if not given or options[other]:
        raise BadInput(
            f"a worker of {topology}, which is {chosen.family}, needs {needed} ENDPOINT and no {other}"
        )
    for endpoint in given:
        _check_endpoint(endpoint, binds=needed == "--bind")
    settings = _checked(lambda: Settings(credit))
    made = _checked(lambda: chosen.worker(name, given, settings))
    return _run(topology, made, settings, service=service.spec())


@part.command(
    epilog=examples(
        "brokerbench part front --topology paranoid-pirate --connect tcp://127.0.0.1:5555 --port 8080"
    )
)
@click.option("--topology", required=True, metavar="NAME")
@click.option(
    "--connect", multiple=True, required=True, metavar="ENDPOINT", help="A broker or worker; may be repeated."
)
@click.option("--port", type=int, default=HttpSettings().port, show_default=True, metavar="P")
@click.option("--host", default=HttpSettings().host, show_default=True, help="Where it listens.")
@click.option("--name", default="front-1", show_default=True)
@credit_option
def front(topology: str, connect: Sequence[str], port: int, host: str, name: str, credit: int) -> int:
    """A REST front."""
    chosen = check_topology(topology)
    for endpoint in connect:
        _check_endpoint(endpoint, binds=False)
    http = _checked(lambda: HttpSettings(host, port))
    if port:
        check_free(host, port)
    settings = _checked(lambda: Settings(credit))
    return _run(topology, _checked(lambda: chosen.front(name, connect, settings)), settings, http=http)


def _run(
    topology: str,
    made: Part,
    settings: Settings,
    service: ServiceSpec | None = None,
    http: HttpSettings | None = None,
) -> int:
    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(name)s %(levelname)s %(message)s"
    )
    try:
        return run_part(PartSpec(topology, made, settings, service=service, http=http))
    except OSError as error:
        raise BadInput(str(error)) from None


def _checked(make: Callable[[], Any]) -> Any:
    try:
        return make()
    except ValueError as error:
        raise BadInput(str(error)) from None


def _check_endpoint(endpoint: str, binds: bool) -> None:
    match = _ENDPOINT.fullmatch(endpoint)
    if not match or int(match["port"] or 1) not in range(1, 65536):
        raise BadInput(
            f"an endpoint must be tcp://HOST:PORT, HOST an IPv4 address or a name, or ipc://PATH, got {endpoint!r}"
        )
    if binds and match["port"]:
        host = match["host"]
        check_free(_ANYWHERE.get(host, host), int(match["port"]))

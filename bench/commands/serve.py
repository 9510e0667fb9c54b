"""``brokerbench serve``: a deployment that keeps running."""

import click

from bench.commands.examples import examples
from bench.commands.options import Credit, ServiceOptions, service_options
from bench.scenario_file import check_topology


@click.command(
    epilog=examples(
        "brokerbench serve freelance --workers 4 --fronts 2 --service sleep --service-mean-ms 10 --port 8080"
    )
)
@click.argument("topology")
@click.option("--workers", type=int, default=4, show_default=True, metavar="N")
@click.option("--fronts", type=int, default=1, show_default=True, metavar="N", help="Several share the port.")
@click.option("--brokers", type=int, metavar="N", help="Where their number is free.  [default: 1]")
@click.option("--credit", type=int, default=1, show_default=True, metavar="N", help=Credit)
@click.option("--port", type=int, default=8080, show_default=True, metavar="P")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where the fronts listen.")
@service_options
def serve(
    topology: str,
    workers: int,
    fronts: int,
    brokers: int | None,
    credit: int,
    port: int,
    host: str,
    service: ServiceOptions,
) -> int:
    """Start a deployment of TOPOLOGY and keep it running until Ctrl-C, or SIGTERM, which drains it."""
    chosen = check_topology(topology)
    from bench.interrupt import Terminated, run_until_told
    from bench.serving import Serving, serve_until_told

    serving = Serving.of(chosen, workers, fronts, brokers, credit, service.spec(), host, port)
    try:
        run_until_told(serve_until_told(serving))
    except Terminated:
        click.echo("drained and stopped")
    return 0

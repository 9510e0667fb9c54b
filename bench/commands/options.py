"""Options that several commands share."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import click

from bench.errors import BadInput
from common.bank.settings import BankSpec
from common.distributions import DISTRIBUTIONS
from common.recorded import read_times
from common.services import FROM_FILE, ServiceSpec, load_service

Credit = "Transactions one dispatcher may have outstanding at one worker."

F = TypeVar("F", bound=Callable[..., Any])


class ServiceOptions(NamedTuple):
    """``--service`` and what goes with it, as given."""

    name: str
    mean_ms: float | None
    """None: as recorded, or else what a ``ServiceSpec`` has."""
    distribution: str
    times: Path | None
    seed: int
    database: str

    def spec(self) -> ServiceSpec:
        """The service, found.

        Raises:
            BadInput: there is none of that name, or a value cannot be.
        """
        try:
            bank = BankSpec(self.database)
        except ValueError as error:
            raise BadInput(f"--service-database: {error}") from None
        if self.times and self.distribution != FROM_FILE:
            raise BadInput(
                f"--service-times must go with --service-distribution {FROM_FILE}, got {self.distribution}"
            )
        try:
            times = str(self.times.absolute()) if self.times else ""
            mean_ms = self._mean_ms()
            spec = ServiceSpec(self.name, mean_ms, self.distribution, self.seed, bank=bank, times=times)
            load_service(spec)
        except ValueError as error:
            raise BadInput(f"--service: {error}") from None
        return spec

    def _mean_ms(self) -> float:
        if self.mean_ms is not None:
            return self.mean_ms
        if self.distribution == FROM_FILE and self.times:
            return read_times(self.times).mean_ms
        return ServiceSpec().mean_ms


def service_options(command: F) -> F:
    """Give a command its ``service`` from ``--service`` and the options beside it."""
    default = ServiceSpec()

    @click.option(
        "--service", default=default.name, show_default=True, help="A name of `list`, or module:callable."
    )
    @click.option(
        "--service-mean-ms",
        type=float,
        metavar="MS",
        help=f"How long sleep and spin take, transfer beside its database.  [default: {default.mean_ms},"
        " or as in --service-times]",
    )
    @click.option(
        "--service-distribution",
        default=default.distribution,
        show_default=True,
        metavar="NAME",
        help=f"Of that time: {', '.join((*sorted(DISTRIBUTIONS), FROM_FILE))}.",
    )
    @click.option(
        "--service-times",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="distribution file: CSV with a column ms.",
    )
    @click.option(
        "--service-seed",
        type=int,
        default=default.seed,
        show_default=True,
        metavar="N",
        help="With its id it says how long a transaction takes.",
    )
    @click.option(
        "--service-database",
        default=default.bank.database,
        metavar="PATH|URL",
        help="transfer: an SQLite file (bank.sqlite), or postgresql://...",
    )
    @wraps(command)
    def with_service(
        *arguments: object,
        service: str,
        service_mean_ms: float | None,
        service_distribution: str,
        service_times: Path | None,
        service_seed: int,
        service_database: str,
        **others: object,
    ) -> object:
        options = ServiceOptions(
            service,
            service_mean_ms,
            service_distribution,
            service_times,
            service_seed,
            service_database,
        )
        return command(*arguments, service=options, **others)

    return with_service  # type: ignore[return-value]

"""``python -P -m bench.load SPEC.json``: plays one episode's load against a running deployment.

Exit status: 0 when every step was played to its end; 1 when that was impossible; 2 for a bad spec; 128 + the
signal's number when told to stop by SIGTERM or SIGINT, which ends what is under way at once and writes down
what there is.
"""

import asyncio
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.load.bodies import bodies
from bench.load.client_level import CannotDrive, ClientCarrier, client_of
from bench.load.closed_loop import TooMany
from bench.load.episode import Episode
from bench.load.exchange import Carrier, Ended
from bench.load.http import HttpCarrier, raise_file_limit
from bench.load.records import Records
from bench.load.report import Report, Stop, Trouble
from bench.load.spec import LoadSpec, read_spec
from bench.load.traffic import Traffic
from common.guard import die_with

STOPPED_BY = (signal.SIGTERM, signal.SIGINT)


def main(arguments: Sequence[str]) -> int:
    """Play the one spec named by the arguments; returns the exit status."""
    if len(arguments) != 1:
        return complain(f"usage: python -P -m bench.load SPEC.json, got {len(arguments)} arguments")
    try:
        spec = read_spec(Path(arguments[0]))
    except (OSError, ValueError) as error:
        return complain(f"{arguments[0]}: {error}")
    die_with(spec.guard_pid)
    raise_file_limit()
    return asyncio.run(play(spec))


async def play(spec: LoadSpec) -> int:
    """Play the spec until it is over or a signal says stop; returns the exit status."""
    report = Report(Path(spec.report_file))
    records = Records(Path(spec.record_file), spec.level, spec.method, spec.timeout_s)
    status = 1
    try:
        traffic = Traffic(lambda ended: open_carrier(spec, ended), records, bodies(spec))
        try:
            status = await until_told(Episode(spec, traffic, report))
        finally:
            await traffic.carrier.close()
    except (OSError, CannotDrive, TooMany) as error:
        report.write(Trouble(detail=str(error)))
        complain(str(error))
    finally:
        records.close()
        report.write(Stop(complete=status == 0))
        report.close()
    return status


def open_carrier(spec: LoadSpec, ended: Ended) -> Carrier:
    """What takes transactions to the deployment at the spec's level."""
    if spec.client is None:
        return HttpCarrier(spec, ended)
    return ClientCarrier(spec, client_of(spec.client, spec.seed), ended)


async def until_told(episode: Episode) -> int:
    """Play; 0, or 128 + the number of the signal that ended it early."""
    loop = asyncio.get_running_loop()
    playing = asyncio.create_task(episode.play())
    told: list[int] = []

    def stop(number: int) -> None:
        told.append(number)
        playing.cancel()

    for number in STOPPED_BY:
        loop.add_signal_handler(number, stop, number)
    try:
        await playing
    except asyncio.CancelledError:
        if not told:
            raise
    finally:
        for number in STOPPED_BY:
            loop.remove_signal_handler(number)
    return 128 + told[0] if told else 0


def complain(message: str) -> int:
    """Say on one line what was wrong."""
    print(f"bench.load: {' '.join(message.split())}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Under which conditions a run was made, for the end of the page: whoever doubts a number begins there."""

import shlex
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec

from bench.leaves import leaves
from bench.report.numbers import number
from bench.report.table import Table
from bench.run_record import RunRecord
from bench.scenario import Supervision
from common.topology import Part, Plan, Socket


def command(record: RunRecord) -> str:
    """What to type to repeat the run."""
    return shlex.join(["brokerbench", *record.command])


def made_at(record: RunRecord) -> str:
    """The time of day at which the run began."""
    return f"{datetime.fromtimestamp(record.clock.utc_ns / 1e9, UTC):%Y-%m-%d %H:%M} UTC"


def provenance(record: RunRecord) -> list[Table]:
    """Machine, versions, settings, and every socket option."""
    return [_machine(record), _versions(record), _scenario(record), *_sockets(record)]


def _machine(record: RunRecord) -> Table:
    machine = record.conditions.machine
    rows = [
        ("processor", machine.cpu),
        ("cores", str(machine.cores)),
        ("memory", f"{number(machine.memory_bytes / (1 << 30))} GiB"),
        ("kernel", machine.kernel),
        ("load average before", ", ".join(f"{load:.2f}" for load in machine.load_average)),
        (
            "supervisor",
            f"{record.conditions.supervisor}, {_restarts(record.scenario.supervision)}",
        ),
        ("began", made_at(record)),
    ]
    return Table("Machine", ("", ""), rows)


def _restarts(supervision: Supervision) -> str:
    """``restart after 1 s``, ``restart as systemd does``."""
    if supervision.policy == "fixed":
        return f"restart after {supervision.restart_delay_s:g} s"
    return f"restart {'at once' if supervision.policy == 'immediate' else f'as {supervision.policy} does'}"


def _versions(record: RunRecord) -> Table:
    versions = record.conditions.versions
    rows = [("commit", record.conditions.commit or "unknown"), *((name, versions[name]) for name in versions)]
    return Table("Versions", ("", ""), rows)


def _scenario(record: RunRecord) -> Table:
    scenario: dict[str, Any] = msgspec.to_builtins(record.scenario)
    rows = [(key, text) for key, text in leaves(scenario) if key not in ("title", "question")]
    return Table("Scenario and settings", ("key", "value"), rows)


def _sockets(record: RunRecord) -> Iterator[Table]:
    for name, plan in record.plans.items():
        rows = [
            (
                part.role,
                socket.name,
                _ends(part, socket),
                ", ".join(f"{key} {value}" for key, value in _options(socket)),
            )
            for part in _one_of_each_role(plan)
            for socket in _distinct(part)
        ]
        read_back = record.options_read_back.get(name)
        note = "" if read_back else "As asked of libzmq."
        yield Table(f"Sockets of {name}", ("role", "socket", "kind", "options"), rows, note)


def _one_of_each_role(plan: Plan) -> list[Part]:
    return list({part.role: part for part in reversed(plan.parts)}.values())


def _distinct(part: Part) -> list[Socket]:
    """Sockets that differ in more than their peer; a front has one alike for each worker."""
    alike = {(socket.kind, socket.bind, tuple(_options(socket))): socket for socket in reversed(part.sockets)}
    return list(reversed(alike.values()))


def _options(socket: Socket) -> list[tuple[str, str]]:
    return [(name, str(value)) for name, value in sorted(socket.options.items())]


def _ends(part: Part, socket: Socket) -> str:
    alike = sum(other.kind == socket.kind and other.bind == socket.bind for other in part.sockets)
    verb = "binds" if socket.bind else "connects"
    peers = f" to {len(socket.endpoints)} endpoints" if len(socket.endpoints) > 1 else ""
    return f"{f'{alike} × ' if alike > 1 else ''}{socket.kind} {verb}{peers}"

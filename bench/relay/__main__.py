"""``python -P -m bench.relay SPEC.json``: carries until the control socket closes.

Exit status: 0 then; 1 where it could not listen, said on one line.
"""

import asyncio
import socket
import sys
from pathlib import Path

import msgspec
from msgspec.structs import replace

from bench.relay.orders import Order, RelaySpec, Tally
from bench.relay.relay import Relay
from common.guard import die_with


def main(path: str) -> int:
    """Carry what the spec says."""
    spec = msgspec.json.decode(Path(path).read_bytes(), type=RelaySpec)
    die_with(spec.guard_pid)
    try:
        asyncio.run(carry(spec))
    except (OSError, KeyboardInterrupt) as error:
        print(f"relay: {error}", file=sys.stderr)
        return 1
    return 0


async def carry(spec: RelaySpec) -> None:
    """Listen, say so by a first tally, follow orders. Raises OSError."""
    reader, writer = await asyncio.open_connection(sock=socket.socket(fileno=spec.control))
    relay = Relay(spec)
    try:
        await relay.open()
        writer.write(msgspec.json.encode(Tally()) + b"\n")
        async for line in reader:
            order = msgspec.json.decode(line, type=Order)
            tally = replace(relay.follow(order), number=order.number)
            writer.write(msgspec.json.encode(tally) + b"\n")
    finally:
        await relay.close()
        writer.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

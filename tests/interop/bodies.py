"""Bodies that something on the way might mistake for its own."""

BODIES: list[tuple[bytes, ...]] = [
    (b"x",),
    (b"",),
    (b"\x01",),  # READY
    (b"\x02",),  # HEARTBEAT
    (b"PING",),
    (b"PONG",),
    (b"a", b"", b"b"),
    (b"", b"", b""),
    (b"", b"\x01"),
    (b"\x02", b""),
    (b"BBTX",),  # our magics, in a plain peer's own data
    (b"BBST", b"BBTX"),
    (b"BBST\x01\x01\x01\x00" + bytes(12) + b"x", b"not a status for anybody"),
    (bytes(range(256)) * 400,),
    tuple(b"%d" % frame for frame in range(40)),
]

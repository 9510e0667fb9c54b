"""The commands of RFC 10/FLP, byte for byte. PROTOCOL.md, section 5."""

PING = b"PING"
PONG = b"PONG"

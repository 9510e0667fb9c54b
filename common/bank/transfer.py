"""What a transfer is, as a client writes it: ``{"from": 3, "to": 7, "amount": 12}``. Pure.

Invariant: what is wrong with a body is the same whenever and wherever it is looked at, so that a repeated delivery
gets the same refusal without anybody remembering the first.
"""

from typing import NamedTuple

import msgspec

from common.bank.settings import ACCOUNTS_MAX

AMOUNT_MAX = 10**12


class Transfer(NamedTuple):
    """From one account to another."""

    source: int
    target: int
    amount: int


class _Body(msgspec.Struct, rename={"source": "from", "target": "to"}):
    source: int
    target: int
    amount: int


_decode = msgspec.json.Decoder(_Body).decode
_EXPECTED = 'a transfer is {"from": ACCOUNT, "to": ACCOUNT, "amount": NUMBER}'


class NoTransfer(ValueError):
    """The body is none, or asks for what cannot be; says which in a line."""


def parse(body: bytes) -> Transfer:
    """The transfer in a body; white space around it is allowed.

    Raises:
        NoTransfer: there is none, or it never can be executed.
    """
    try:
        found = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NoTransfer(f"{_EXPECTED}: {error}") from None
    for account in (found.source, found.target):
        if not 1 <= account <= ACCOUNTS_MAX:
            raise NoTransfer(f"an account must be 1 to {ACCOUNTS_MAX}, got {account}")
    if found.source == found.target:
        raise NoTransfer(f"from and to must be two accounts, got {found.source} twice")
    if not 1 <= found.amount <= AMOUNT_MAX:
        raise NoTransfer(f"amount must be 1 to {AMOUNT_MAX}, got {found.amount}")
    return Transfer(found.source, found.target, found.amount)


def body(transfer: Transfer, size: int = 0) -> bytes:
    """The body that asks for it, with spaces behind up to ``size`` bytes, which JSON allows."""
    return (b'{"from":%d,"to":%d,"amount":%d}' % transfer).ljust(size)

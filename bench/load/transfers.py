"""The bodies of transfers: who pays whom how much, for each transaction.

Invariant: a function of the seed and the transaction's id, which is made of phase, trial, step and index, so that each
topology is asked for the same, and the audit knows what was asked for without having been there.
"""

import hashlib

from common.bank.transfer import Transfer, body

AMOUNT_MAX = 100
"""The largest amount: against an opening balance of 500 some accounts run dry."""


def drawn(seed: int, id: bytes, accounts: int) -> Transfer:
    """From and to are drawn one by one: once in ``accounts`` they are the same, which the service must refuse."""
    words = hashlib.blake2b(id, digest_size=24, key=seed.to_bytes(8, "big")).digest()
    source, target, amount = (int.from_bytes(words[at : at + 8], "big") for at in (0, 8, 16))
    return Transfer(1 + source % accounts, 1 + target % accounts, 1 + amount % AMOUNT_MAX)


def body_bytes_min(accounts: int) -> int:
    """The size of the longest body."""
    return len(body(Transfer(accounts, accounts, AMOUNT_MAX)))

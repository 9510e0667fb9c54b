import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.bank.settings import ACCOUNTS_MAX
from common.bank.transfer import AMOUNT_MAX, NoTransfer, Transfer, body, parse

accounts = st.integers(1, ACCOUNTS_MAX)


@given(accounts, accounts, st.integers(1, AMOUNT_MAX), st.integers(0, 200))
def test_a_body_says_what_it_was_made_of_whatever_its_length(source, target, amount, size):
    transfer = Transfer(source, target, amount)
    written = body(transfer, size)
    assert len(written) >= size
    if source == target:
        with pytest.raises(NoTransfer, match="must be two accounts"):
            parse(written)
    else:
        assert parse(written) == transfer


@pytest.mark.parametrize(
    ("written", "why"),
    [
        (b"", "a transfer is"),
        (b"\xff", "a transfer is"),
        (b"[1, 2, 3]", "a transfer is"),
        (b'{"from": 3, "to": 7}', "a transfer is"),
        (b'{"from": "3", "to": 7, "amount": 12}', "a transfer is"),
        (b'{"from": 3, "to": 7, "amount": 1.5}', "a transfer is"),
        (b'{"from": 3, "to": 7, "amount": 0}', "amount must be 1 to"),
        (b'{"from": 3, "to": 7, "amount": -12}', "amount must be 1 to"),
        (b'{"from": 3, "to": 7, "amount": 99999999999999999999999}', "a transfer is|amount must be"),
        (b'{"from": 0, "to": 7, "amount": 12}', "an account must be 1 to"),
        (b'{"from": 3, "to": 99999999999999, "amount": 12}', "an account must be 1 to"),
        pytest.param(b'{"x": ' + 60_000 * b"[", "a transfer is", id="nested without end"),
        (b'{"from": 3, "to": 3, "amount": 12}', "from and to must be two accounts, got 3 twice"),
    ],
)
def test_what_never_can_be_done_is_refused_in_one_line(written, why):
    with pytest.raises(NoTransfer, match=why) as refusal:
        parse(written)
    assert "\n" not in str(refusal.value)

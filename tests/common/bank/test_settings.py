import pytest

from common.bank.settings import BankSpec


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"accounts": 1}, "accounts must be 2 to 1000000, got 1"),
        ({"balance": -1}, "balance must be 0 to 10^9, got -1"),
        ({"schema": "a; DROP"}, "schema must be 1 to 63 of"),
        ({"database": "mysql://there/bank"}, "database must be a path or postgresql://..., got mysql://..."),
        ({"database": "postgresql://me:secret@there/bank"}, "database must hold no password"),
        ({"database": "postgresql:///bank?password=secret"}, "database must hold no password"),
    ],
)
def test_what_cannot_be_a_bank_is_refused_in_one_line(wrong, why):
    with pytest.raises(ValueError, match=why.replace("^", r"\^").replace("...", r"\.\.\.")) as refusal:
        BankSpec(**wrong)
    assert "secret" not in str(refusal.value)


def test_a_url_is_postgresql_and_a_path_is_sqlite():
    assert BankSpec("postgresql:///bank").postgresql
    assert not BankSpec("somewhere/bank.sqlite").postgresql
    assert not BankSpec().postgresql

import msgspec
import pytest

from bench.load.bodies import bodies
from bench.load.transfers import AMOUNT_MAX, body_bytes_min, drawn
from common.bank.transfer import parse
from tests.bench.load.scripted import spec
from tests.bench.load.test_episode import open_step


def ids(count: int) -> list[bytes]:
    return [b"kill-worker.1.0-%d" % index for index in range(count)]


def test_a_transfer_is_a_function_of_seed_and_id(tmp_path):
    told = spec(tmp_path, (open_step(),), targets=("127.0.0.1:1",), body="transfer", accounts=100, seed=7)
    body_of = bodies(told)
    for id in ids(20):
        written = body_of(id, 64)
        assert len(written) == 64
        assert parse(written) == drawn(7, id, 100)
        assert msgspec.json.decode(written)["amount"] <= AMOUNT_MAX
    other = msgspec.structs.replace(told, seed=8)
    assert [bodies(other)(id, 64) for id in ids(20)] != [body_of(id, 64) for id in ids(20)]


def test_transfers_reach_every_account_and_meet():
    transfers = [drawn(1, id, 10) for id in ids(500)]
    assert {transfer.source for transfer in transfers} == set(range(1, 11))
    assert {transfer.target for transfer in transfers} == set(range(1, 11))
    assert any(transfer.source == transfer.target for transfer in transfers), (
        "what must be refused is asked for too"
    )
    assert {1, AMOUNT_MAX} <= {transfer.amount for transfer in transfers}


def test_other_bodies_are_the_id_as_before(tmp_path):
    told = spec(tmp_path, (open_step(),), targets=("127.0.0.1:1",))
    assert bodies(told)(b"abc", 7) == b"cabcabc"


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"accounts": 1}, "accounts must be 2 to"),
        ({"accounts": 100, "body_bytes": 20}, f"body_bytes must be {body_bytes_min(100)} to"),
    ],
)
def test_a_transfer_that_cannot_be_written_is_refused(tmp_path, wrong, why):
    with pytest.raises(ValueError, match=why):
        spec(tmp_path, (open_step(),), targets=("127.0.0.1:1",), body="transfer", **wrong)

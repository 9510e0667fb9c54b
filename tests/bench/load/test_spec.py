from pathlib import Path
from typing import get_args, get_type_hints

import msgspec
import pytest

from bench.load.schedule import ARRIVALS, transaction_id
from bench.load.spec import (
    PREFIX_LENGTH_MAX,
    STEPS_MAX,
    TRANSACTIONS_MAX,
    Burst,
    ClosedStep,
    LoadSpec,
    OpenStep,
    Retrying,
    address,
    read_spec,
    span,
)
from tests.bench.load.scripted import spec

STEPS = (
    OpenStep(name="0.5", rate_per_s=100, warmup_s=1, duration_s=2),
    ClosedStep(name="16", concurrency=16, duration_s=3),
)


def test_a_spec_survives_its_file(tmp_path: Path):
    before = spec(tmp_path, STEPS, targets=("127.0.0.1:80", "[::1]:81"), stream=(1, 2))
    (tmp_path / "spec.json").write_bytes(msgspec.json.encode(before))
    assert read_spec(tmp_path / "spec.json") == before


def test_a_step_is_measured_from_the_end_of_its_warm_up():
    assert span(STEPS[0], 10**9) == (1_000_000_000, 2_000_000_000, 4_000_000_000)


def test_its_arrivals_are_those_that_can_be_drawn():
    assert set(get_args(get_type_hints(OpenStep)["arrivals"])) == {*ARRIVALS, "trace"}


def test_the_longest_prefix_leaves_room_for_every_id():
    transaction_id(f"{'p' * PREFIX_LENGTH_MAX}.{STEPS_MAX - 1}", TRANSACTIONS_MAX - 1)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"steps": ()}, "number of steps must be 1 to 100 steps, got 0"),
        ({"steps": (OpenStep(name="x", rate_per_s=9e5, duration_s=12),)}, "at most 10000000 transactions"),
        ({"steps": (ClosedStep(name="x", concurrency=1, duration_s=4000),) * 2}, "at most 7200 s, got 8000"),
        ({"targets": ()}, "number of targets must be 1 to 64"),
        ({"targets": ("localhost",)}, "host:port with a port of 1 to 65535, got 'localhost'"),
        ({"targets": ("localhost:70000",)}, "got 'localhost:70000'"),
        ({"id_prefix": "a b"}, "id_prefix must be .* got 'a b'"),
        ({"id_prefix": "a" * 49}, "id_prefix must be 1 to 48"),
        ({"timeout_s": 0}, "timeout_s must be 0.001 to 3600 s, got 0"),
        ({"body_bytes": -1}, "body_bytes must be 0 to"),
        ({"level": "client"}, "level client needs client, and no targets"),
    ],
)
def test_a_wrong_value_is_named_with_what_was_expected(tmp_path: Path, change, complaint):
    told = {"targets": ("127.0.0.1:80",), "id_prefix": "p", "steps": STEPS, **change}
    with pytest.raises(ValueError, match=complaint):
        LoadSpec(record_file=str(tmp_path / "r"), report_file=str(tmp_path / "l"), **told)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('{"kind": "closed", "name": "0", "duration_s": 1, "concurrency": 0}', "1 to 2048 loops, got 0"),
        ('{"kind": "open", "name": "0", "duration_s": 1, "rate_per_s": 0}', "rate_per_s must be"),
        ('{"kind": "open", "name": "0", "duration_s": 1, "rate": 1}', "unknown field `rate`"),
        ('{"kind": "shut", "name": "0", "duration_s": 1}', "'shut'"),
    ],
)
def test_a_wrong_step_is_named_with_what_was_expected(tmp_path: Path, text, complaint):
    path = tmp_path / "spec.json"
    path.write_text(
        f'{{"id_prefix": "p", "targets": ["a:1"], "record_file": "r", "report_file": "l", "steps": [{text}]}}'
    )
    with pytest.raises(ValueError, match=complaint):
        read_spec(path)


def test_an_address_may_be_a_name_or_numeric():
    assert address("front-1.local:8080") == ("front-1.local", 8080)
    assert address("[::1]:1") == ("::1", 1)


BURST = Burst(at_s=1, for_s=0.5, times=3)


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: Burst(at_s=0, for_s=1, times=1), "times must be above 1 and at most 1000, got 1"),
        (lambda: Burst(at_s=0, for_s=0, times=2), "for_s must be 0.001 to 7200 s, got 0"),
        (lambda: Retrying(retries=10, after_s=1, budget=None), "retries must be 1 to 9 retries, got 10"),
        (
            lambda: OpenStep(name="1", rate_per_s=1, duration_s=9, bursts=(BURST, BURST)),
            "a burst must begin after the one before, got 1 s before 1.5 s",
        ),
        (
            lambda: OpenStep(name="1", rate_per_s=1, duration_s=1.2, bursts=(BURST,)),
            "a burst must be over by duration_s 1.2, got one until 1.5 s",
        ),
    ],
)
def test_a_burst_or_retries_out_of_range_are_refused(make, complaint):
    with pytest.raises(ValueError, match=complaint):
        make()


def test_what_bursts_and_retries_add_counts_towards_the_most_that_may_be_sent(tmp_path: Path):
    retrying = Retrying(retries=9, after_s=1, budget=None)
    step = OpenStep(name="1", rate_per_s=100, duration_s=10, bursts=(BURST,), retrying=retrying)
    assert step.transactions == 100 * (10 + 2 * 0.5) * 10
    many = msgspec.structs.replace(step, rate_per_s=TRANSACTIONS_MAX / 100)
    with pytest.raises(ValueError, match=f"must send at most {TRANSACTIONS_MAX} transactions, got 11000000"):
        spec(tmp_path, (many,), targets=("a:1",))

"""Each check of the bench's own part in a measurement fires, and only then."""

import pytest
from msgspec.structs import replace

from bench.run_record import PlayedStep
from bench.scenario_file import load
from bench.validity import doubts

WELL = PlayedStep("0.5", 0.5, 4, begin_ns=0, done_ns=1_000_000_000, sent=100, lag_p99_us=900, load_cpu_s=0.2)


def test_a_step_played_well_is_not_doubted():
    assert doubts(load("quick"), [WELL, PlayedStep("0.8", 0.5, 4)]) == []


@pytest.mark.parametrize(
    ("flaw", "expected"),
    [
        ({"dropped": 3}, "step 0.5: the load process could not send 3 transactions of 100"),
        (
            {"lag_p99_us": 10_500},
            "sent late by 10.5 ms at the 99th percentile, validity.lag_p99_ms_max is 10 ms",
        ),
        ({"load_cpu_s": 0.95}, "used 95% of a processor, validity.load_cpu_share_max is 90%"),
    ],
)
def test_a_flaw_is_a_measurements_reason_with_figure_and_threshold(flaw, expected):
    (doubt,) = doubts(load("quick"), [replace(WELL, **flaw)])
    assert doubt.cause == "measurement"
    assert expected in doubt.text


def test_at_level_client_a_busy_load_process_is_the_measurement():
    assert doubts(load("messages"), [replace(WELL, load_cpu_s=1.0)]) == []


def test_thresholds_are_settings():
    assert doubts(load("quick", ["validity.lag_p99_ms_max=20"]), [replace(WELL, lag_p99_us=10_500)]) == []

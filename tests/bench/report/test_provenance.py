"""The page says by whose rules parts were restarted, for it is in every recovery."""

import pytest

from bench.report.provenance import _restarts
from bench.scenario import Supervision


@pytest.mark.parametrize(
    ("supervision", "expected"),
    [
        (Supervision(restart_delay_s=0.3), "restart after 0.3 s"),
        (Supervision(policy="immediate"), "restart at once"),
        (Supervision(policy="daemontools", restart_delay_s=0.3), "restart as daemontools does"),
    ],
)
def test_the_supervisor_is_named(supervision, expected):
    assert _restarts(supervision) == expected

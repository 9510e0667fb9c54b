"""What the front refuses to be told."""

import pytest

from common.front.settings import HttpSettings


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"port": 65536}, "http.port must be 0 to 65535, got 65536"),
        ({"port": -1}, "http.port must be 0 to 65535, got -1"),
        ({"backlog": 0}, "http.backlog must be at least 1 connection, got 0"),
        ({"idle_s": 0}, "http.idle_s must be more than 0 s, got 0"),
        ({"transfer_s": float("nan")}, "http.transfer_s must be more than 0 s, got nan"),
    ],
)
def test_a_bad_setting_says_what_was_expected(wrong, message):
    with pytest.raises(ValueError, match=message):
        HttpSettings(**wrong)


def test_it_is_seen_on_loopback_only_unless_told_otherwise():
    assert HttpSettings().host == "127.0.0.1"

"""How the tests are shared out: what is to stay together does, and nothing is left out."""

from tests.lanes import LANES, file_of, lanes

PURE = "tests/common/test_wire.py"


def test_deployments_take_turns_in_the_lanes_and_a_file_stays_whole():
    files = [f"tests/end_to_end/test_{number}.py" for number in range(LANES + 1)]
    found = lanes(f"{file}::test_{name}" for file in files for name in ("a[x::y]", "b"))
    assert list(found) == files
    assert list(found.values()) == [*(f"lane {number + 1}" for number in range(LANES)), "lane 1"]


def test_what_plays_no_deployment_is_in_no_lane():
    assert lanes([f"{PURE}::test_a"]) == {}
    assert file_of(f"{PURE}::TestAll::test_a") == PURE

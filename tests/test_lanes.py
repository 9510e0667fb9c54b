"""How the tests are shared out: what is to stay together does, and nothing is left out."""

from tests.lanes import LANES, file_of, lanes

ONE, TWO, THREE = (f"tests/end_to_end/test_{name}.py" for name in ("one", "two", "three"))
PURE = "tests/common/test_wire.py"


def test_deployments_take_turns_in_the_lanes_and_a_file_stays_whole():
    found = lanes([f"{ONE}::test_a[x::y]", f"{ONE}::test_b", f"{TWO}::test_a", f"{THREE}::test_a"])
    assert found == {ONE: "lane 1", TWO: "lane 2", THREE: "lane 1"}
    assert len(set(found.values())) == LANES


def test_what_plays_no_deployment_is_in_no_lane():
    assert lanes([f"{PURE}::test_a"]) == {}
    assert file_of(f"{PURE}::TestAll::test_a") == PURE

"""Nested settings as lines."""

from bench.leaves import leaves


def test_each_value_stands_under_its_dotted_name():
    phases = [{"name": "kill", "loads": [0.5, 0.8], "fault": [{"kind": "kill"}, {"kind": "pause"}]}]
    assert dict(leaves({"seed": 1, "service": {"name": "echo", "times": ""}, "phase": phases})) == {
        "seed": "1",
        "service.name": "echo",
        "service.times": "",
        "phase.kill.name": "kill",
        "phase.kill.loads": "0.5, 0.8",
        "phase.kill.fault.1.kind": "kill",
        "phase.kill.fault.2.kind": "pause",
    }


def test_an_empty_array_is_a_value():
    assert list(leaves({"phase": []})) == [("phase", "")]

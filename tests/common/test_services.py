import sys
import threading
import time

import msgspec
import pytest

from common.distributions import service_time
from common.services import (
    SERVICES,
    NotFrames,
    Refusal,
    ServiceSpec,
    frames,
    handling,
    load_service,
    transaction_id,
)


@pytest.fixture
def user_module(tmp_path, monkeypatch):
    """Writes a module of the user's into the current folder, which is not on the import path, as under -P."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry])
    names = []

    def write(name, text):
        (tmp_path / f"{name}.py").write_text(text)
        names.append(name)

    yield write
    for name in names:
        sys.modules.pop(name, None)


def test_echo_returns_the_frames_as_they_came():
    body = (b"", b"\x01", b"PING", b"\x00" * 1000)
    assert load_service(ServiceSpec("echo"))(body) == body


def test_sleep_takes_the_time_that_seed_and_id_determine(monkeypatch):
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    handle = load_service(ServiceSpec("sleep", mean_ms=20, distribution="exponential", seed=7))
    for id in (b"a", b"b", b"a"):
        handling(id)
        assert handle((b"x",)) == (b"x",)
    assert slept == [service_time("exponential", 0.020, 7, id) for id in (b"a", b"b", b"a")]
    assert slept[0] == slept[2] != slept[1]


def test_sleep_really_sleeps():
    handle = load_service(ServiceSpec("sleep", mean_ms=5))
    handling(b"a")
    began, cpu_s = time.monotonic(), time.thread_time()
    handle((b"x",))
    assert time.monotonic() - began >= 0.005
    assert time.thread_time() - cpu_s < 0.003


def test_spin_burns_the_cpu_that_long_and_returns_the_body():
    handle = load_service(ServiceSpec("spin", mean_ms=5))
    handling(b"a")
    cpu_s = time.thread_time()
    assert handle((b"x", b"y")) == (b"x", b"y")
    assert 0.005 <= time.thread_time() - cpu_s < 0.015


def test_spin_lets_other_threads_run():
    """A loop in Python would keep the interpreter lock for 5 ms at a time, and hold up the heartbeats."""
    handle = load_service(ServiceSpec("spin", mean_ms=100))

    def spin():
        handling(b"a")
        handle(())

    thread = threading.Thread(target=spin)
    thread.start()
    turns = 0
    while thread.is_alive():
        time.sleep(0.0001)
        turns += 1
    thread.join()
    assert turns > 50  # 20 where every turn is waited for 5 ms


@pytest.mark.parametrize("name", SERVICES)
def test_every_built_in_service_says_what_it_does_and_is_found(name):
    assert SERVICES[name].__doc__
    assert callable(load_service(ServiceSpec(name)))


@pytest.mark.parametrize("name", ["echo", "sleep", "spin"])
def test_services_that_only_take_time_return_the_body(name):
    handling(b"a")
    assert frames(load_service(ServiceSpec(name, mean_ms=0.1))((b"x", b""))) == (b"x", b"")


def test_a_user_s_own_service_is_found_in_the_current_folder(user_module):
    user_module("bank", "def transfer(body):\n    return b'done ' + body[0]\n")
    handle = load_service(ServiceSpec("bank:transfer"))
    assert handle((b"1",)) == b"done 1"


def test_a_user_s_own_service_may_be_a_method(user_module):
    user_module(
        "bank",
        "class Bank:\n    def transfer(self, body):\n        return body\n\n\nbank = Bank()\n",
    )
    assert load_service(ServiceSpec("bank:bank.transfer"))((b"1",)) == (b"1",)


def test_the_current_folder_is_searched_last_so_that_it_hides_nothing_of_ours(user_module, tmp_path):
    user_module("bank", "def transfer(body):\n    return body\n")
    load_service(ServiceSpec("bank:transfer"))
    assert sys.path[-1] == str(tmp_path)
    assert sys.path.count(str(tmp_path)) == 1


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        (
            "ehco",
            r"unknown service 'ehco', expected one of: echo, sleep, spin, transfer; or module:callable \(did you",
        ),
        ("", "unknown service ''"),
        (":handle", r"service ':handle' must be module:callable"),
        ("bank:", r"service 'bank:' must be module:callable"),
        ("../bank:transfer", r"must be module:callable"),
        ("bank:transfer:x", r"must be module:callable"),
        ("no_such_bank:transfer", r"can't import 'no_such_bank': ModuleNotFoundError"),
        ("broken:transfer", r"can't import 'broken': SyntaxError"),
        ("raises:transfer", r"can't import 'raises': ZeroDivisionError: division by zero"),
        ("bank:transfr", r"'bank' has no 'transfr' \(did you mean 'transfer'\?\)"),
        ("bank:transfer.x", r"'bank' has no 'transfer.x'"),
        ("bank:limit", r"service 'bank:limit' must be callable, got int"),
        ("bank:later", r"must be a plain function or bound method, got an async function"),
        ("bank:Bank", r"must be a plain function or bound method, got a class"),
    ],
)
def test_a_service_that_can_t_be_had_is_named_in_one_line(user_module, name, complaint):
    user_module(
        "bank",
        "limit = 3\n\n\nclass Bank:\n    pass\n\n\ndef transfer(body):\n    return body\n\n\n"
        "async def later(body):\n    return body\n",
    )
    user_module("broken", "def transfer(\n")
    user_module("raises", "1 / 0\n")
    with pytest.raises(ValueError, match=complaint) as raised:
        load_service(ServiceSpec(name))
    assert "\n" not in str(raised.value)


def test_a_module_that_is_not_there_is_told_with_where_it_was_looked_for(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="No module named 'elsewhere'") as error:
        load_service(ServiceSpec("elsewhere:handle"))
    assert f"in the current folder, {tmp_path}, and along PYTHONPATH" in str(error.value)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"mean_ms": -1}, "mean_ms must be at least 0 and finite, got -1"),
        ({"mean_ms": float("inf")}, "mean_ms must be at least 0 and finite, got inf"),
        (
            {"distribution": "expnential"},
            "unknown distribution 'expnential', expected one of: bimodal, constant",
        ),
        ({"seed": -1}, "seed must be at least 0"),
    ],
)
def test_a_spec_that_makes_no_sense_is_refused(changes, complaint):
    with pytest.raises(ValueError, match=complaint):
        ServiceSpec("sleep", **changes)


def test_a_spec_travels_as_json_and_refuses_unknown_fields():
    spec = ServiceSpec("sleep", 20, "lognormal", 3)
    assert msgspec.json.decode(msgspec.json.encode(spec), type=ServiceSpec) == spec
    with pytest.raises(msgspec.ValidationError, match="mean"):
        msgspec.json.decode(b'{"mean": 3}', type=ServiceSpec)


@pytest.mark.parametrize(
    ("returned", "body"),
    [
        (b"x", (b"x",)),
        (b"", (b"",)),
        ((b"x", b""), (b"x", b"")),
        ([b"x"], (b"x",)),
        ((frame for frame in (b"x", b"y")), (b"x", b"y")),
        ((), (b"",)),
    ],
)
def test_bytes_and_iterables_of_bytes_are_a_body(returned, body):
    assert frames(returned) == body


@pytest.mark.parametrize(
    ("returned", "got"),
    [
        (None, "NoneType"),
        (3, "int"),
        ("text", "str"),
        ("", "str"),
        (["text"], "list of str"),
        ((b"x", None), "tuple of NoneType"),
        (bytearray(b"x"), "bytearray of int"),
    ],
)
def test_anything_else_is_no_body_and_says_what_it_is(returned, got):
    with pytest.raises(NotFrames, match=f"a service must return bytes or an iterable of bytes, got {got}$"):
        frames(returned)


def test_a_generator_s_own_type_error_is_not_taken_for_a_wrong_return():
    def generator():
        yield b"x"
        raise TypeError("mine")

    with pytest.raises(TypeError, match="mine") as raised:
        frames(generator())
    assert not isinstance(raised.value, NotFrames)


def test_a_refusal_carries_frames_of_bytes_only():
    assert Refusal(b"no", b"funds").body == (b"no", b"funds")
    with pytest.raises(TypeError, match="a refusal's frames must be bytes, got str"):
        Refusal("no")  # type: ignore[arg-type]


def test_the_id_being_handled_is_known_to_its_own_thread_only():
    handling(b"a")
    found = []

    def ask():
        try:
            transaction_id()
        except LookupError as error:
            found.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    assert transaction_id() == b"a"
    assert len(found) == 1

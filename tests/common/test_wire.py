"""Headers and statuses: there and back, aged, and every way to be malformed."""

import struct

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from common import wire
from common.transaction import Fate, Transaction
from common.wire import Malformed

NOW = 5000.25
ID = b"a~1"

ids = st.text("ABCxyz019._~-", min_size=1, max_size=64).map(str.encode)
ttls_s = st.floats(0, 3600)
microseconds = st.integers(0, wire.US_MAX)


def packed(id=ID, ttl_s=5.0, retry=True, probe=False):
    return wire.pack_header(Transaction(id, (), NOW + ttl_s, retry), NOW, probe=probe)


def altered(frame, at, *values):
    """The same frame with other bytes at an offset."""
    return frame[:at] + bytes(values) + frame[at + len(values) :]


@pytest.fixture
def elsewhere(monkeypatch):
    """From here on, headers that were packed come from another boot."""

    def move():
        monkeypatch.setattr(wire, "boot_id", lambda: b"another host's !")

    return move


# --- headers ----------------------------------------------------------------------------------------------


@given(ids, ttls_s, st.booleans(), st.booleans())
def test_a_header_comes_back_as_it_was_packed(id, ttl_s, retry, probe):
    frame = wire.pack_header(Transaction(id, (b"body",), NOW + ttl_s, retry), NOW, probe=probe)
    assert wire.is_header(frame)
    header = wire.parse_header(frame, NOW + 1)
    assert (header.id, header.retry, header.probe) == (id, retry, probe)
    assert header.ttl_ms == pytest.approx(ttl_s * 1e3, abs=1)
    assert header.deadline == pytest.approx(NOW + ttl_s, abs=1e-6)


def test_a_header_is_laid_out_as_the_protocol_says():
    frame = packed()
    assert frame == struct.pack(
        ">4sBBBxIQ16s3s", b"BBTX", 1, 1, 3, 5000, 5005_250_000_000, wire.boot_id(), ID
    )


def test_the_deadline_is_exact_where_the_clock_is_shared():
    assert wire.parse_header(packed(), NOW + 99).deadline == NOW + 5


def test_the_deadline_counts_from_the_arrival_where_the_clock_is_another(elsewhere):
    frame = packed()
    elsewhere()
    assert wire.parse_header(frame, 17.0).deadline == 22.0


def test_a_kernel_that_tells_no_boot_shares_its_clock_with_nobody(monkeypatch):
    monkeypatch.setattr(wire, "boot_id", lambda: bytes(16))
    assert wire.parse_header(packed(), 17.0).deadline == 22.0


def test_a_transaction_out_of_time_has_nothing_left_to_live():
    assert wire.parse_header(packed(ttl_s=-3), NOW).ttl_ms == 0


def test_a_time_to_live_beyond_the_field_is_the_most_that_fits():
    assert wire.parse_header(packed(ttl_s=1e8), NOW).ttl_ms == wire.TTL_MS_MAX


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(b"BBTX", id="magic alone"),
        pytest.param(packed()[: wire.HEADER_SIZE - 1], id="cut short"),
        pytest.param(packed()[: wire.HEADER_SIZE], id="no id"),
        pytest.param(packed()[:-1], id="id shorter than its length says"),
        pytest.param(packed() + b"x", id="id longer than its length says"),
        pytest.param(altered(packed(), 4, 0), id="version 0"),
        pytest.param(altered(packed(), 4, 2), id="version 2"),
        pytest.param(altered(packed(), 5, 4), id="an unknown flag"),
        pytest.param(altered(packed(), 5, 0xFF), id="all flags"),
        pytest.param(altered(packed(), 6, 0), id="length of id 0"),
        pytest.param(altered(packed(b"a" * 65), 6, 65), id="id of 65"),
        pytest.param(packed(b"a/b"), id="id with a slash"),
        pytest.param(packed(b"a\n"), id="id with a line feed"),
        pytest.param(packed(b"\xff\xfe"), id="id that is no text"),
    ],
)
def test_a_malformed_header_is_refused(frame):
    assert wire.is_header(frame)
    with pytest.raises(Malformed):
        wire.parse_header(frame, NOW)


@given(st.binary(max_size=120).map(b"BBTX".__add__))
@example(altered(packed(), 8, *[0xFF] * 28))
def test_whatever_follows_the_magic_of_a_header_is_read_or_malformed(frame):
    try:
        header = wire.parse_header(frame, NOW)
    except Malformed:
        return
    assert header.id == frame[wire.HEADER_SIZE :]


@given(st.integers(0, len(packed()) - 1), st.integers(0, 255))
def test_a_header_with_a_byte_changed_is_read_or_malformed(at, value):
    frame = altered(packed(), at, value)
    if wire.is_header(frame):
        test_whatever_follows_the_magic_of_a_header_is_read_or_malformed.hypothesis.inner_test(frame)


def test_the_message_of_a_malformation_says_what_was_expected():
    with pytest.raises(Malformed, match="version must be 1, got 2"):
        wire.parse_header(altered(packed(), 4, 2), NOW)


def test_what_does_not_begin_with_the_magic_is_no_header_of_ours():
    assert not any(map(wire.is_header, (b"", b"BBT", b"bbtx", b"PING", b"\x01", b" BBTX")))


# --- age --------------------------------------------------------------------------------------------------


def test_a_hop_takes_off_what_it_held_the_transaction():
    header = wire.parse_header(wire.age_header(packed(), 1.2345), NOW)
    assert header == wire.parse_header(packed(), NOW)._replace(ttl_ms=5000 - 1234)


def test_an_aged_header_keeps_the_deadline_where_the_clock_is_shared():
    assert wire.parse_header(wire.age_header(packed(), 4.0), NOW + 4).deadline == NOW + 5


def test_an_aged_header_brings_the_deadline_nearer_where_the_clock_is_another(elsewhere):
    frame = wire.age_header(packed(), 4.0)
    elsewhere()
    assert wire.parse_header(frame, 17.0).deadline == 18.0


def test_a_time_to_live_ends_at_nothing():
    assert wire.parse_header(wire.age_header(packed(), 60.0), NOW).ttl_ms == 0


@pytest.mark.parametrize("held_s", [0.0, 0.0009, -1.0])
def test_what_was_held_for_no_time_at_all_is_the_same_frame(held_s):
    frame = packed()
    assert wire.age_header(frame, held_s) is frame


def test_a_header_that_comes_back_tells_a_transaction_from_a_later_one_of_the_same_id():
    frame = wire.age_header(packed(ttl_s=5), 1.0)
    assert wire.is_sent_with(frame, NOW + 5)
    assert not wire.is_sent_with(frame, NOW + 5.001)


# --- statuses ---------------------------------------------------------------------------------------------


@given(ids, st.sampled_from(Fate), microseconds, microseconds, microseconds)
def test_a_status_comes_back_as_it_was_packed(id, fate, waited_us, slot_us, worked_us):
    frame = wire.pack_status(id, fate, waited_us, slot_us, worked_us)
    assert wire.is_status(frame)
    assert not wire.is_header(frame)
    assert wire.parse_status(frame) == (id, fate, waited_us, slot_us, worked_us)
    assert wire.parse_reply_status(frame, id) == (id, fate, waited_us, slot_us, worked_us)


def test_a_status_is_laid_out_as_the_protocol_says():
    frame = wire.pack_status(ID, Fate.UNKNOWN, 1, 2, 3)
    assert frame == struct.pack(">4sBBBxIII3s", b"BBST", 1, 4, 3, 1, 2, 3, ID)


def test_durations_beyond_the_field_are_the_most_that_fits():
    status = wire.parse_status(wire.pack_status(ID, Fate.FAILED, 1 << 40, 1 << 32, wire.US_MAX))
    assert (status.waited_us, status.slot_us, status.worked_us) == (wire.US_MAX,) * 3


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(altered(wire.pack_status(ID, Fate.COMPLETED), 4, 9), id="version 9"),
        pytest.param(altered(wire.pack_status(ID, Fate.COMPLETED), 5, 0), id="code 0"),
        pytest.param(altered(wire.pack_status(ID, Fate.COMPLETED), 5, 5), id="code 5"),
    ],
)
def test_a_malformed_status_is_refused(frame):
    assert wire.is_status(frame)
    with pytest.raises(Malformed):
        wire.parse_status(frame)
    with pytest.raises(Malformed):
        wire.parse_reply_status(frame, ID)


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(b"BBST", id="magic alone"),
        pytest.param(b"BBST says a plain worker", id="a text that begins so"),
        pytest.param(wire.pack_status(ID, Fate.COMPLETED)[: wire.STATUS_SIZE], id="no id"),
        pytest.param(wire.pack_status(ID, Fate.COMPLETED)[:-1], id="id shorter than its length says"),
        pytest.param(wire.pack_status(ID, Fate.COMPLETED) + b"x", id="id longer than its length says"),
        pytest.param(altered(wire.pack_status(ID, Fate.COMPLETED), 7, 1), id="no zero where there is one"),
        pytest.param(wire.pack_status(b"a b", Fate.COMPLETED), id="id with a space"),
        pytest.param(b"", id="empty"),
        pytest.param(b"BBS", id="half a magic"),
        pytest.param(b"BBTX" + bytes(60), id="the magic of a header"),
    ],
)
def test_a_first_frame_without_the_layout_of_a_status_is_body(frame):
    assert not wire.is_status(frame)
    assert wire.parse_reply_status(frame, ID) is None


@given(st.binary(max_size=100).map(b"BBST".__add__))
def test_whatever_follows_the_magic_of_a_status_is_body_or_read_or_malformed(frame):
    try:
        status = wire.parse_reply_status(frame, ID)
    except Malformed:
        assert wire.is_status(frame)
        return
    assert (status is None) is not wire.is_status(frame)


def test_a_status_of_another_transaction_is_malformed():
    with pytest.raises(Malformed, match="status id must be b'b', got b'a~1'"):
        wire.parse_reply_status(wire.pack_status(ID, Fate.COMPLETED), b"b")


def test_a_dispatcher_adds_its_wait_and_sets_the_slot_as_it_saw_it():
    worker_s = wire.Status(ID, Fate.COMPLETED, waited_us=10, slot_us=20, worked_us=15)
    assert wire.parse_status(wire.time_status(worker_s, 100, 300)) == (ID, Fate.COMPLETED, 110, 300, 15)


def test_times_that_add_up_beyond_the_field_are_the_most_that_fits():
    worker_s = wire.Status(ID, Fate.COMPLETED, waited_us=wire.US_MAX, slot_us=0, worked_us=0)
    status = wire.parse_status(wire.time_status(worker_s, 100, wire.US_MAX + 1))
    assert (status.waited_us, status.slot_us) == (wire.US_MAX, wire.US_MAX)


# --- giving back, probes ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "gives_back"),
    [
        ([wire.pack_status(ID, Fate.REJECTED), b"draining"], True),
        ([wire.pack_status(ID, Fate.REJECTED), b"expired"], False),
        ([wire.pack_status(ID, Fate.REJECTED)], False),
        ([wire.pack_status(ID, Fate.REJECTED), b"draining", b""], False),
        ([wire.pack_status(ID, Fate.FAILED), b"draining"], False),
        ([wire.pack_status(b"b", Fate.REJECTED), b"draining"], False),
        ([b"BBST", b"draining"], False),
        ([b"anything", b"draining"], False),
        ([b"draining"], False),
        ([], False),
    ],
)
def test_only_a_rejection_of_its_own_because_of_draining_gives_a_transaction_back(body, gives_back):
    assert wire.gives_back(body, ID) is gives_back


@given(microseconds, microseconds)
def test_a_probe_s_answer_comes_back_as_it_was_packed(depth, workers):
    assert wire.parse_probe_answer(wire.pack_probe_answer(depth, workers)) == (depth, workers)


@given(st.binary(max_size=20).filter(lambda frame: len(frame) != 8))
def test_a_probe_s_answer_of_another_length_is_malformed(frame):
    with pytest.raises(Malformed, match="8 bytes"):
        wire.parse_probe_answer(frame)


def test_the_boot_id_is_the_kernel_s():
    with open("/proc/sys/kernel/random/boot_id") as file:
        assert wire.boot_id().hex() == file.read().strip().replace("-", "")

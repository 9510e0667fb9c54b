"""What a request asks for: every order is valid, all else is refused with the value and the expectation."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.front import request
from common.front.problem import Refused
from common.transaction import is_id

ID_CHARACTERS = string.ascii_letters + string.digits + "._~-"
IDS = st.text(ID_CHARACTERS, min_size=1, max_size=64)
NOW = 1000.0


def order(method: str, path: str, **fields: str) -> request.Order:
    named = {name.replace("_", "-"): value for name, value in fields.items()}
    return request.read_order(method, path, named, NOW, lambda: b"made-up")


def refusal(method: str, path: str, **fields: str) -> Refused:
    with pytest.raises(Refused) as caught:
        order(method, path, **fields)
    return caught.value


@given(IDS)
def test_put_takes_the_id_of_its_path_and_may_be_retried(id):
    assert order("PUT", f"/v1/transactions/{id}") == (id.encode(), NOW + 5, True)


@given(IDS)
def test_an_encoded_id_is_the_id(id):
    encoded = "".join(f"%{ord(letter):02X}" for letter in id)
    assert order("PUT", f"/v1/transactions/{encoded}").id == id.encode()


def test_post_gets_an_id_made_for_it_and_runs_at_most_once():
    assert order("POST", "/v1/transactions") == (b"made-up", NOW + 5, False)


@given(IDS)
def test_post_with_an_idempotency_key_is_a_put_of_that_id(id):
    keyed = order("POST", "/v1/transactions", Idempotency_Key=id)
    assert keyed == order("PUT", f"/v1/transactions/{id}")


@given(st.text(st.characters(min_codepoint=0x21, max_codepoint=0xFF, exclude_characters="/%"), min_size=1))
def test_any_other_path_segment_is_malformed(segment):
    if is_id(segment.encode()):
        assert order("PUT", f"/v1/transactions/{segment}").id == segment.encode()
        return
    refused = refusal("PUT", f"/v1/transactions/{segment}")
    assert (refused.kind, refused.id) == ("malformed", b"")
    assert refused.detail.startswith("a transaction id must be 1 to 64 of [A-Za-z0-9._~-], got b")


@pytest.mark.parametrize("key", ["", "a b", '"quoted"', "a,b", "x" * 65, "ü"])
def test_an_idempotency_key_that_is_no_id_is_malformed(key):
    assert refusal("POST", "/v1/transactions", Idempotency_Key=key).status == 400


@pytest.mark.parametrize("id", ["a%2Fb", "%00", "%zz", "%", "a%20b", "x" * 65, "a;b", "%C3%BC"])
def test_an_id_that_is_none_once_decoded_is_malformed(id):
    assert refusal("PUT", f"/v1/transactions/{id}").kind == "malformed"


@pytest.mark.parametrize("path", ["/v1/transactions/", "/v1/transactions//", "/v1/transactions/a/b"])
def test_no_segment_or_too_many_are_found_nowhere(path):
    assert refusal("PUT", path).kind == "not-found"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/v1/transactions", "POST"),
        ("PUT", "/v1/transactions", "POST"),
        ("OPTIONS", "/v1/transactions", "POST"),
        ("POST", "/v1/transactions/a", "PUT"),
        ("HEAD", "/v1/transactions/a", "PUT"),
        ("put", "/v1/transactions/a", "PUT"),
    ],
)
def test_another_method_is_told_which_to_use(method, path, allowed):
    refused = refusal(method, path)
    assert (refused.kind, refused.allow) == ("method-not-allowed", allowed)


def timeout(text: str) -> float:
    return request.read_order("PUT", "/v1/transactions/a", {"Request-Timeout": text}, 0.0, bytes).deadline


@given(st.decimals(min_value="0.001", max_value="3600", allow_nan=False, places=6))
def test_every_decimal_in_range_is_a_timeout(seconds):
    assert timeout(f"{seconds:f}") == float(seconds)


@pytest.mark.parametrize("text", ["0.001", "3600", "3600.000", "5", "0005", "1." + "0" * 500])
def test_the_ends_of_the_range_are_in_it(text):
    assert timeout(text) == float(text)


@pytest.mark.parametrize(
    "text",
    ["", "0", "0.0009", "3600.001", "-1", "+1", "nan", "inf", "1e3", "1_0", "0x1", "1,5", "1s", ".5", "5.", "٣",
     "9" * 400],
)  # fmt: skip
def test_any_other_timeout_is_malformed_and_says_why(text):
    refused = refusal("PUT", "/v1/transactions/a", Request_Timeout=text)
    assert (refused.status, refused.id) == (400, b"a")
    assert refused.detail == f"Request-Timeout must be 0.001 to 3600 s, a decimal, got {text[:40]!r}"


@given(st.text(max_size=40) | st.from_regex(r"[0-9.]+", fullmatch=True))
def test_a_timeout_is_in_range_or_refused_whatever_it_is(text):
    try:
        got = timeout(text)
    except Refused:
        return
    assert 0.001 <= got <= 3600


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("/v1/transactions/a?b=c&d", "/v1/transactions/a"),
        ("/livez?", "/livez"),
        ("http://host:1/v1/transactions/a?x", "/v1/transactions/a"),
        ("https://host", "/"),
        ("*", "*"),
        ("host:80", "host:80"),
        ("http://[", "http://["),
        ("ftp://host/livez", "ftp://host/livez"),
    ],
)
def test_a_target_in_any_form_has_a_path(target, path):
    assert request.path_of(target) == path


@given(st.text(min_size=1))
def test_every_target_has_some_path(target):
    assert "?" not in request.path_of(target)


@pytest.mark.parametrize("path", ["/v1/transactions", "/v1/transactions/", "/v1/transactions/a/b"])
def test_what_is_about_transactions_is_seen_as_such(path):
    assert request.is_transaction(path)


@pytest.mark.parametrize("path", ["/v1/transactionsx", "/v1/transaction", "/", "*"])
def test_what_is_not_is_not(path):
    assert not request.is_transaction(path)


@pytest.mark.parametrize("length", ["1001", "00001001", "9" * 5000])
def test_a_length_over_the_limit_is_too_large(length):
    with pytest.raises(Refused, match=r"at most 1000 bytes, got ") as caught:
        request.check_length({"Content-Length": length}, 1000, b"a")
    assert (caught.value.status, caught.value.id) == (413, b"a")


@pytest.mark.parametrize("length", [None, "0", "1000", "0001000", "-1", "1001,1001", "x", "²", ""])
def test_any_other_length_is_left_to_what_arrives(length):
    request.check_length({} if length is None else {"Content-Length": length}, 1000)


def test_http_1_1_wants_one_host():
    request.check_host("HTTP/1.1", {"Host": "here"})
    request.check_host("HTTP/1.0", {})
    with pytest.raises(Refused, match="got none"):
        request.check_host("HTTP/1.1", {})
    with pytest.raises(Refused, match="got 'a,b'"):
        request.check_host("HTTP/1.0", {"Host": "a,b"})


@given(st.text(st.characters(max_codepoint=0xFF), max_size=140))
def test_a_request_id_is_echoed_as_it_is_or_not_at_all(text):
    echoed = request.request_id({"X-Request-Id": text})
    good = 1 <= len(text) <= 128 and all(" " <= letter <= "~" for letter in text)
    assert echoed == (text.encode() if good else b"")

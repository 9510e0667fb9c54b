"""A response's bytes."""

from common.front.response import encode, http_date


def test_a_response_is_whole():
    assert encode(200, b"text/plain", b"X: y\r\n", b"body", second=784111777) == (
        b"HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type: text/plain\r\n"
        b"Content-Length: 4\r\nX: y\r\n\r\nbody"
    )


def test_the_answer_to_a_head_has_the_length_and_not_the_body():
    response = encode(404, b"text/plain", b"", b"body", second=0, bodiless=True)
    assert response.startswith(b"HTTP/1.1 404 Not Found\r\n")
    assert response.endswith(b"Content-Length: 4\r\n\r\n")


def test_a_date_is_that_of_rfc_9110():
    assert http_date(784111777) == b"Sun, 06 Nov 1994 08:49:37 GMT"

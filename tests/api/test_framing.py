import pytest

from pmtui.api.http.framing import BODY_LIMIT, CHUNKED, HEAD_LIMIT, FramingError, body_length, check_start


def head(*lines: bytes) -> bytes:
    return b"\r\n".join([b"POST / HTTP/1.1", b"Host: localhost", *lines, b"", b""])


@pytest.mark.parametrize(
    ("lines", "length"),
    [
        ([], 0),
        ([b"Content-Length: 0"], 0),
        ([b"content-length:\t 7 \t"], 7),
        ([b"Content-Length: %d" % BODY_LIMIT], BODY_LIMIT),
        ([b"Transfer-Encoding: Chunked"], CHUNKED),
        ([b"X-Empty:", b"X-Bytes: \xe9\t\xff"], 0),
    ],
)
def test_a_valid_head_gives_the_length_of_the_body(lines: list[bytes], length: int) -> None:
    assert body_length(head(*lines)) == length


@pytest.mark.parametrize(
    ("lines", "status", "message"),
    [
        ([b"Content-Length: 5", b"Transfer-Encoding: chunked"], 400, "The length of the body is given more than once."),
        ([b"Content-Length: 5", b"Content-Length: 5"], 400, "The length of the body is given more than once."),
        ([b"Transfer-Encoding: chunked"] * 2, 400, "The length of the body is given more than once."),
        ([b"Transfer-Encoding: gzip, chunked"], 400, "Unsupported Transfer-Encoding; only 'chunked' is accepted."),
        ([b"Transfer-Encoding: xchunked"], 400, "Unsupported Transfer-Encoding; only 'chunked' is accepted."),
        ([b"Transfer-Encoding: identity"], 400, "Unsupported Transfer-Encoding; only 'chunked' is accepted."),
        ([b"Content-Length: 5, 5"], 400, "Content-Length must be a number."),
        ([b"Content-Length: +5"], 400, "Content-Length must be a number."),
        ([b"Content-Length: -1"], 400, "Content-Length must be a number."),
        ([b"Content-Length: 0x5"], 400, "Content-Length must be a number."),
        ([b"Content-Length:"], 400, "Content-Length must be a number."),
        ([b"Content-Length: 65537"], 413, "The body is larger than 64 KiB."),
        ([b"Content-Length: 2147483648"], 413, "The body is larger than 64 KiB."),
        ([b"Transfer-Encoding : chunked"], 400, "Invalid header; expected 'Name: value' on one line."),
        ([b"X: a", b" folded"], 400, "Invalid header; expected 'Name: value' on one line."),
        ([b"X: a", b"\tfolded"], 400, "Invalid header; expected 'Name: value' on one line."),
        ([b"no colon"], 400, "Invalid header; expected 'Name: value' on one line."),
        ([b": no name"], 400, "Invalid header; expected 'Name: value' on one line."),
        ([b"X: \x0b"], 400, "Invalid header; expected 'Name: value' on one line."),
        ([b"X: \x7f"], 400, "Invalid header; expected 'Name: value' on one line."),
        ([b"Caf\xc3\xa9: x"], 400, "Invalid header; expected 'Name: value' on one line."),
        ([b"X: y"] * 100, 431, "The request has more than 100 headers."),
    ],
)
def test_an_ambiguous_head_is_rejected(lines: list[bytes], status: int, message: str) -> None:
    with pytest.raises(FramingError) as refused:
        body_length(head(*lines))
    assert (refused.value.status, str(refused.value)) == (status, message)


@pytest.mark.parametrize(
    "line",
    [b"GET /", b"GET / HTTP/1.1 ", b" GET / HTTP/1.1", b"GET  / HTTP/1.1", b"GET / HTTP/2.0", b"GET / http/1.1",
     b"GET /a b HTTP/1.1", b"GET /\xff HTTP/1.1", b"G(T / HTTP/1.1", b""],
)  # fmt: skip
def test_an_invalid_request_line_is_rejected(line: bytes) -> None:
    with pytest.raises(FramingError, match=r"^Invalid request line; expected 'METHOD PATH HTTP/1\.1'\.$"):
        body_length(line + b"\r\nHost: localhost\r\n\r\n")


@pytest.mark.parametrize("start", [b"GET / HTTP/1.1\n", b"GET / HTTP/1.1\r\nX: a\rb", b"\x16\x03\x01\x00", b"X\x00"])
def test_a_start_that_cannot_become_valid_is_rejected_at_once(start: bytes) -> None:
    with pytest.raises(FramingError, match=r"^Header lines must end with CR LF and must not contain NUL\.$"):
        check_start(bytearray(start), 0)


@pytest.mark.parametrize("size", range(1, 45))
def test_a_valid_head_passes_wherever_it_is_split(size: int) -> None:
    start = bytearray(head(b"Accept: */*"))
    check_start(start[:size], size - 1)


def test_a_line_break_is_recognized_across_two_pieces() -> None:
    with pytest.raises(FramingError):
        check_start(bytearray(b"GET / HTTP/1.1\rX"), 15)


@pytest.mark.parametrize(
    ("start", "status"),
    [
        (b"GET / HTTP/1.1\r\nX: " + b"x" * HEAD_LIMIT, 431),
        (b"GET /" + b"x" * HEAD_LIMIT, 431),
        (b"GET / HTTP/1.1\r\nauthorization: Bearer " + b"x" * HEAD_LIMIT, 401),
    ],
)
def test_a_start_that_is_too_long_is_rejected(start: bytes, status: int) -> None:
    with pytest.raises(FramingError) as refused:
        check_start(bytearray(start), 0)
    assert refused.value.status == status

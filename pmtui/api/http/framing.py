"""Find where a request ends, and refuse heads that two parsers could read differently (request smuggling)."""

import re

HEAD_LIMIT = 16 << 10
BODY_LIMIT = 64 << 10
FORWARD_PREFIX = b"/_pm/forward/"
"""Below it are requests for a process, passed on by PocketBase."""
FORWARD_BODY_LIMIT = 5 << 20
HEADERS_LIMIT = 100
CHUNKED = -1

_REQUEST_LINE = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+ [!-~]+ HTTP/1\.[01]")
_HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):([^\x00-\x08\x0a-\x1f\x7f]*)")
_BROKEN_LINE = re.compile(rb"\x00|(?<!\r)\n|\r(?=[^\n])")


class FramingError(Exception):
    """A request that is refused with `status`."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def check_start(start: bytearray, seen: int) -> None:
    """Refuse a partial head that cannot become valid. The first `seen` bytes have been checked before."""
    if _BROKEN_LINE.search(start, max(seen - 1, 0)):
        raise FramingError(400, "Header lines must end with CR LF and must not contain NUL.")
    if len(start) <= HEAD_LIMIT:
        return
    if start.rpartition(b"\r\n")[2].lower().startswith(b"authorization:"):
        raise FramingError(401, "The token is too long.")
    raise FramingError(431, f"The request head is larger than {HEAD_LIMIT >> 10} KiB.")


def is_forwarded(head: bytes) -> bool:
    """Return whether the request is for a process rather than for the manager."""
    return head.partition(b" ")[2].startswith(FORWARD_PREFIX)


def body_length(head: bytes, limit: int = BODY_LIMIT) -> int:
    """Check a whole head, and return the length of the body that follows, in bytes or CHUNKED."""
    request_line, *lines = head[:-4].split(b"\r\n")
    if not _REQUEST_LINE.fullmatch(request_line):
        raise FramingError(400, "Invalid request line; expected 'METHOD PATH HTTP/1.1'.")
    if len(lines) > HEADERS_LIMIT:
        raise FramingError(431, f"The request has more than {HEADERS_LIMIT} headers.")
    lengths, encodings = [], []
    for line in lines:
        header = _HEADER.fullmatch(line)
        if not header:
            raise FramingError(400, "Invalid header; expected 'Name: value' on one line.")
        name = header[1].lower()
        if name == b"content-length":
            lengths.append(header[2].strip(b" \t"))
        elif name == b"transfer-encoding":
            encodings.append(header[2].strip(b" \t").lower())
    return _length(lengths, encodings, limit)


def _length(lengths: list[bytes], encodings: list[bytes], limit: int) -> int:
    if len(lengths) + len(encodings) > 1:
        raise FramingError(400, "The length of the body is given more than once.")
    if encodings:
        if encodings != [b"chunked"]:
            raise FramingError(400, "Unsupported Transfer-Encoding; only 'chunked' is accepted.")
        return CHUNKED
    if not lengths:
        return 0
    if not re.fullmatch(rb"[0-9]{1,19}", lengths[0]):
        raise FramingError(400, "Content-Length must be a number.")
    if int(lengths[0]) > limit:
        raise FramingError(413, f"The body is larger than {limit >> 10} KiB.")
    return int(lengths[0])

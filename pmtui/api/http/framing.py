"""Where a request ends: heads that two parsers could read in two ways are refused before any parser sees them."""

import re

HEAD_LIMIT = 16 << 10
BODY_LIMIT = 64 << 10
HEADERS_LIMIT = 100
CHUNKED = -1

_REQUEST_LINE = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+ [!-~]+ HTTP/1\.[01]")
_HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):([^\x00-\x08\x0a-\x1f\x7f]*)")
_BROKEN_LINE = re.compile(rb"\x00|(?<!\r)\n|\r(?=[^\n])")


class FramingError(Exception):
    """A request that is not served; `status` is its answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def check_start(start: bytearray, seen: int) -> None:
    """Refuses the beginning of a head that cannot become a good one; the first `seen` bytes were checked before."""
    if _BROKEN_LINE.search(start, max(seen - 1, 0)):
        raise FramingError(400, "The lines of a head end with CR LF, and there is no NUL in them.")
    if len(start) <= HEAD_LIMIT:
        return
    if start.rpartition(b"\r\n")[2].lower().startswith(b"authorization:"):
        raise FramingError(401, "The token is too long to be one.")
    raise FramingError(431, f"The head is larger than {HEAD_LIMIT >> 10} KiB.")


def body_length(head: bytes) -> int:
    """Checks a whole head, and returns the length of the body behind it: bytes, 0 for none, or CHUNKED."""
    request_line, *lines = head[:-4].split(b"\r\n")
    if not _REQUEST_LINE.fullmatch(request_line):
        raise FramingError(400, "The request line is not one of HTTP/1.1.")
    if len(lines) > HEADERS_LIMIT:
        raise FramingError(431, f"There are more than {HEADERS_LIMIT} headers.")
    lengths, encodings = [], []
    for line in lines:
        header = _HEADER.fullmatch(line)
        if not header:
            raise FramingError(400, "A header is not 'Name: value' on one line.")
        name = header[1].lower()
        if name == b"content-length":
            lengths.append(header[2].strip(b" \t"))
        elif name == b"transfer-encoding":
            encodings.append(header[2].strip(b" \t").lower())
    return _length(lengths, encodings)


def _length(lengths: list[bytes], encodings: list[bytes]) -> int:
    if len(lengths) + len(encodings) > 1:
        raise FramingError(400, "The length of the body is told more than once.")
    if encodings:
        if encodings != [b"chunked"]:
            raise FramingError(400, "The only Transfer-Encoding is 'chunked'.")
        return CHUNKED
    if not lengths:
        return 0
    if not re.fullmatch(rb"[0-9]{1,19}", lengths[0]):
        raise FramingError(400, "Content-Length is not a number.")
    if int(lengths[0]) > BODY_LIMIT:
        raise FramingError(413, f"The body is larger than {BODY_LIMIT >> 10} KiB.")
    return int(lengths[0])

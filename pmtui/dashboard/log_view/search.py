"""Finding words in lines."""

import re
from collections.abc import Iterator

ERROR_PATTERN = re.compile(
    rb"\b(?:ERROR|FATAL|CRITICAL|PANIC|EMERG|Traceback|[A-Z]\w*(?:Error|Exception))\b|\bpanic:|\"level\": ?\"error\""
)
_LEVELS = re.compile(
    r"\b(?:(?P<bad>ERROR|FATAL|CRITICAL|PANIC|[A-Z]\w*(?:Error|Exception))|(?P<warn>WARN(?:ING)?)|(?P<dim>DEBUG|TRACE))\b"
)


class Search:
    """A text to look for, as it is written; small letters also find capitals."""

    def __init__(self, text: str) -> None:
        self.text = text
        ignore = re.IGNORECASE if text == text.lower() else re.NOFLAG
        self._bytes = re.compile(re.escape(text.encode()), ignore)
        self._text = re.compile(re.escape(text), ignore)

    def matches(self, data: bytes) -> bool:
        return self._bytes.search(data) is not None

    def spans(self, shown: str) -> Iterator[tuple[int, int]]:
        return (match.span() for match in self._text.finditer(shown))


def is_error(data: bytes) -> bool:
    """The line tells of an error."""
    return ERROR_PATTERN.search(data) is not None


def level_spans(shown: str) -> Iterator[tuple[int, int, str]]:
    """Where words such as ERROR stand, and the tone for them."""
    for match in _LEVELS.finditer(shown, 0, 400):
        yield *match.span(), match.lastgroup or "text"

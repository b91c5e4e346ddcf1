"""JSON as people write it for JavaScript."""

from typing import Any

import pytest

from pmtui.importers.builder import UnsupportedFileError
from pmtui.importers.formats import parse_relaxed_json


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 1}', {"a": 1}),
        ("{a: 1, b$_2: true, c: null}", {"a": 1, "b$_2": True, "c": None}),
        ("[1, 2, // three\n 3,\n]", [1, 2, 3]),
        ("/* a\n b */ {'it': 'say \"yes\", it\\'s ok',}", {"it": 'say "yes", it\'s ok'}),
        ('{"url": "http://x/*y*/", "b": "a, ]"}', {"url": "http://x/*y*/", "b": "a, ]"}),
        ("{a: 'x',};", {"a": "x"}),
        ("{'a': 'tab\\tend'}", {"a": "tab\tend"}),
    ],
)
def test_what_javascript_allows_is_read(text: str, value: Any) -> None:
    assert parse_relaxed_json(text) == value


@pytest.mark.parametrize("text", ["{", "[1 2]", "{a: process.env.HOME}", "{a: 1 + 1}", "[" * 100_000])
def test_what_has_to_be_evaluated_is_refused(text: str) -> None:
    with pytest.raises(UnsupportedFileError, match="is not valid JSON"):
        parse_relaxed_json(text)


def test_the_line_of_an_error_is_that_of_the_file() -> None:
    with pytest.raises(UnsupportedFileError, match="line 4"):
        parse_relaxed_json("{ // one\n /* two\n three */ a: 1,\n b: }\n}")

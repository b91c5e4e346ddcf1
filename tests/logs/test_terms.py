import pytest

from pmtui.logs.search.terms import SearchError, parse_terms
from pmtui.text.regex import PatternError

JSON = b'{"level":"error","msg":"upstream timed out","route":"/v1/orders","user":{"id":812},"ms":5003}'
LOGFMT = b'time=12:00 level=warn msg="slow query" route=/v1/search ms=1388'
PLAIN = b"2026-11-20 INFO order 4711 of web-1 a=b"


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("", [JSON, LOGFMT, PLAIN]),
        ("order", [JSON, PLAIN]),
        ("ORDER", []),
        ("order 4711", [PLAIN]),
        ("4711 order", [PLAIN]),
        ('"4711 order"', []),
        ('"order 4711"', [PLAIN]),
        ("!order", [LOGFMT]),
        ("re:ord.r \\d+", [PLAIN]),
        ("re:web-[0-9]|slow", [LOGFMT, PLAIN]),
        ("level:warn", [JSON, LOGFMT]),
        ("level:error", [JSON]),
        ("!level:warn", [PLAIN]),
        ("route=/v1/*", [JSON, LOGFMT]),
        ("route=/v1/orders", [JSON]),
        ("user.id=812", [JSON]),
        ("ms=5003 level:error", [JSON]),
        ("a=b", [PLAIN]),
        ("msg=slow*", [LOGFMT]),
        ("!route=*", [PLAIN]),
    ],
)
def test_all_terms_must_match(search: str, found: list[bytes]) -> None:
    terms = parse_terms(search)
    assert [line for line in (JSON, LOGFMT, PLAIN) if terms.match(line, 0)] == found


def test_a_duration_selects_recent_lines_and_those_without_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_795_176_000_000
    monkeypatch.setattr("pmtui.logs.search.terms.now_ms", lambda: now)
    terms = parse_terms("-5m")
    assert terms.match(b"x", now - 300_000)
    assert not terms.match(b"x", now - 300_001)
    assert terms.match(b"x", 0)


def test_what_was_found_is_highlighted() -> None:
    assert sorted(parse_terms("b !c").spans("abcb")) == [(1, 2), (3, 4)]
    assert list(parse_terms("re:b.").spans("abcb")) == [(1, 3)]
    assert list(parse_terms("re:(a+)+$").spans("aaa")) == []


@pytest.mark.parametrize("search", ["re:(", "re:(?=a)"])
def test_an_invalid_pattern_is_refused(search: str) -> None:
    with pytest.raises(PatternError):
        parse_terms(search)


def test_an_unknown_level_is_refused() -> None:
    with pytest.raises(SearchError, match="expected one of trace, debug"):
        parse_terms("level:loud")

import pytest

from pmtui.logs.structure.record import field_text, parse_record, without_time


def test_a_json_line_is_taken_apart() -> None:
    record = parse_record('{"ts":"2026-11-20T12:00:00Z","level":50,"msg":"it broke","user":{"id":8},"tags":["a"]}')
    assert record is not None
    assert (record.level, record.message) == ("error", "it broke")
    assert {key: field_text(value) for key, value in record.extra.items()} == {"user": "id=8", "tags": '["a"]'}


def test_a_logfmt_line_is_taken_apart() -> None:
    record = parse_record(r'time=12:00 level=warn msg="a \"slow\" query" route=/v1 empty=')
    assert record is not None
    assert (record.level, record.message) == ("warn", 'a "slow" query')
    assert record.extra == {"route": "/v1", "empty": ""}


@pytest.mark.parametrize(
    "text",
    ["", "plain", "{not json}", "[1, 2]", "x=1", "a=b and more c=d", "GET /x a=1 b=2", "{" * 100_000, '{"a":1'],
    ids=range(9),
)
def test_anything_else_is_plain_text(text: str) -> None:
    assert parse_record(text) is None


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("2026-11-20 17:00:00,123 - app - INFO", "app - INFO"),
        ("[2026-11-20T17:00:00.1Z] INFO x", "INFO x"),
        ("2026/11/20 17:00:00 x", "x"),
        ("17:00:00 x", "x"),
        ("1.2.3 x", "1.2.3 x"),
    ],
)
def test_the_time_of_a_line_is_removed(text: str, rest: str) -> None:
    assert without_time(text) == rest

import json
import time

import pytest

from pmtui.text.sanitize import keep_colors, strip_escapes


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (b"plain text", "plain text"),
        ("Größe 5 €".encode(), "Größe 5 €"),
        (b"\x1b[1;31mred\x1b[0m", "red"),
        (b"a\x1b]52;c;aGVsbG8=\x07b", "ab"),
        (b"a\x1b]0;title\x1b\\b", "ab"),
        (b"a\x1b]0;never ended", "a0;never ended"),
        (b"a\x1bPdevice control\x1b\\b", "ab"),
        (b"a\x1b[2J\x1b[6n\x1bcb", "ab"),
        (b"a\x1b(Bb\x1b=c", "abc"),
        (b"a\x00\x07\x08\x0b\x7fb", "ab"),
        ("a\x9b2Jb\x85c".encode(), "abc"),
        (b"bad \xff\xfe byte", "bad \ufffd\ufffd byte"),
        (b"split \xe2\x82", "split \ufffd"),
        ("a\u202eb\u2066c\u200fd".encode(), "abcd"),
        ("a\u2028b\u2029c".encode(), "abc"),
        (b"10%\r50%\r100%", "100%"),
        (b"100%\r\r", "100%"),
        (b"windows\r", "windows"),
        (b"a\tb", "a\tb"),
        (b"[/bold] [red]", "[/bold] [red]"),
        (b"\x1b", ""),
        (b"\x1b[", ""),
        (b"\x1b[31", ""),
        (b"", ""),
    ],
)
def test_no_control_sequence_is_left(line: bytes, text: str) -> None:
    assert strip_escapes(line) == text


def test_colors_are_kept_on_request() -> None:
    assert keep_colors(b"\x1b[1;38;5;196mred\x1b[0m\x1b[2J\x1b]52;c;eA==\x07") == "\x1b[1;38;5;196mred\x1b[0m"
    assert keep_colors(b"a\tb") == "a       b"


def test_combining_marks_on_one_letter_are_limited() -> None:
    assert strip_escapes(("a" + "\u0301" * 10_000).encode()) == "a" + "\u0301" * 4


def test_every_byte_gives_valid_json() -> None:
    text = strip_escapes(bytes(range(256)) * 2)
    assert json.loads(json.dumps(text)) == text
    assert not any(ord(character) < 32 and character != "\t" for character in text)


def test_a_hostile_line_of_maximum_length_takes_no_time() -> None:
    started = time.process_time()
    for part in (b"\x1b]", b"\x1b[", b"\x1bP", "\x9d".encode(), "\u0301".encode(), b"\r", b"\x1b[1;1;"):
        line = part * (65536 // len(part))
        assert len(strip_escapes(line)) < len(line)
    assert time.process_time() - started < 2

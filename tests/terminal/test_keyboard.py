"""What is typed while a process has the keyboard."""

import pytest

from pmtui.terminal.keyboard import (
    Focus,
    Input,
    KeyboardParser,
    Keys,
    Leave,
    Mouse,
    Own,
    PasteMark,
    as_application_keys,
    as_legacy_keys,
)


def parse(*chunks: bytes) -> list[Input]:
    parser = KeyboardParser()
    return [event for chunk in chunks for event in parser.feed(chunk)] + parser.flush()


@pytest.mark.parametrize(
    "data",
    [
        b"a",
        b"\x00\x01\x02\x03\x04\x08\t\r\x1a\x1b\x1c\x1e\x1f\x7f",
        b"\x1b",
        b"\x1b[",
        b"\x1b[A\x1bOA\x1b[1;5C\x1b[15~\x1bx\x1b\x1b",
        "äé漢😀".encode(),
        b"\xff\xfe\x80",
        b"\x1b[2~\x1b[20~\x1b[201;5~",
        b"\x1b[I_not",
    ],
)
def test_keys_are_passed_on_byte_for_byte(data: bytes) -> None:
    found = parse(data)
    typed = b"".join(event.data for event in found if isinstance(event, Keys | Focus))
    assert typed == data


def test_every_single_byte_but_one_is_a_key() -> None:
    for byte in range(256):
        expected = [Leave(b"")] if byte == 0x1D else [Keys(bytes([byte]))]
        assert parse(bytes([byte])) == expected


def test_the_key_that_leaves_ends_the_view_and_what_follows_is_not_for_the_process() -> None:
    assert parse(b"ab\x1dq") == [Keys(b"ab"), Leave(b"q")]


def test_the_kitty_spelling_leaves_too() -> None:
    assert parse(b"\x1b[93;5u") == [Leave(b"")]


def test_a_paste_may_hold_that_key() -> None:
    assert parse(b"\x1b[200~a\x1db\x1b[<0;1;1M\x1b[201~\x1d") == [
        PasteMark(b"\x1b[200~"),
        Keys(b"a\x1db\x1b[<0;1;1M"),
        PasteMark(b"\x1b[201~"),
        Leave(b""),
    ]


@pytest.mark.parametrize(
    ("data", "event"),
    [
        (b"\x1b[<0;5;3M", Mouse(4, 2, 0, "press", frozenset())),
        (b"\x1b[<2;5;3m", Mouse(4, 2, 2, "release", frozenset())),
        (b"\x1b[<35;5;3M", Mouse(4, 2, 3, "move", frozenset())),
        (b"\x1b[<32;5;3M", Mouse(4, 2, 0, "move", frozenset())),
        (b"\x1b[<64;5;3M", Mouse(4, 2, 64, "press", frozenset())),
        (b"\x1b[<20;5;3M", Mouse(4, 2, 0, "press", frozenset({"shift", "ctrl"}))),
    ],
)
def test_mouse_reports(data: bytes, event: Mouse) -> None:
    assert parse(data) == [event]


def test_a_report_may_come_in_pieces() -> None:
    assert parse(b"x\x1b[<0;1", b"2;3M", b"y") == [Keys(b"x"), Mouse(11, 2, 0, "press", frozenset()), Keys(b"y")]


def test_what_looked_like_a_report_is_a_key_after_a_moment() -> None:
    parser = KeyboardParser()
    assert parser.feed(b"\x1b[2") == []
    assert parser.flush() == [Keys(b"\x1b[2")]
    assert parser.flush() == []


def test_focus_and_answers_to_the_dashboard() -> None:
    assert parse(b"\x1b[I\x1b[O\x1b[?2026;2$y\x1b[48;24;80;0;0t") == [
        Focus(b"\x1b[I"),
        Focus(b"\x1b[O"),
        Own(b"\x1b[?2026;2$y"),
        Own(b"\x1b[48;24;80;0;0t"),
    ]


def test_cursor_keys_of_application_mode() -> None:
    assert as_application_keys(b"\x1b[A\x1b[F\x1b[1;5A\x1b[3~x") == b"\x1bOA\x1bOF\x1b[1;5A\x1b[3~x"


@pytest.mark.parametrize(
    ("key", "legacy"),
    [
        (b"\x1b[114;;114u", b"r"),
        (b"\x1b[97;2;65u", b"A"),
        (b"\x1b[233;;233u", "é".encode()),
        (b"\x1b[99;5u", b"\x03"),
        (b"\x1b[93;5u", b"\x1d"),
        (b"\x1b[120;3u", b"\x1bx"),
        (b"\x1b[13u", b"\r"),
        (b"\x1b[9;2u", b"\x1b[Z"),
        (b"\x1b[27u", b"\x1b"),
        (b"\x1b[127u", b"\x7f"),
        (b"\x1b[57441;2u", b""),
        (b"\x1b[1;5A", b"\x1b[1;5A"),
    ],
)
def test_keys_of_the_kitty_protocol_as_programs_expect_them(key: bytes, legacy: bytes) -> None:
    assert as_legacy_keys(b"a" + key + b"z") == b"a" + legacy + b"z"

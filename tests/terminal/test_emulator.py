"""The emulator that terminals are shown with."""

from pmtui.control import TerminalSize
from pmtui.terminal.emulator import Emulator
from pmtui.terminal.screen import read_screen


def test_text_colours_and_the_cursor() -> None:
    screen, colored = read_screen([TerminalSize(columns=20, rows=3), b"\x1b[31mred\x1b[0m\r\nplain "])
    assert (screen.columns, screen.rows, screen.lines) == (20, 3, ["red", "plain", ""])
    assert (screen.cursor.column, screen.cursor.row) == (6, 1)
    assert "\x1b[31mred" in colored[0]


def test_what_was_printed_for_another_size_is_laid_out_for_that() -> None:
    small, large = TerminalSize(columns=20, rows=3), TerminalSize(columns=20, rows=5)
    screen, _ = read_screen([small, b"\x1b[1;3r\x1b[H", large, b"1\r\n2\r\n3\r\n4\r\n5"])
    assert screen.lines == ["1", "2", "3", "4", "5"]


def test_the_alternate_screen_gives_back_the_main_one() -> None:
    emulator = Emulator(20, 3)
    emulator.feed(b"shell\x1b[?1049h\x1b[2J\x1b[1;1Heditor")
    assert emulator.lines()[0] == "editor"
    emulator.feed(b"\x1b[?1049l")
    assert emulator.lines()[0] == "shell"


def test_a_character_may_come_in_pieces() -> None:
    emulator = Emulator(20, 3)
    for byte in "né 漢".encode():
        emulator.feed(bytes([byte]))
    assert emulator.lines()[0] == "né 漢"


def test_questions_are_answered_once() -> None:
    emulator = Emulator(20, 3)
    emulator.feed(b"ab\x1b[6n")
    assert emulator.take_answers() == b"\x1b[1;3R"
    assert emulator.take_answers() == b""


def test_only_changed_rows_are_named() -> None:
    emulator = Emulator(20, 3)
    assert [*emulator.changed_rows()] == [0, 1, 2]
    emulator.feed(b"\r\nb")
    assert [*emulator.changed_rows()] == [1]


def test_what_the_program_wants_to_be_told() -> None:
    emulator = Emulator(20, 3)
    wishes = emulator.wants_mouse, emulator.wants_paste_marks, emulator.wants_focus, emulator.has_application_cursor
    assert not any(wishes)
    assert emulator.report_mouse(3, 1, 0, "press", set()) == b""
    emulator.feed(b"\x1b[?1000;1006;2004;1004;1h")
    assert emulator.wants_mouse
    assert emulator.wants_paste_marks
    assert emulator.wants_focus
    assert emulator.has_application_cursor
    assert emulator.report_mouse(3, 1, 0, "press", {"ctrl"}) == b"\x1b[<16;4;2M"

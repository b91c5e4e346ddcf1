"""Sequences that matter to a viewer who joins late."""

import pytest

from pmtui.terminal.sequences import TerminalModes, without_questions


def test_the_last_setting_of_each_mode_is_replayed() -> None:
    modes = TerminalModes()
    modes.feed(b"\x1b[?1049h text \x1b[?1000;1006h\x1b[?25l\x1b=")
    modes.feed(b"\x1b[?25h\x1b>")
    assert modes.replay() == b"\x1b[?1049h\x1b[?1000h\x1b[?1006h\x1b>\x1b[?25h"


def test_a_full_reset_forgets_all_modes() -> None:
    modes = TerminalModes()
    modes.feed(b"\x1b[?1049h\x1bc")
    assert modes.replay() == b""


@pytest.mark.parametrize(
    "question",
    [
        b"\x1b[c",
        b"\x1b[>c",
        b"\x1b[=c",
        b"\x1b[6n",
        b"\x1b[?6n",
        b"\x1b[>0q",
        b"\x1b[?2026$p",
        b"\x1b[?u",
        b"\x1b[14t",
        b"\x1b]11;?\x07",
        b"\x1b]10;?\x1b\\",
        b"\x1b]4;1;?\x07",
        b"\x1bP+q544e\x1b\\",
        b"\x1bP$qm\x1b\\",
    ],
)
def test_questions_are_removed(question: bytes) -> None:
    assert without_questions(b"before" + question + b"after") == b"beforeafter"


@pytest.mark.parametrize(
    "data", [b"\x1b[31mred\x1b[0m", b"\x1b[2J\x1b[1;1H", b"\x1b]0;title\x07", b"\x1b[?1049h", b"\x1b[4;2m"]
)
def test_everything_else_stays(data: bytes) -> None:
    assert without_questions(data) == data

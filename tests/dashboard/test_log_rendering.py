"""Output of strangers on the screen: nothing of it is obeyed, and every row is as wide as it should be."""

import pytest
from rich.cells import cell_len
from rich.style import Style

from pmtui.dashboard.log_view.display import shown_text
from pmtui.dashboard.log_view.lines import Line
from pmtui.dashboard.log_view.options import RenderOptions
from pmtui.dashboard.log_view.rendering import line_strips
from pmtui.dashboard.log_view.search import Search
from pmtui.dashboard.style.glyphs import UNICODE
from pmtui.dashboard.style.styles import Styles
from pmtui.logs.search.levels import is_error

PLAIN = Style.null()
LOOK = Styles(
    tones=dict.fromkeys(("text", "dim", "accent", "good", "warn", "bad", "bold"), PLAIN),
    base=PLAIN,
    cursor=PLAIN,
    idle_cursor=PLAIN,
    panel=PLAIN,
    match=Style(underline=True),
    current_match=Style(reverse=True),
    selection=PLAIN,
)
HOSTILE = [
    b"\x1b]52;c;cm0gLXJmIC8=\x07after",
    b"\x1b]0;title\x1b\\after",
    b"\x1b[2J\x1b[Hafter",
    b"\x1bPdevice\x1b\\after",
    b"\x1bc\x1b[6nafter",
    b"[/bold] [@click=app.quit]after[/]",
    "‮after‬".encode(),
    ("e" + "́" * 10_000 + "after").encode(),
    b"x" * 1_000_000 + b"after",
    b"a\tb\tafter",
    b"10%\r50%\r100% after",
    b"\x9b2J\x9d0;x\x07after",
    b"\xff\xfe\x00after",
    "👩‍👩‍👧 ❤️ after".encode(),
    b"\x1b[5;8mafter\x1b[0m",
    b"\x1b]8;;http://evil\x1b\\after\x1b]8;;\x1b\\",
]


def line(data: bytes) -> Line:
    return Line(1, 0, "stdout", 1, data, "a")


@pytest.mark.parametrize("data", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("wrap", [False, True])
def test_hostile_output_is_shown_and_not_obeyed(data: bytes, wrap: bool) -> None:
    manner = RenderOptions(width=60, wrap=wrap)
    for strip in line_strips(line(data), manner, LOOK, UNICODE):
        text = strip.text
        assert text.isprintable()
        assert cell_len(text) <= 60
        for segment in strip:
            assert segment.control is None
            assert segment.style is None or not (segment.style.blink or segment.style.conceal or segment.style.link)


def test_markup_is_text() -> None:
    assert shown_text(line(b"[/bold] [red]x")) == ("[/bold] [red]x", [])


def test_colours_of_the_process_are_kept() -> None:
    text, spans = shown_text(line(b"\x1b[31mred\x1b[0m plain"))
    assert text == "red plain"
    assert [(start, end) for start, end, _ in spans] == [(0, 3)]
    assert spans[0][2].color is not None


def test_a_long_line_is_cut_or_wrapped() -> None:
    data = b"0123456789" * 4
    cut = line_strips(line(data), RenderOptions(width=26, times=False), LOOK, UNICODE)
    assert [strip.text for strip in cut] == [" " + "0123456789" * 2 + "01234"]
    wrapped = line_strips(line(data), RenderOptions(width=26, times=False, wrap=True), LOOK, UNICODE)
    assert [strip.text for strip in wrapped] == [" " + "0123456789" * 2 + "01234", " 567890123456789"]
    moved = line_strips(line(data), RenderOptions(width=26, times=False, x=30), LOOK, UNICODE)
    assert [strip.text for strip in moved] == [" 0123456789"]


def test_what_is_searched_is_marked() -> None:
    manner = RenderOptions(width=40, times=False, search=Search("b"))
    strip = line_strips(line(b"abc"), manner, LOOK, UNICODE)[0]
    assert [segment.text for segment in strip if segment.style and segment.style.underline] == ["b"]


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"ERROR it broke", True),
        (b"Traceback (most recent call last):", True),
        (b"ValueError: x", True),
        (b'{"level":"error"}', True),
        (b"panic: runtime", True),
        (b"no errors found", False),
        (b"TERROR", False),
    ],
)
def test_lines_that_tell_of_errors(data: bytes, error: bool) -> None:
    assert is_error(data.decode()) is error


def test_small_letters_find_capitals_and_capitals_do_not_find_small_ones() -> None:
    assert Search("err").matches(line(b"ERR"))
    assert not Search("ERR").matches(line(b"err"))
    assert Search("a.c").matches(line(b"a.c"))
    assert not Search("a.c").matches(line(b"abc"))

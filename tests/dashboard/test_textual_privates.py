"""The private parts of Textual that the dashboard relies on, checked against the version it was written for."""

import inspect
from importlib.metadata import version

import textual._parser
import textual._xterm_parser
from rich.console import Console
from rich.segment import Segment
from textual._compositor import ChopsUpdate
from textual.app import App
from textual.drivers.linux_driver import LinuxDriver
from textual.strip import Strip
from textual.timer import Timer

from pmtui.dashboard.terminal.updates import CroppedUpdate

CHECKED_VERSION = "8.2.8"
ADVICE = (
    f"Textual {version('textual')} is installed; the dashboard was checked with {CHECKED_VERSION}. Look at "
    "terminal/driver.py, app.py and screens/main.py, then raise CHECKED_VERSION"
)


def test_the_installed_textual_is_the_one_that_was_checked() -> None:
    assert version("textual") == CHECKED_VERSION, ADVICE


def test_the_parser_of_the_driver_takes_text_and_ticks() -> None:
    parser = textual._xterm_parser.XTermParser(False)
    assert [event.key for event in parser.feed("x")] == ["x"], ADVICE  # type: ignore[attr-defined]
    assert list(parser.tick()) == [], ADVICE
    assert issubclass(textual._parser.ParseError, Exception), ADVICE


def test_the_driver_has_the_handlers_that_are_overridden() -> None:
    for name in ("_get_terminal_size", "run_input_thread", "_sigtstp_application", "_sigcont_application"):
        assert callable(getattr(LinuxDriver, name, None)), ADVICE
    assert "_must_signal_resume" in inspect.getsource(LinuxDriver), ADVICE
    assert "_mouse_pixels" in inspect.getsource(LinuxDriver), ADVICE


def test_the_driver_sets_the_keyboard_protocol_that_a_terminal_view_resets() -> None:
    source = inspect.getsource(LinuxDriver.start_application_mode)
    flags = source[source.index("KITTY_PROTOCOL_FLAG = (") : source.index(")", source.index("KITTY_PROTOCOL_FLAG = ("))]
    names = {"KITTY_DISAMBIGUATE_ESCAPE_CODES", "KITTY_REPORT_ALL_KEYS", "KITTY_REPORT_ASSOCIATED_TEXT"}
    assert {word for word in flags.split() if word in names | {"KITTY_REPORT_ALTERNATE_KEYS"}} == names, ADVICE


def test_updates_of_the_screen_have_spans_and_chops() -> None:
    strip = Strip([Segment("abcdef")])
    update = ChopsUpdate([{2: strip}], [(0, 4, 6)], [[8]])
    assert CroppedUpdate.of(update).render_segments(Console()) == "\x1b[1;5Hcd", ADVICE
    assert callable(getattr(App, "_display", None)), ADVICE


def test_an_app_has_the_handlers_of_errors_that_are_overridden() -> None:
    for name in ("_handle_exception", "_print_error_renderables"):
        assert callable(getattr(App, name, None)), ADVICE
    assert "self._exit = True" in inspect.getsource(App.exit), ADVICE


def test_a_timer_can_be_told_not_to_skip() -> None:
    assert "self._skip" in inspect.getsource(Timer._run), ADVICE


async def test_an_app_has_a_loop_and_a_context_and_counts_its_notifications() -> None:
    app: App[None] = App()
    async with app.run_test(notifications=True) as pilot:
        assert len(app._notifications) == 0, ADVICE
        assert app._loop is not None, ADVICE
        with app._context():
            app.notify("x")
        await pilot.pause()
        assert len(app._notifications) == 1, ADVICE
        app.clear_notifications()
        assert len(app._notifications) == 0, ADVICE

"""The terminal of a process on the whole screen, with the keyboard in its hands."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from textual import events
from textual.app import ComposeResult
from textual.screen import Screen

from pmtui.control import IDLE_STATES, Control, ControlError, Snapshot
from pmtui.dashboard.style.formats import printable, shorten
from pmtui.dashboard.style.glyphs import Glyphs, Tone
from pmtui.dashboard.terminal.driver import TerminalDriver
from pmtui.dashboard.terminal.typed import InputParser
from pmtui.dashboard.terminal_view.session import TerminalSession
from pmtui.dashboard.terminal_view.widget import TerminalWidget
from pmtui.dashboard.widgets.bar import Bar, Piece, justify
from pmtui.terminal import keyboard

if TYPE_CHECKING:
    from textual.driver import Driver

LEAVE_HINT = "Ctrl-] returns"
STATUS_INTERVAL = 0.5


class TerminalBar(Bar):
    """Says where the keyboard goes, and how to get it back."""

    def __init__(self, process_id: str, glyphs: Glyphs) -> None:
        super().__init__(glyphs)
        self._process_id = process_id
        self.row: Snapshot | None = None
        self.problem = ""

    def pieces(self, width: int) -> Sequence[Piece]:
        styles = self.text_styles
        left = [Piece(f" {self._process_id} ", styles["accent"]), Piece(f" {self._where} ", styles[self._tone])]
        right = [Piece(f" {LEAVE_HINT} ", styles["bold"])]
        room = width - len(right[0].text) - len(left[0].text)
        left[1] = left[1]._replace(text=shorten(left[1].text, max(room, 0)))
        return justify(left, right, width, Piece(" ", styles["text"]))

    @property
    def _where(self) -> str:
        if self.row and not self.row.pid:
            how = f": {printable(self.row.reason)}" if self.row.reason else ""
            return f"{self.row.status}{how}; keys go nowhere"
        return printable(self.problem) or "keys go to the process"

    @property
    def _tone(self) -> Tone:
        return "warn" if self.problem or (self.row and self.row.status in IDLE_STATES) else "text"


class TerminalScreen(Screen[None]):
    """Shows the terminal until the key that leaves is pressed; every other one goes to the process."""

    DEFAULT_CSS = """
    TerminalScreen TerminalBar { background: $panel; }
    """

    def __init__(
        self, control: Control, process_id: str, glyphs: Glyphs, find_row: Callable[[], Snapshot | None]
    ) -> None:
        super().__init__()
        self._find_row = find_row
        self._is_left = False
        self.terminal = TerminalWidget()
        self.bar = TerminalBar(process_id, glyphs)
        self.session = TerminalSession(control, process_id, self._rows_changed, self._show_problem)

    def compose(self) -> ComposeResult:
        yield self.terminal
        yield self.bar

    def on_mount(self) -> None:
        self.run_worker(self._run(), group="terminal")
        driver: Driver | None = self.app._driver
        if isinstance(driver, TerminalDriver) and self.is_current and not self._is_left:
            driver.redirect_input(self._handle)
        self._show_row()
        self.set_interval(STATUS_INTERVAL, self._show_row)

    def on_screen_resume(self) -> None:
        self.app.ansi_color = True  # the process means the colours of the user's terminal

    def on_screen_suspend(self) -> None:
        self.app.ansi_color = None

    def on_unmount(self) -> None:
        self.app.ansi_color = None
        if not self._is_left:
            self._restore_input()

    def _restore_input(self) -> None:
        driver = self.app._driver
        if isinstance(driver, TerminalDriver):
            driver.restore_input()

    def on_resize(self, event: events.Resize) -> None:
        self.session.resize(max(1, event.size.width), max(1, event.size.height - 1))

    async def _run(self) -> None:
        try:
            await self.session.run()
        except ControlError as error:
            self.notify(printable(str(error)), severity="error", timeout=6, markup=False)
            self.dismiss()

    def type(self, data: bytes) -> None:
        """Pass on one key or paste that was read before all input was redirected."""
        keys = keyboard.KeyboardParser()
        self._handle([*keys.feed(keyboard.as_legacy_keys(data)), *keys.flush()])

    def _show_row(self) -> None:
        self.bar.row = self._find_row()
        self.bar.update_pieces()

    def _handle(self, inputs: Sequence[keyboard.Input]) -> None:
        if self._is_left:
            self._give_back(inputs)
            return
        for event in inputs:
            if isinstance(event, keyboard.Leave):
                self._is_left = True
                self._restore_input()
                self.app.run_worker(self.session.send_pending(), group="terminal input")
                self.dismiss()
                return
            self.session.handle(event)

    def _give_back(self, inputs: Sequence[keyboard.Input]) -> None:
        """Let the dashboard have what was typed after the key that leaves, and redirected nevertheless."""
        data = b"".join(event.data for event in inputs if isinstance(event, keyboard.Keys | keyboard.PasteMark))
        for message in InputParser(debug=False).feed(data):
            self.app.post_message(message)

    def _rows_changed(self, rows: list[int]) -> None:
        if self.terminal.emulator is not self.session.emulator:
            self.terminal.emulator = self.session.emulator
            self.terminal.refresh()
        self.terminal.redraw(rows)

    def _show_problem(self, text: str) -> None:
        if self.is_current:
            self.bar.problem = text
            self.bar.update_pieces()

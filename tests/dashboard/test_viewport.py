from collections.abc import Sequence
from types import SimpleNamespace

import pytest
from textual.strip import Strip

from pmtui.dashboard.backend.log_source import BufferedLines
from pmtui.dashboard.log_view.lines import Line
from pmtui.dashboard.log_view.viewport import Viewport
from pmtui.logs.ring_buffer import PARTIAL_DELAY, RingBuffer


def rows_of(line: Line, begins_run: bool) -> Sequence[Strip]:
    """A line of n letters takes n rows, and one more where a run begins."""
    return [Strip([])] * (max(1, len(line.data)) + begins_run)


class Log:
    def __init__(self, *texts: str, height: int = 3, kept: int = 1000) -> None:
        self.ring = RingBuffer("a", max_lines=kept)
        self.viewport = Viewport(BufferedLines(self.ring), rows_of)
        self.viewport.height = height
        self.write(*texts)

    def write(self, *texts: str, run: int = 1) -> None:
        for text in texts:
            self.ring.append("stdout", run, 0, text.encode() + b"\n", 1)

    @property
    def seen(self) -> str:
        return " ".join(f"{row.line.data.decode()}{row.sub}" for row in self.viewport.rows())


def test_it_follows_the_end() -> None:
    log = Log(*"abcde")
    assert log.seen == "c0 d0 e0"
    log.write("f")
    assert log.seen == "d0 e0 f0"


def test_a_step_up_holds_still_and_what_comes_is_counted() -> None:
    log = Log(*"abcde")
    log.viewport.scroll(-1)
    log.write("f", "g")
    assert log.seen == "b0 c0 d0"
    assert log.viewport.newer == 2
    assert not log.viewport.follows


def test_the_held_lines_do_not_drift_when_the_ring_forgets_them() -> None:
    log = Log(*"abcde", kept=5)
    log.viewport.scroll(-1)
    log.write(*"0123456789")
    assert log.seen == "b0 c0 d0"


def test_coming_to_the_end_follows_again() -> None:
    log = Log(*"abcde")
    log.viewport.scroll(-2)
    log.write("f")
    log.viewport.scroll(1)
    assert not log.viewport.follows
    log.viewport.scroll(10)
    assert log.viewport.follows
    assert log.seen == "d0 e0 f0"


def test_lines_of_several_rows_scroll_by_rows() -> None:
    log = Log("a", "bb", "ccc")
    assert log.seen == "ccc0 ccc1 ccc2"
    log.viewport.scroll(-1)
    assert log.seen == "bb1 ccc0 ccc1"
    log.viewport.scroll(-1)
    assert log.seen == "bb0 bb1 ccc0"
    log.viewport.scroll(-9)
    assert log.seen == "a0 bb0 bb1"
    log.viewport.scroll(2)
    assert log.seen == "bb1 ccc0 ccc1"


def test_a_place_is_brought_into_sight_only_if_it_is_not() -> None:
    log = Log(*"abcdefghij")
    log.viewport.pause()
    seen = log.seen
    held = log.viewport.view
    log.viewport.show(held.end - 1)
    assert log.seen == seen
    log.viewport.show(held.start + 2)
    assert "c0" in log.seen


def test_no_lines_are_no_rows() -> None:
    log = Log()
    assert log.seen == ""
    log.viewport.scroll(-3)
    log.viewport.scroll(3)
    log.viewport.home()
    assert log.seen == ""


def test_a_row_separates_runs() -> None:
    log = Log("a", "b")
    log.write("c", run=2)
    assert log.seen == "b0 c0 c1"
    log.viewport.scroll(-1)
    assert log.seen == "a0 b0 c0"


def test_an_unfinished_line_is_the_last_row_until_the_view_is_paused(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("pmtui.logs.ring_buffer.time", SimpleNamespace(monotonic=lambda: now[0]))
    log = Log(*"abc")
    log.ring.set_partial("stdout", 1, 0, b"xy")
    assert log.seen == "a0 b0 c0"
    now[0] += PARTIAL_DELAY
    assert log.seen == "c0 xy0 xy1"
    log.ring.set_partial("stdout", 1, 0, b"z")
    assert log.seen == "b0 c0 z0"
    log.viewport.pause()
    assert log.seen == "b0 c0"
    log.viewport.follow()
    log.write("zz")
    assert log.seen == "c0 zz0 zz1"

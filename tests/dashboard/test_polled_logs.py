import asyncio

from pmtui.control import LogLine
from pmtui.dashboard.polled_logs import PolledLogs
from tests.eventually import eventually_async
from tests.fake_control import NOON, FakeControl, snapshot


def line(seq: int) -> LogLine:
    return LogLine(seq=seq, time=NOON, stream="stdout", text=f"line {seq}", run=1, id="a")


async def test_every_line_is_taken_once() -> None:
    control = FakeControl(snapshot("a"))
    control.lines["a"] = [line(1), line(2)]
    lines = PolledLogs(control).lines_of("a")

    def pulled(count: int) -> bool:
        lines.pull()
        return lines.end == count

    await eventually_async(lambda: pulled(2))
    control.lines["a"] += [line(3)]
    await eventually_async(lambda: pulled(3))
    assert [shown.data for shown in lines.lines(0, 9)] == [b"line 1", b"line 2", b"line 3"]


async def test_a_manager_that_has_gone_is_borne() -> None:
    lines = PolledLogs(FakeControl()).lines_of("a")
    lines.pull()
    await asyncio.sleep(0)
    assert (lines.start, lines.end) == (0, 0)

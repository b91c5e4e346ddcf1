import threading

from pmtui.control import LogLine
from pmtui.logs.ring_buffer import RingBuffer
from pmtui.text.timestamps import rfc3339

MS = 1_795_194_000_123


def ring_of(count: int, **bounds: int) -> RingBuffer:
    ring = RingBuffer("web", **bounds)
    for number in range(1, count + 1):
        ring.append("stdout", 1, MS, b"line %d\n" % number, 1)
    return ring


def test_lines_are_numbered_from_one() -> None:
    ring = RingBuffer("web")
    assert ring.append("stdout", 1, MS, b"a\nb\n", 2) == 1
    assert ring.append("stderr", 2, MS + 1, b"\x1b[31mc\x1b[0m\n", 1) == 3
    assert (ring.start, ring.end) == (1, 4)
    assert ring.lines(2, 10) == [
        LogLine(seq=2, time=rfc3339(MS), stream="stdout", text="b", run=1, id="web"),
        LogLine(seq=3, time=rfc3339(MS + 1), stream="stderr", text="c", run=2, id="web"),
    ]
    assert ring.raw(3, 1)[0].data == b"\x1b[31mc\x1b[0m"


def test_the_number_of_lines_is_bounded() -> None:
    ring = ring_of(30, max_lines=10)
    assert (ring.start, ring.end) == (21, 31)
    assert [line.text for line in ring.lines(0, 2)] == ["line 21", "line 22"]


def test_the_number_of_lines_is_bounded_within_a_chunk() -> None:
    ring = RingBuffer("web", max_lines=3)
    ring.append("stdout", 1, MS, b"a\nb\nc\nd\ne\n", 5)
    assert [line.text for line in ring.lines(1, 10)] == ["c", "d", "e"]


def test_the_number_of_bytes_is_bounded() -> None:
    ring = ring_of(99, max_bytes=80)
    assert ring.end - ring.start == 80 // len("line 99\n")


def test_a_page_in_the_middle_is_exact() -> None:
    ring = ring_of(100)
    assert [line.seq for line in ring.lines(40, 5)] == [40, 41, 42, 43, 44]
    assert ring.lines(101, 5) == []
    assert ring.lines(1, 0) == []


def test_a_listener_is_called_until_it_is_removed() -> None:
    ring, calls = RingBuffer("web"), []
    forget = ring.listen(lambda: calls.append(ring.end))
    ring.append("stdout", 1, MS, b"a\n", 1)
    forget()
    ring.append("stdout", 1, MS, b"b\n", 1)
    assert calls == [2]


def test_another_thread_can_read_meanwhile() -> None:
    ring = RingBuffer("web", max_lines=100)
    ended = threading.Event()
    wrong: list[object] = []

    def read() -> None:
        while not ended.is_set():
            lines = ring.lines(ring.start, 200)
            numbers = [line.seq for line in lines]
            if [f"line {number}" for number in numbers] != [line.text for line in lines]:
                wrong.append(lines)

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(1, 20_000):
        ring.append("stdout", 1, MS, b"line %d\n" % number, 1)
    ended.set()
    reader.join()
    assert wrong == []

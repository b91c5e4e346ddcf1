from pmtui.dashboard.backend.log_source import BufferedLines
from pmtui.dashboard.log_view.lines import FilteredLines, Line, LineBuffer, MergedLines, PausedView
from pmtui.logs.ring_buffer import RingBuffer


def ring(*texts: str, name: str = "a", ms: int = 0) -> RingBuffer:
    made = RingBuffer(name, max_lines=10)
    write(made, *texts, ms=ms)
    return made


def write(target: RingBuffer, *texts: str, ms: int = 0) -> None:
    for text in texts:
        target.append("stdout", 1, ms, text.encode() + b"\n", 1)


def texts(lines: LineBuffer | BufferedLines) -> list[str]:
    return [line.data.decode() for line in lines.lines(lines.start, lines.end - lines.start)]


def test_a_ring_is_read_at_its_own_places() -> None:
    lines = BufferedLines(ring("x", "y"))
    assert lines.lines(lines.end - 1, 1) == [Line(lines.end - 1, 0, "stdout", 1, b"y", "a")]


def test_paused_lines_stay_however_much_is_written() -> None:
    source = ring("x", "y")
    paused = PausedView(BufferedLines(source))
    write(source, *(str(number) for number in range(100)))
    assert texts(paused) == ["x", "y"]
    assert paused.newer == 100


def test_newer_lines_join_and_a_gap_is_told() -> None:
    source = ring("x")
    paused = PausedView(BufferedLines(source))
    write(source, *(str(number) for number in range(15)))
    paused.append_newer()
    assert texts(paused) == ["x", "… 5 lines skipped …", *(str(number) for number in range(5, 15))]
    assert paused.newer == 0


def test_matching_lines_know_where_they_came_from_and_forget_with_their_source() -> None:
    source = ring("a1", "b", "a2")
    matching = FilteredLines(BufferedLines(source), lambda line: line.data.startswith(b"a"))
    matching.pull()
    assert texts(matching) == ["a1", "a2"]
    first, second = matching.positions
    assert second - first == 2
    write(source, *"cccccccccc")
    matching.pull()
    assert list(matching.positions) == []


def test_merged_lines_are_in_the_order_of_their_times() -> None:
    one, other = ring("1", ms=1), ring("2", name="b", ms=2)
    write(one, "3", ms=3)
    merged = MergedLines([BufferedLines(one), BufferedLines(other)])
    merged.pull()
    assert texts(merged) == ["1", "2", "3"]
    write(other, "4", ms=4)
    merged.pull()
    assert texts(merged)[-1] == "4"


def test_merged_lines_begin_with_the_past_and_say_what_a_flood_left_out() -> None:
    flood = RingBuffer("flood", max_lines=20_000)
    write(flood, *[f"past {number}" for number in range(3000)])
    merged = MergedLines([BufferedLines(flood)] * 2)
    assert texts(merged).count("past 0") == 2
    write(flood, *[f"new {number}" for number in range(1500)])
    merged.pull()
    assert texts(merged).count("… 500 lines skipped …") == 2
    assert texts(merged)[-1] == "new 1499"


def test_held_lines_forget_the_oldest() -> None:
    held = LineBuffer(limit=2)
    for text in (b"1", b"2", b"3"):
        held.append(Line(0, 0, "stdout", 1, text, "a"))
    assert (held.start, held.end, texts(held)) == (1, 3, ["2", "3"])
    assert held.lines(0, 2)[0].position == 1

from pmtui.cli.log_lines import RawLines
from pmtui.control import RawLogLine, Stream


def line(
    data: bytes, stream: Stream = "stdout", *, partial: bool = False, cut: bool = False, run: int = 1
) -> RawLogLine:
    return RawLogLine(
        seq=1, time="", stream=stream, text="", run=run, id="web", data=data, partial=partial, cut=cut
    )  # fmt: skip


def raw(*lines: RawLogLine) -> bytes:
    format = RawLines(has_times=False, has_names=True)
    return b"".join(format.format([one]) for one in lines) + format.finish()


def test_an_unfinished_line_is_continued() -> None:
    assert raw(line(b"Pass", partial=True), line(b"Password: ", partial=True), line(b"Password: ok")) == (
        b"[web] Password: ok\n"
    )


def test_a_progress_bar_is_redrawn() -> None:
    states = [line(b"1 %", partial=True), line(b"20 %", partial=True), line(b"\r1 %\r20 %\r100 %")]
    assert raw(*states) == b"[web] 1 %\r20 %\r100 %\n"


def test_another_line_ends_an_unfinished_one() -> None:
    assert raw(line(b"Pass", partial=True), line(b"oops", "stderr"), line(b"Password: ok")) == (
        b"[web] Pass\n[web] oops\n[web] Password: ok\n"
    )
    assert raw(line(b"Pass", partial=True), line(b"Pass", run=2)) == b"[web] Pass\n[web] Pass\n"


def test_the_parts_of_a_line_that_was_cut_are_one_line() -> None:
    assert raw(line(b"aaa", cut=True), line(b"bbb", cut=True), line(b"c"), line(b"d")) == b"[web] aaabbbc\n[web] d\n"
    assert raw(line(b"aaa", partial=True), line(b"aaab", cut=True), line(b"c")) == b"[web] aaabc\n"


def test_an_unfinished_line_at_the_end_is_ended() -> None:
    assert raw(line(b"Pass", partial=True)) == b"[web] Pass\n"

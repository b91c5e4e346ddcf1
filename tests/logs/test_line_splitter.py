from pmtui.logs.capture.line_splitter import MAX_LINE_BYTES, LineSplitter


def taken(*chunks: bytes) -> list[tuple[bytes, bool]]:
    """What a splitter passes on: lines, and whether they are a part of one that was cut."""
    out: list[tuple[bytes, bool]] = []
    sink = LineSplitter(lambda data, is_cut: out.append((data, is_cut)), lambda: True)
    for chunk in chunks:
        assert sink.feed(chunk)
    sink.feed_eof()
    return out


def test_whole_lines_are_passed_on_as_they_come() -> None:
    assert taken(b"one\ntwo\n", b"three\n") == [(b"one\ntwo\n", False), (b"three\n", False)]


def test_a_partial_line_waits_for_its_end() -> None:
    assert taken(b"one\ntw", b"o", b"\nthree\n") == [(b"one\n", False), (b"two\nthree\n", False)]


def test_a_character_that_is_split_between_chunks_stays_whole() -> None:
    euro = "€".encode()
    assert taken(b"1 " + euro[:1], euro[1:] + b"\n") == [(b"1 " + euro + b"\n", False)]


def test_an_unfinished_line_at_the_end_is_a_line() -> None:
    assert taken(b"last words") == [(b"last words\n", False)]


def test_a_line_of_the_longest_length_is_not_cut() -> None:
    line = b"x" * MAX_LINE_BYTES + b"\n"
    assert taken(line[:100], line[100:]) == [(line, False)]


def test_a_longer_line_is_cut() -> None:
    line = b"x" * MAX_LINE_BYTES + b"y\n"
    assert taken(b"before\n" + line + b"after\n") == [
        (b"before\n", False),
        (b"x" * MAX_LINE_BYTES, True),
        (b"y\nafter\n", False),
    ]


def test_a_cut_does_not_split_a_character() -> None:
    text = ("x" + "€" * MAX_LINE_BYTES).encode()
    parts = taken(text)
    assert b"".join(data for data, _ in parts) == text + b"\n"
    for data, _ in parts:
        data.decode()
    assert [is_cut for _, is_cut in parts] == [True] * (len(parts) - 1) + [False]


def test_a_megabyte_without_a_newline_is_cut_in_pieces_without_loss() -> None:
    chunk = b"x" * 50_000
    parts = taken(*[chunk] * 20)
    assert b"".join(data for data, _ in parts) == chunk * 20 + b"\n"
    assert all(len(data) <= MAX_LINE_BYTES + 1 for data, _ in parts)


def test_feed_returns_false_without_room() -> None:
    sink = LineSplitter(lambda data, is_cut: None, lambda: False)
    assert not sink.feed(b"one\n")


def test_an_unfinished_line_is_reported_after_each_read_that_leaves_one() -> None:
    partials: list[bytes] = []
    splitter = LineSplitter(lambda data, is_cut: None, lambda: True, partials.append)
    for chunk in (b"one\n", b"Pass", b"word: ", b"\nnext", b"\n"):
        splitter.feed(chunk)
    assert partials == [b"Pass", b"Password: ", b"next"]

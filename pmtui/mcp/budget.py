"""Answers that never exceed a number of characters."""

from collections.abc import Iterable

MIN_CHARS, DEFAULT_CHARS, MAX_CHARS = 200, 4000, 50_000
ELLIPSIS = "…"


def clamp(max_chars: int) -> int:
    return max(MIN_CHARS, min(MAX_CHARS, max_chars))


def cut(text: str, room: int) -> str:
    """Return the beginning of the text, in at most `room` characters."""
    return text if len(text) <= room else text[: max(0, room - 1)] + ELLIPSIS * (room > 0)


def fill(lines: Iterable[str], max_chars: int) -> str:
    """Return the first lines that fit, and say how many do not."""
    lines, room = [*lines], clamp(max_chars)
    if len(text := "\n".join(lines)) <= room:
        return text
    note = f"{ELLIPSIS} {len(lines)} lines in all; raise maxChars or narrow id"
    room -= len(note) + 1
    kept = list[str]()
    for line in lines:
        if len(line) + 1 > room:
            kept += [cut(line, room)] if not kept else []
            break
        kept.append(line)
        room -= len(line) + 1
    return "\n".join([*kept, note])

"""Quantities for people: short, in at most two units, of a steady width."""

from datetime import datetime, timedelta

_UNITS = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))


def duration(seconds: float) -> str:
    """Format in the two largest units: `45s`, `5m12s`, `2h30m`, `3d4h`."""
    left = max(0, int(seconds))
    for place, (name, size) in enumerate(_UNITS):
        if left >= size:
            lower, lower_size = _UNITS[place + 1] if place < 3 else ("", 1)
            rest = left % size // lower_size
            return f"{left // size}{name}{rest}{lower}" if lower and rest else f"{left // size}{name}"
    return "0s"


def countdown(seconds: float) -> str:
    """As `duration`, but rounded up to at least `1s`."""
    return duration(max(1, -int(-seconds // 1)))


def memory(size: int) -> str:
    """Format bytes in powers of 1024, with at most three digits."""
    amount = float(size)
    for unit in ("B", "KB", "MB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}"
        amount /= 1024
    return f"{amount:.1f} GB" if amount < 100 else f"{amount:.0f} GB"


def percent(value: float) -> str:
    """Format with one decimal place up to 99.9."""
    return f"{value:.1f}" if value < 99.95 else f"{value:.0f}"


def rate(per_second: float) -> str:
    """Format a number per second in at most four characters."""
    if per_second < 0.05:
        return "0"
    if per_second < 9.95:
        return f"{per_second:.1f}"
    return f"{per_second:.0f}" if per_second < 1000 else f"{per_second / 1000:.0f}k"


def epoch_seconds(time: str) -> float:
    """Convert an RFC 3339 time to seconds since the epoch."""
    return datetime.fromisoformat(time.replace("Z", "+00:00")).timestamp()


def local_time(time: str) -> str:
    """Format an RFC 3339 time as the local time of day, with the date if that was not within the last 12 hours."""
    moment = datetime.fromtimestamp(epoch_seconds(time))
    is_recent = abs(datetime.now() - moment) < timedelta(hours=12)
    return f"{moment:%H:%M:%S}" if is_recent else f"{moment:%d %b %H:%M:%S}"


def coming_time(moment: float, now: float) -> str:
    """Format a time to come: `02:00` within a day, `Mon 02:00` within a week, else `30 Nov 02:00`."""
    local, left = datetime.fromtimestamp(moment), moment - now
    return f"{local:%H:%M}" if left < 86400 else f"{local:%a %H:%M}" if left < 6 * 86400 else f"{local:%d %b %H:%M}"


def plural(count: int, one: str, many: str) -> str:
    """Format `1 line` or `1,234 lines`."""
    return f"{count:,} {one if count == 1 else many}"


def printable(text: str) -> str:
    """Return the text as one line, with a mark for each character that would not stay within it."""
    if text.isprintable():
        return text
    text = joined_lines(text.replace("\t", " "))
    return "".join(character if character.isprintable() else "�" for character in text)


def joined_lines(text: str) -> str:
    """Return several lines as one: without blank ones, separated by `; ` unless a line ends in punctuation."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) < 2:
        return text.rstrip("\r\n")
    return "".join(line + (" " if line[-1] in ".,:;" else "; ") for line in lines[:-1]) + lines[-1]

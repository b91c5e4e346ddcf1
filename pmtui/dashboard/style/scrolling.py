"""Where the thumb of a scrollbar stands."""


def scrollbar_thumb(first: float, shown: int, total: int, height: int) -> range:
    """The cells of a bar of `height` that stand for `shown` of `total` items from `first` on; empty if all fit."""
    if total <= shown or height < 2:
        return range(0)
    size = max(1, round(height * shown / total))
    start = round((height - size) * first / (total - shown))
    return range(max(0, min(start, height - size)), max(0, min(start, height - size)) + size)

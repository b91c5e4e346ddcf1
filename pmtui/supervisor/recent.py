"""The newest of many things of one kind, for each process."""

from collections.abc import Iterable
from typing import TypeVar

T = TypeVar("T")


class Recent(list[T]):
    """The newest items, at most `limit`; a deque takes 700 bytes even if it is empty, and most of these are."""

    __slots__ = ("_limit",)

    def __init__(self, limit: int) -> None:
        super().__init__()
        self._limit = limit

    def append(self, item: T) -> None:
        super().append(item)
        if len(self) > self._limit:
            del self[0]

    def extend(self, items: Iterable[T]) -> None:
        super().extend(items)
        del self[: -self._limit]

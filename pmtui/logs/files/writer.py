"""The one thread that touches the disk for all processes."""

from collections.abc import Callable, Iterable
from functools import partial
from itertools import groupby
from typing import NamedTuple, cast

from pmtui.logs.capture.bulk_reader import Floods
from pmtui.logs.files.batch_worker import Conveyor
from pmtui.logs.files.log_file import RETRY, LogFile, Piece

STALLED = 5.0
"""Seconds without progress after which lines are dropped, not held back."""
ROOM = 8 << 20
"""Bytes that may wait while the disk moves: more would only be memory, the processes can wait for it."""
ROOM_STALLED = 64 << 20
"""Bytes that may wait while the disk does not move, before the processes have to."""
_CALL = 1  # bytes that a call counts for: one that hangs is a disk that does not move, too
_PAUSE = 0.1  # seconds without progress that are no stall yet
_PATIENCE = 2.0  # seconds without progress after which the exit goes on without the rest


class Portion(NamedTuple):
    file: LogFile
    piece: Piece


Item = Portion | Callable[[], None]


class Writer:
    """Takes lines for files, and calls to be made when all before them is written; `floods` it reads itself.

    `alarm` is told once when writing fails or the disk does not move, and again only after all was well in between;
    it is called in the writer's thread or the loop's.
    """

    def __init__(self, alarm: Callable[[str], None]) -> None:
        self._alarm = alarm
        self._alarmed = False
        self.floods = Floods(self._stands_still, self._hurry)
        self._belt: Conveyor[Item] = Conveyor("pmtui-log-writer", self._carry, self.floods.pull)
        self._failing: set[LogFile] = set()
        self._lost: dict[LogFile, tuple[int, int]] = {}

    def start(self) -> None:
        """Has the thread now. OSError where the machine gives none."""
        self._belt.start()

    def write(self, file: LogFile, piece: Piece) -> None:
        if self._is_stuck():
            lines, size = self._lost.get(file, (0, 0))
            self._lost[file] = lines + piece.lines, size + piece.size
            return
        if self._lost:
            self._tell_lost()
        self._belt.put(Portion(file, piece), piece.size)

    def lost(self, file: LogFile) -> int:
        """Bytes lost lately that the file does not know of yet."""
        return self._lost.get(file, (0, 0))[1]

    def call(self, action: Callable[[], None]) -> None:
        """Calls `action` in the writer's thread, after all that was put before; it must not raise."""
        self._belt.put(action, _CALL)

    def call_soon(self, action: Callable[[], None]) -> None:
        """As `call`, but what waits is written at once. After `close` it is called here and now."""
        if self._belt.has_ended():
            action()
            return
        self._belt.put(action, _CALL)
        self._belt.hurry()

    def has_room(self) -> bool:
        """Whether more may come. While the disk moves there is no use in holding much; a stall is to go unnoticed."""
        load = self._belt.load
        if load <= ROOM or (load <= ROOM_STALLED and self._stands_still()):
            return True
        return self._is_stuck()

    def stalled(self) -> float:
        """Seconds for which nothing was written though something waits."""
        return self._belt.stalled()

    def _stands_still(self) -> bool:
        return self.stalled() > _PAUSE

    def _hurry(self) -> None:
        self._belt.hurry()

    def _is_stuck(self) -> bool:
        """Whether what comes has to be dropped: there is no room, and the disk has not moved for long."""
        if self._belt.load <= ROOM_STALLED or self.stalled() < STALLED:
            return False
        self._raise_alarm(f"the disk of the logs has not moved for {STALLED:.0f} s, lines are dropped until it does")
        return True

    def _tell_lost(self) -> None:
        for file, (lines, size) in self._lost.items():
            self._belt.put(partial(file.lose, lines, size), _CALL)
        self._lost.clear()

    def close(self) -> None:
        """Writes what waits; gives up when nothing has moved for two seconds."""
        self._tell_lost()
        if self._belt.close(_PATIENCE):
            self.floods.close()

    def _carry(self, batch: list[Item]) -> None:
        for is_portion, items in groupby(batch, lambda item: isinstance(item, Portion)):
            if is_portion:
                self._write(cast("Iterable[Portion]", items))
            else:
                for action in cast("Iterable[Callable[[], None]]", items):
                    action()
                    self._belt.moved()

    def _write(self, portions: Iterable[Portion]) -> None:
        by_file: dict[LogFile, list[Piece]] = {}
        for file, piece in portions:
            by_file.setdefault(file, []).append(piece)
        for file, batch in by_file.items():
            file.write(batch)
            self._belt.moved()
            self._note(file)

    def _note(self, file: LogFile) -> None:
        if file.error:
            self._failing.add(file)
            self._raise_alarm(f"cannot write {file.path}: {file.error.strerror} (tried again every {RETRY:.0f} s)")
        elif self._failing:
            self._failing.discard(file)
            self._alarmed = bool(self._failing)
        elif self._alarmed:
            self._alarmed = False

    def _raise_alarm(self, text: str) -> None:
        if not self._alarmed:
            self._alarmed = True
            self._alarm(text)

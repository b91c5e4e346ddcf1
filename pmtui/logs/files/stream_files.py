"""The open files of one stream."""

import os
from typing import NamedTuple

from pmtui.control import Stream
from pmtui.logs.files.log_file import Gap, OpenFile


class StreamFiles(NamedTuple):
    """The open files of one stream, newest first; `last` is the number of their last line.

    `above` is the number of the line behind the last one, if that is known to be another than `last + 1`.
    """

    stream: Stream
    files: list[OpenFile]
    last: int
    gaps: list[Gap]
    timestamps: bool
    above: int | None = None

    def close(self) -> None:
        for file in self.files:
            os.close(file.fd)

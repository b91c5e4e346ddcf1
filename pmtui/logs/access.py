"""Answers log queries of `Control` from the logs of processes."""

import os
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager, suppress
from pathlib import Path
from stat import S_ISREG

from pmtui.control import DroppedLines, InvalidError, LogFileInfo, LogLine, LogQuery, LogStream, PageQuery, Stream
from pmtui.logs.process_log import ProcessLog
from pmtui.logs.search import follow
from pmtui.logs.search.query import Query, QueryError, parse_query, search, search_and_mark
from pmtui.logs.search.threads import run_in_thread
from pmtui.text.regex import PatternError
from pmtui.text.timestamps import rfc3339


async def last_lines(logs: Sequence[ProcessLog], query: PageQuery) -> list[LogLine]:
    """Return the matching lines, oldest first. Raises InvalidError if the query is invalid or takes too long."""
    with _query_errors():
        return await search(logs, _parsed(query))


async def follow_lines(logs: Sequence[ProcessLog], query: LogQuery, after: Mapping[str, int]) -> LogStream:
    """Return the last matching lines and all new ones; for the ids in `after` all lines after those numbers instead.

    The past is searched before this returns, so an invalid query is refused before the stream begins.
    """
    with _query_errors():
        parsed = _parsed(query)
        past, ends = await search_and_mark([log for log in logs if log.process_id not in after], parsed)
    positions = {log.process_id: after.get(log.process_id, ends.get(log.process_id, 1) - 1) for log in logs}
    begin = positions | {line.id: line.seq - 1 for line in reversed(past)}
    return LogStream(begin, _lines(past, follow.follow(logs, parsed, positions)))


async def list_files(log: ProcessLog) -> list[LogFileInfo]:
    return await run_in_thread(lambda: _files(log))


def _parsed(query: LogQuery) -> Query:
    return parse_query({name: str(value) for name, value in query.items() if value is not None})


@contextmanager
def _query_errors() -> Iterator[None]:
    try:
        yield
    except (QueryError, PatternError) as error:
        raise InvalidError(str(error)) from None


async def _lines(
    past: Sequence[LogLine], live: AsyncGenerator[LogLine | follow.MissedLines, None]
) -> AsyncGenerator[LogLine | DroppedLines, None]:
    async with aclosing(live):
        for line in past:
            yield line
        with _query_errors():
            async for item in live:
                yield DroppedLines(id=item.id, lines=item.lines) if isinstance(item, follow.MissedLines) else item


def _files(log: ProcessLog) -> list[LogFileInfo]:
    found: list[tuple[int, LogFileInfo]] = []
    for stream, file in log.files.items():
        for path in [file.path, *file.archives()]:
            with suppress(OSError):
                status = path.lstat()
                if S_ISREG(status.st_mode):
                    found.append((status.st_mtime_ns, _file_info(path, stream, status, path != file.path)))
    return [info for _, info in sorted(found, key=lambda pair: -pair[0])]


def _file_info(path: Path, stream: Stream, status: os.stat_result, archived: bool) -> LogFileInfo:
    return LogFileInfo(
        name=path.name,
        path=str(path),
        stream=stream,
        size=status.st_size,
        time=rfc3339(status.st_mtime_ns // 1_000_000),
        archived=archived,
    )

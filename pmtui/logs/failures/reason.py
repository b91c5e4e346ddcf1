"""Why a program gave up, in its own words: the message of its exception, else its last line with words."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pmtui.control import Level, Stream
from pmtui.logs.failures.exceptions import find_exceptions
from pmtui.logs.failures.message import message_of
from pmtui.logs.search.levels import level_of

OutputLine = tuple[Stream, str]

MAX_DISTANCE = 40
"""Lines that a program may print after an error before it is no longer taken for what ended it."""
MAX_LINE_LENGTH = 1000
"""Characters of a line that are looked at."""

_ERRORS: tuple[Level | None, ...] = ("error", "fatal")
_WORDS = re.compile(r"[^\W\d_]{2}")
_ERROR = re.compile(
    r"(?:\S+: )?(?:\S+:\d+(?::\d+)?: )?(?:fatal |compile |syntax )?error(?:\[\w+\]| TS\d+)?[:,]? \S"
    r"|(?:fatal|panic): \S|flag provided but not defined|\s*ERR_PNPM_\w+ "
    r"|(?:\w+\.)*\w*(?:Error|Exception)(?: \[\w+\])?: \S",
    re.IGNORECASE,
)
_WARNING = re.compile(r"\S.*:\d+: \w*Warning: ")
_NPM = re.compile(r"npm (?:ERR!|error) +(?=\S)")
_NPM_DETAIL = re.compile(
    r"(?:code|syscall|path|errno|dest|signal|command|cwd|workspace|location|lifecycle script|a complete log"
    r"|to see a list|this is related to npm) |.*-debug-\d+\.log",
    re.IGNORECASE,
)
_WRAPPERS = (  # what follows when the program that they started has ended
    r"npm (?:notice|warn|error|ERR!|info|verb)\b|\s*ELIFECYCLE\s|\s*WARN\s|info Visit https|error Command failed"
    r"|error: script \"|error: Recipe |\[nodemon\]|make(?:\[\d+\])?: |.*\bexited with (?:exit )?(?:code|status)\b"
    r"|.*\bexit (?:status|code):? \d+\b|error: process didn't exit"
    r"|\s+(?:Compiling|Finished|Running) |[$>] \S|yarn run v"
    r"|(?:Aborted|Segmentation fault|Killed|Terminated|Bus error|Trace/breakpoint trap)(?: \(core dumped\))?$"
    r"|.*\[ERROR\] (?:Worker \(|Shutting down: Master|Reason: Worker failed|Can't connect to \()"
    r"|nginx: \[emerg\] still could not bind|.*\[ERROR\] .*\bAborting$"
)
_RUNTIMES = (  # what surrounds an error
    r"Node\.js v\d|Bun v\d|\(Use `|\(node:\d+\)|note: |\s*\.\.\. \d+ |BEGIN failed--|For more information"
    r"|error: (?:aborting due|could not compile|compilation failed|Type checking failed)|\d+ errors?\b"
    r"|Traceback \(|\s+File \"|Stack trace:|stack backtrace:|#\d+ |\s+at \S|\tfrom |Require stack:|- /|goroutine \d"
    r"|# command-line-arguments|(?:The above|During handling of the above) exception"
    r"|(?:Usage|usage|USAGE)(?: of \S+)?:|(?:Try|See|Run) ['`\"]|For help"
)
_NOISE = re.compile(f"{_WRAPPERS}|{_RUNTIMES}")


class _Candidate(NamedTuple):
    """A reason, and the index of the line where it ends among those of both streams."""

    text: str
    at: int


def failure_reason(lines: Sequence[OutputLine]) -> str:
    """Return the reason found in the last lines of a run, in the order they were read; empty if none has words."""
    stderr, stdout = _StreamLines(lines, "stderr"), _StreamLines(lines, "stdout")
    nearest = len(lines) - MAX_DISTANCE
    for exception in (stderr.exception(), stdout.exception()):
        if exception and exception.at >= nearest:
            return exception.text
    error, last = stderr.error(), stderr.last_line()
    if error is None and (last is None or last.at < nearest):
        error = stdout.error()
    elif error is None and last:
        error = stdout.error(after=last.at)
    if error and error.at >= nearest:
        return error.text
    last = last or stdout.last_line()
    return last.text if last else stderr.fallback() or stdout.fallback()


class _StreamLines:
    """The lines of one stream, with their indexes among those of both."""

    def __init__(self, lines: Sequence[OutputLine], stream: Stream) -> None:
        mine = [(index, text) for index, (name, text) in enumerate(lines) if name == stream]
        self._indexes = [index for index, _ in mine]
        self._whole = [text for _, text in mine]
        self._texts = [text[:MAX_LINE_LENGTH].rstrip() for text in self._whole]

    def exception(self) -> _Candidate | None:
        found = list(find_exceptions(self._texts))
        return _Candidate(message_of(found[-1].message), self._indexes[found[-1].last]) if found else None

    def error(self, after: int = -1) -> _Candidate | None:
        """The last line that calls itself fatal, else the last one behind line `after` that calls itself an error."""
        errors = [index for index in self._meaningful() if self._is_error(index)]
        fatal = [index for index in errors if level_of(self._whole[index]) == "fatal"]
        late = [index for index in errors if self._indexes[index] > after]
        return self._candidate((fatal or late)[0]) if fatal or late else None

    def last_line(self) -> _Candidate | None:
        """The last line with words that is not about something that went well."""
        levels: tuple[Level | None, ...] = (None, *_ERRORS)
        index = next((index for index in self._meaningful() if level_of(self._whole[index]) in levels), None)
        return None if index is None else self._candidate(index)

    def fallback(self) -> str:
        """What a wrapper or a line of a lower level says, if there is nothing else."""
        npm = [text[found.end() :] for text in self._texts if (found := _NPM.match(text))]
        if said := next((text for text in npm if not _NPM_DETAIL.match(text)), ""):
            return said
        wordy = [index for index in reversed(range(len(self._texts))) if _WORDS.search(self._texts[index])]
        index = next((index for index in wordy if not _NOISE.match(self._texts[index])), wordy[0] if wordy else None)
        return "" if index is None else self._candidate(index).text

    def _meaningful(self) -> Iterator[int]:
        """The lines with words, newest first, without what wrappers and runtimes print around an error."""
        for index in reversed(range(len(self._texts))):
            is_source = index > 0 and self._texts[index].startswith("  ") and _WARNING.match(self._texts[index - 1])
            text = self._texts[index]
            if _WORDS.search(text) and not (is_source or _NOISE.match(text) or _WARNING.match(text)):
                yield index

    def _is_error(self, index: int) -> bool:
        return level_of(self._whole[index]) in _ERRORS or _ERROR.match(self._texts[index]) is not None

    def _candidate(self, index: int) -> _Candidate:
        return _Candidate(message_of(self._whole[index]), self._indexes[index])

r"""Regular expressions that anyone may send, searched in time linear in the length of a line.

Python's `re` backtracks: `(a+)+$` on forty letters would stall the manager. RE2 never does, and therefore has no
look-around and no back-references. Its `\d`, `\w` and `\b` are ASCII. It is imported with the first pattern.
"""

from pmtui.text.sanitize import as_shown

MAX_PATTERN_LENGTH = 1000
"""Characters of a pattern."""
MAX_SHOWN = 60
"""Characters of a pattern quoted in an error."""
_MAX_PROGRAM_SIZE = 5000  # instructions; RE2 at its slowest then takes about a second for 64 KiB
_MAX_MEMORY_BYTES = 256 << 10
_TOO_LARGE = ("invalid repetition size", "pattern too large")
_LOOK_AROUND = "look-around such as (?=...) or (?<!...)"
_BACK_REFERENCE = r"a back-reference such as \1"
_POSSESSIVE = "a possessive repeat such as a*+"
_UNSUPPORTED = {
    "(?=": _LOOK_AROUND,
    "(?!": _LOOK_AROUND,
    "(?<": _LOOK_AROUND,
    "(?<=": _LOOK_AROUND,
    "(?<!": _LOOK_AROUND,
    "(?P": _BACK_REFERENCE,
    "(?(": "a condition such as (?(1)...)",
    "(?>": "an atomic group (?>...)",
    "++": _POSSESSIVE,
    "*+": _POSSESSIVE,
    "?+": _POSSESSIVE,
} | {rf"\{digit}": _BACK_REFERENCE for digit in range(1, 10)}
_ALTERNATIVE = "write the text itself, with . [a-z] * + ? {2,3} ( | ) ^ $ and \\b"


class PatternError(ValueError):
    """The pattern is invalid, too large or not supported."""


class Pattern:
    """A compiled pattern. Raises PatternError if it is invalid."""

    def __init__(self, text: str) -> None:
        import re2  # type: ignore[import-untyped]

        if len(text) > MAX_PATTERN_LENGTH:
            raise PatternError(f"a pattern has at most {MAX_PATTERN_LENGTH} characters")
        options = re2.Options()
        options.log_errors = False
        options.never_capture = True
        options.max_mem = _MAX_MEMORY_BYTES
        try:
            compiled = re2.compile(text.encode(errors="surrogatepass"), options)
        except re2.error as error:
            raise PatternError(_explain(text, error.args[0].decode(errors="replace"))) from None
        if compiled.programsize > _MAX_PROGRAM_SIZE:
            raise PatternError(_explain(text, _TOO_LARGE[0]))
        self._search = compiled.search

    def is_in(self, line: bytes) -> bool:
        """Return whether the line matches, ignoring what is not shown of it, such as colors."""
        return self._search(as_shown(line)) is not None


def _explain(text: str, error: str) -> str:
    shown = repr(text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}...")
    if error.startswith(_TOO_LARGE):
        return f"the pattern {shown} is too large: use smaller counts in {{ }}"
    if feature := _UNSUPPORTED.get(error.rpartition(": ")[2]):
        return f"the pattern {shown} uses {feature}, which is not supported: {_ALTERNATIVE}"
    return f"invalid pattern: {error}"

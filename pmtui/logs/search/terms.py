"""The search language: words, "phrases", `!not`, `re:…`, `key=value`, `level:warn` and `-5m`; all must match."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from pmtui.logs.search.levels import LEVELS, level_of, parse_level
from pmtui.logs.structure.record import field_text, find_field, parse_fields
from pmtui.text.regex import Pattern
from pmtui.text.sanitize import strip_escapes
from pmtui.text.timestamps import now_ms
from pmtui.text.units import parse_duration

LineTest = Callable[[bytes, int], bool]
"""Called with a line as it was written and its time in milliseconds."""
_TOKEN = re.compile(r'!?(?:"[^"]*"?|re:"[^"]*"?|[^\s"]+)')
_FIELD = re.compile(r"([A-Za-z_@][\w.@-]*)=(.+)")


class SearchError(ValueError):
    """A term is invalid; the message says what was expected."""


@dataclass(frozen=True)
class Terms:
    """A parsed search. `highlights` are what to highlight in a matching line."""

    tests: list[LineTest] = field(default_factory=list)
    highlights: list[re.Pattern[str]] = field(default_factory=list)

    def match(self, data: bytes, ms: int) -> bool:
        return all(passes(data, ms) for passes in self.tests)

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        for pattern in self.highlights:
            yield from (found.span() for found in pattern.finditer(text) if found.end() > found.start())


def parse_terms(text: str) -> Terms:
    """Raises SearchError, or PatternError if a regular expression is invalid."""
    terms = Terms()
    if text.startswith("re:"):
        _add_pattern(terms, text[3:], negated=False)
        return terms
    for token in _TOKEN.findall(text):
        negated = token.startswith("!") and len(token) > 1
        _add(terms, token[negated:], negated)
    return terms


def _add(terms: Terms, token: str, negated: bool) -> None:
    if token.startswith("re:"):
        _add_pattern(terms, token[3:].strip('"'), negated)
    elif token.startswith("level:"):
        _add_test(terms, _level_test(token[6:]), negated)
    elif (since := _duration_ms(token)) is not None:
        _add_test(terms, lambda data, ms: not ms or ms >= now_ms() - since, negated)
    else:
        literal = token.strip('"') if token.startswith('"') else token
        matches = _literal_test(literal)
        if (named := _FIELD.fullmatch(token)) and not token.startswith('"'):
            matches = _either(field_test(named[1], named[2]), matches)
        _add_test(terms, matches, negated)
        if not negated and literal:
            terms.highlights.append(re.compile(re.escape(literal), _case(literal)))


def _add_test(terms: Terms, test: LineTest, negated: bool) -> None:
    terms.tests.append((lambda data, ms: not test(data, ms)) if negated else test)


def _add_pattern(terms: Terms, text: str, negated: bool) -> None:
    if not text:
        return
    pattern = Pattern(text)
    _add_test(terms, lambda data, ms: pattern.is_in(data), negated)
    if not negated and (shown := _compile(text)):
        terms.highlights.append(shown)


def _compile(text: str) -> re.Pattern[str] | None:
    """Compile a pattern for highlighting only; what Python does not know stays unmarked.

    Why Python's: it searches one visible line. A pattern that could backtrack for long is not compiled.
    """
    if re.search(r"[+*}]\)?[+*{]|\)[+*{]", text):
        return None
    try:
        return re.compile(text)
    except re.error:
        return None


def _literal_test(text: str) -> LineTest:
    pattern = re.compile(re.escape(text.encode()), _case(text))
    return lambda data, ms: pattern.search(data) is not None


def _case(text: str) -> re.RegexFlag:
    """Lower case also matches upper case."""
    return re.IGNORECASE if text == text.lower() else re.NOFLAG


def _level_test(name: str) -> LineTest:
    try:
        wanted = LEVELS[LEVELS.index(parse_level(name)) :]
    except ValueError as error:
        raise SearchError(f"level: {error}") from None
    return lambda data, ms: level_of(strip_escapes(data)) in wanted


def _duration_ms(token: str) -> int | None:
    if not re.fullmatch(r"-\d[\w.]*", token):
        return None
    try:
        return round(parse_duration(token[1:]) * 1000)
    except ValueError:
        return None


def _either(first: LineTest, second: LineTest) -> LineTest:
    return lambda data, ms: first(data, ms) or second(data, ms)


def field_test(name: str, value: str) -> LineTest:
    """Test a field of a JSON or logfmt line; the value may contain `*`, and the name may be a dotted path."""
    quoted = name.rpartition(".")[2].encode()
    value = value.strip('"')

    def passes(data: bytes, ms: int) -> bool:
        if quoted not in data:
            return False
        fields = parse_fields(strip_escapes(data))
        return fields is not None and has_field(fields, name, value)

    return passes


def has_field(fields: Mapping[str, object], name: str, value: str) -> bool:
    found = find_field(fields, name)
    return found is not None and fnmatchcase(field_text(found), value)


def parse_field_tests(text: str) -> list[LineTest]:
    """Parse `key=value` pairs, one per line. Raises ValueError."""
    tests = []
    for pair in text.splitlines():
        named = _FIELD.fullmatch(pair)
        if named is None:
            raise ValueError(f"expected key=value, got {pair[:40]!r}")
        tests.append(field_test(named[1], named[2]))
    return tests

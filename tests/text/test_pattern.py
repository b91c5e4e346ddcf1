import random
import re
import time

import pytest

from pmtui.text.automaton import PatternError, PatternTimeout
from pmtui.text.pattern import Pattern
from tests.eventually import DEADLINE

PATTERNS = [
    "(a+)+$",
    "(a|aa)+$",
    "(.*)*x",
    "a.*b.*c",
    "(?i)FOO|bar",
    r"\bfoo\b",
    r"^\d{2}-\d",
    "a{2,3}?b",
    "[^a-c]x",
    "(?i:A)b",
    "(x?){9}x{9}",
    "",
    "$",
    "^$",
    r"\w+\s\S",
    "(foo|ba)+r",
    r"a\b|\Bb",
    r"(?P<word>fo+)\Z",
    r"\A(?:a|b)*?c",
]


@pytest.mark.parametrize("text", PATTERNS)
def test_both_engines_find_what_re_finds(text: str) -> None:
    pattern, meant, chance = Pattern(text), re.compile(text), random.Random(1)
    for _ in range(1000):
        line = "".join(chance.choice("abcfor x1A-.") for _ in range(chance.randrange(14)))
        expected = meant.search(line) is not None
        assert pattern.is_in(line) is expected, line
        assert pattern._automaton.search(line, time.monotonic() + 10) is expected, line


@pytest.mark.parametrize(
    "bomb", ["(a+)+$", "^(a|a)*$", "(a|aa)+$", "(.*)*x", ".*.*.*.*x", "(a*)*b", "^([a-z]+)*$", "a*a*a*a*b"]
)
def test_a_bomb_does_not_explode(bomb: str) -> None:
    pattern = Pattern(bomb)
    started = time.process_time()
    for length in (30, 1000, 60_000):
        assert not pattern.is_in("a" * length + "!")
    assert time.process_time() - started < 5


@pytest.mark.parametrize("text", ["((a{0,9}){0,9}){0,9}b", "(a|b)*a(a|b){99}c", "(a+)+$"])
def test_what_goes_on_as_before_takes_no_new_states(text: str) -> None:
    pattern = Pattern(text)
    assert not pattern.is_in("a" * 60_000 + "!")
    assert len(pattern._automaton._states) < 200


def test_a_search_ends_at_its_deadline() -> None:
    chance = random.Random(1)
    line = "".join(chance.choice("ab") for _ in range(60_000))
    started = time.monotonic()
    with pytest.raises(PatternTimeout):
        Pattern("(a|b)*a(a|b){900}c").is_in(line, started + 0.2)
    assert time.monotonic() - started < DEADLINE


@pytest.mark.parametrize(
    "text",
    [
        "(",
        "[z-a]",
        "a**",
        "\\",
        "x{99999999999}",
        "(?P<a>x)(?P<a>y)",
        "a" * 1001,
        "(" * 500 + ")" * 500,
        "(a{1000}){1000}",
    ],
)
def test_an_invalid_pattern_is_refused(text: str) -> None:
    with pytest.raises(PatternError):
        Pattern(text)


@pytest.mark.parametrize("text", [r"(a)\1", "(?=a)b", "(?!a)b", "(?<=a)b", "(?>a)b", "a++"])
def test_what_is_not_regular_is_refused(text: str) -> None:
    with pytest.raises(PatternError, match="which is not supported: write the text itself"):
        Pattern(text)

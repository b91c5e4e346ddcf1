import random
import re
import subprocess
import sys
import time

import pytest

from pmtui.text.regex import Pattern, PatternError

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
    r"(?P<word>fo+)$",
    r"\A(?:a|b)*?c",
]


@pytest.mark.parametrize("text", PATTERNS)
def test_it_finds_what_re_finds(text: str) -> None:
    pattern, meant, chance = Pattern(text), re.compile(text), random.Random(1)
    for _ in range(1000):
        line = "".join(chance.choice("abcfor x1A-.") for _ in range(chance.randrange(14)))
        assert pattern.is_in(line.encode()) is (meant.search(line) is not None), line


@pytest.mark.parametrize(
    "bomb", ["(a+)+$", "^(a|a)*$", "(a|aa)+$", "(.*)*x", ".*.*.*.*x", "(a*)*b", "^([a-z]+)*$", "a*a*a*a*b"]
)
def test_a_bomb_does_not_explode(bomb: str) -> None:
    pattern = Pattern(bomb)
    started = time.process_time()
    for length in (30, 1000, 60_000):
        assert not pattern.is_in(b"a" * length + b"!")
    assert time.process_time() - started < 5


@pytest.mark.parametrize("text", ["((a{0,9}){0,9}){0,9}c", "(a|b)*a(a|b){99}c", "(a|b)*a(a|b){900}c"])
def test_a_pattern_with_many_states_is_bounded(text: str) -> None:
    chance = random.Random(1)
    line = bytes(chance.choice(b"ab") for _ in range(60_000))
    started = time.process_time()
    assert not Pattern(text).is_in(line)
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    ("text", "line", "expected"),
    [
        ("^ready", b"\x1b[32mready\x1b[0m", True),
        ("32", b"\x1b[32mready\x1b[0m", False),
        ("^100%$", b"50%\r100%", True),
        ("^Gr..e$", "Größe".encode(), True),
        ("(?i)GRÖSSE", "größe grösse".encode(), True),
        (r"\p{Greek}", "η".encode(), True),
        (r"\w", "η".encode(), False),
        ("^.$", b"\xff", True),
        ("a\tb", b"a\tb", True),
    ],
)
def test_a_line_is_searched_as_it_is_shown(text: str, line: bytes, expected: bool) -> None:
    assert Pattern(text).is_in(line) is expected


@pytest.mark.parametrize(
    "text",
    [
        "(",
        "[z-a]",
        "a**",
        "\\",
        "x{1001}",
        "(?P<a>x)(?P<a>y",
        "a" * 1001,
        "(a{1000}){1000}",
        "(a|b){999}" * 9,
    ],
)
def test_an_invalid_pattern_is_refused(text: str) -> None:
    with pytest.raises(PatternError):
        Pattern(text)


@pytest.mark.parametrize(
    "text", [r"(a)\1", "(?P<n>a)(?P=n)", "(?=a)b", "(?!a)b", "(?<=a)b", "(?<!a)b", "(?>a)b", "a++", "(a)?(?(1)b)"]
)
def test_an_unsupported_feature_is_refused(text: str) -> None:
    with pytest.raises(PatternError, match="which is not supported: write the text itself"):
        Pattern(text)


def test_the_engine_is_loaded_with_the_first_pattern() -> None:
    code = "import sys, pmtui.manager, pmtui.api.app; sys.exit('re2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

import pytest

from pmtui.logs.search.levels import NOTABLE_LEVELS, level_of, may_name_problem


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ('{"time":"x","level":"error","msg":"no"}', "error"),
        ('{"level": 50, "msg": "pino"}', "error"),
        ('{"severity":"WARNING","message":"INFO is not meant"}', "warn"),
        ("time=12:00 level=warn msg=x", "warn"),
        ('lvl="crit" msg=x', "fatal"),
        ("2026-11-20 17:00:00 INFO started", "info"),
        ("2026-11-20 17:00:00,123 - app - WARNING - slow", "warn"),
        ("INFO:     127.0.0.1 - GET /", "info"),
        ("[error] no such file", "error"),
        ("Error: cannot find module", "error"),
        ("ValueError: invalid literal", "error"),
        ("error: expected ;", "error"),
        ("DEBUG x", "debug"),
        ("thread 'main' panic: at src", "fatal"),
        ("[17:00:00 ERR] Serilog", "error"),
        ("12:00AM INF zerolog", "info"),
        ('{"levelno": 40, "message": "python"}', "error"),
        ('{"@l":"Warning","@m":"Serilog"}', "warn"),
        ("Traceback (most recent call last):", "error"),
        ("thread 'main' panicked at src/main.rs:2:5:", "error"),
        ("panic: runtime error", "fatal"),
        ("an information about errors", None),
        ("GET /error.html 200", None),
        ("", None),
    ],
)
def test_the_usual_ways_to_name_a_level_are_recognized(line: str, level: str | None) -> None:
    assert level_of(line) == level
    if level in NOTABLE_LEVELS:
        assert may_name_problem(line.encode() + b"\n")


def test_most_lines_are_passed_over_without_finding_their_level() -> None:
    assert not may_name_problem(b"INFO all is well\n12:00 GET / 200 in 30 ms\nlevel=info\n")
    assert may_name_problem(b"INFO all is well\nE\x1b[0mRROR\n")

import os
from pathlib import Path

import pytest

from pmtui.config.envfile import read_env_file
from pmtui.config.model import ConfigError


def read(folder: Path, text: str) -> dict[str, str]:
    (folder / ".env").write_bytes(text.encode())
    return read_env_file(str(folder / ".env"))


@pytest.mark.parametrize(
    ("line", "values"),
    [
        ("FOO=a b", {"FOO": "a b"}),
        ("FOO=bar # c", {"FOO": "bar"}),
        ("FOO=bar#c", {"FOO": "bar#c"}),
        ("FOO=", {"FOO": ""}),
        ("FOO= # c", {"FOO": ""}),
        ("export FOO=x", {"FOO": "x"}),
        ("FOO: x", {"FOO": "x"}),
        ('FOO="a\\nb"', {"FOO": "a\nb"}),
        ("FOO='a\\nb'", {"FOO": "a\\nb"}),
        ("FOO=$BAR", {"FOO": "$BAR"}),
        ("FOO='${BAR}'", {"FOO": "$${BAR}"}),
        ('FOO="\\${BAR}"', {"FOO": "$${BAR}"}),
        ("FOO=it's", {"FOO": "it's"}),
        ("1A=2", {"1A": "2"}),
        ("A-B=1", {"A-B": "1"}),
        ('FOO="a" # c', {"FOO": "a"}),
        ('FOO="say \\"hi\\""', {"FOO": 'say "hi"'}),
        ("FOO=1\nFOO=2", {"FOO": "2"}),
        ("# c\n\n  FOO = x \n", {"FOO": "x"}),
        ("\ufeffA=1\r\nB='2'\r\n", {"A": "1", "B": "2"}),
    ],
)
def test_a_line_is_read_as_godotenv_does(tmp_path: Path, line: str, values: dict[str, str]) -> None:
    assert read(tmp_path, line) == values


def test_a_quoted_value_may_go_over_lines(tmp_path: Path) -> None:
    assert read(tmp_path, 'KEY="-----BEGIN\nabc\n-----END" # a key\nB=1') == {
        "KEY": "-----BEGIN\nabc\n-----END",
        "B": "1",
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("A=1\nnonsense\n", "line 2: expected NAME=value"),
        ("A=1\n\nB='x", "line 3: the quotation mark before the value of B has no second one"),
        ("A='x' y", "line 1: unexpected text after the quoted value of A"),
        ("=x", "line 1: expected NAME=value"),
        ("A=1\nB=\0", "line 2: B holds a NUL"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text)
    assert str(caught.value).startswith(f"{tmp_path}/.env, {message}")


def test_a_file_that_is_not_utf_8_is_named_with_the_line(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"A=1\nB=\xff\n")
    with pytest.raises(ConfigError, match="line 2: not UTF-8"):
        read_env_file(str(tmp_path / ".env"))


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not exist"):
        read_env_file(str(tmp_path / "none"))


def test_a_fifo_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ConfigError, match="is a FIFO, not a file"):
        read_env_file(str(tmp_path / "pipe"))


def test_a_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is a folder, not a file"):
        read_env_file(str(tmp_path))

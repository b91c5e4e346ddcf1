import json
import os
import shutil
import subprocess
from pathlib import Path

import dotenv
import pytest

from pmtui.config.envfile import env_file_values, read_env_file
from pmtui.config.model import ConfigError
from tests.env_spellings import MISSING, SPELLINGS, Spelling

NODE_PROGRAM = "console.log(JSON.stringify(require('util').parseEnv(require('fs').readFileSync('.env', 'utf8'))))"
GODOTENV: list[tuple[str, dict[str, str]]] = json.loads((Path(__file__).parent / "godotenv.json").read_text())
"""Files made at random, and the values that godotenv 1.5.1 gives them."""
each_spelling = pytest.mark.parametrize("spelling", SPELLINGS, ids=lambda spelling: repr(spelling.text))


def read(folder: Path, text: str, **names: str) -> dict[str, str]:
    (folder / ".env").write_bytes(text.encode())
    return env_file_values(str(folder / ".env"), names)


def value_of(values: dict[str, str]) -> str:
    return values.get("A-B", values.get("A", MISSING))


@each_spelling
def test_each_spelling_in_the_documentation_has_the_value_that_it_says(tmp_path: Path, spelling: Spelling) -> None:
    assert value_of(read(tmp_path, spelling.text)) == spelling.pmtui


@each_spelling
def test_python_dotenv_gives_it_the_value_that_the_documentation_says(tmp_path: Path, spelling: Spelling) -> None:
    (tmp_path / ".env").write_text(spelling.text)
    values = dotenv.dotenv_values(tmp_path / ".env")
    assert value_of({name: value for name, value in values.items() if value is not None}) == spelling.python_dotenv


@pytest.fixture(scope="module")
def node() -> str:
    found = shutil.which("node")
    if not found or not subprocess.check_output([found, "--version"]).startswith(b"v20."):
        pytest.skip("node 20 is not installed")
    return found


@each_spelling
def test_node_gives_it_the_value_that_the_documentation_says(tmp_path: Path, spelling: Spelling, node: str) -> None:
    (tmp_path / ".env").write_text(spelling.text)
    values = json.loads(subprocess.check_output([node, "-e", NODE_PROGRAM], cwd=tmp_path))
    assert value_of(values) == spelling.node


def test_what_godotenv_accepts_has_the_same_values(tmp_path: Path) -> None:
    assert [(text, read(tmp_path, text)) for text, _ in GODOTENV] == [(text, values) for text, values in GODOTENV]


@pytest.mark.parametrize(
    ("line", "values"),
    [
        ("# c\n\n  FOO = x \n", {"FOO": "x"}),
        ("\ufeffA=1\r\nB='2'\r\n", {"A": "1", "B": "2"}),
        ("A='x' # c\nB=1", {"A": "x", "B": "1"}),
        ("A='x' B=1", {"A": "x", "B": "1"}),
        ("exported=1", {"exported": "1"}),
        ('KEY="-----BEGIN\nabc\n-----END" # a key\nB=1', {"KEY": "-----BEGIN\nabc\n-----END", "B": "1"}),
        ("A=$GIVEN ${GIVEN} '$GIVEN'", {"A": "given given 'given'"}),
        ("GIVEN=own\nA=$GIVEN", {"GIVEN": "own", "A": "own"}),
        ("A=${GIVEN:-x} ${NO:-a b} ${lower:-y}", {"A": "given a b y"}),
        ("A=\\${NO:-x} '${NO:-x}'", {"A": "${NO:-x} 'x'"}),
    ],
)
def test_a_file_has_these_values(tmp_path: Path, line: str, values: dict[str, str]) -> None:
    assert read(tmp_path, line, GIVEN="given") == values


def test_a_name_that_is_not_known_is_empty_and_reported(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=<$NO${ME}>\nB='$NO'")
    first, second = read_env_file(str(tmp_path / ".env"))
    assert (first.expand({}), second.expand({})) == (("<>", ["NO", "ME"]), ("$NO", []))


def test_a_required_name_that_is_not_set_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="NO is not set: see README"):
        read(tmp_path, "A=${NO:?see README}")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("A=1\nnonsense\n", "line 2: expected NAME=value"),
        ("A=1\nnonsense", "line 2: expected NAME=value"),
        ("A=1\n\nB='x", "line 3: the quotation mark before the value of B has no second one"),
        ("A='x' y", "line 1: unexpected text after the quoted value of A"),
        ("=x", "line 1: expected NAME=value"),
        ("export =x", "line 1: expected NAME=value"),
        ("FOO BAR=x", "line 1: expected NAME=value"),
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

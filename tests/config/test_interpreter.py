import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pmtui.config.interpreter import Command, resolve
from pmtui.config.model import ConfigError, ProcessConfig


@pytest.fixture
def bin_(tmp_path: Path) -> Path:
    """A folder on PATH with interpreters of no content."""
    for name in ("python3", "node", "sh", "bash", "deno", "tool"):
        executable(tmp_path / "bin" / name)
    return tmp_path / "bin"


def executable(path: Path, text: str = "#!/bin/sh\n") -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return str(path)


def written(path: Path, text: str = "") -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return str(path)


def resolved(folder: Path, path: str | None = None, **fields: Any) -> Command:
    fields = {"id": "a", "folder": str(folder), "cwd": str(folder)} | fields
    return resolve(ProcessConfig(**fields), {"PATH": str(folder / "bin") if path is None else path})


def refused(folder: Path, **fields: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        resolved(folder, **fields)
    return str(caught.value)


@pytest.mark.parametrize("name", [".venv", "venv"])
def test_a_python_script_is_run_by_the_virtual_environment_of_cwd(tmp_path: Path, name: str) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / name], check=True)
    script = written(tmp_path / "agent.py")
    python = str(tmp_path / name / "bin" / "python")
    command = resolved(tmp_path, script="agent.py", args=["a b"], interpreter_args=["-u"])
    assert command == Command([python, "-u", script, "a b"], python, f"{python}: {name} in cwd")
    prefix = subprocess.run([python, "-c", "import sys; print(sys.prefix)"], check=True, capture_output=True, text=True)
    assert prefix.stdout.strip() == str(tmp_path / name)


def test_the_virtual_environment_beside_the_script_comes_second(tmp_path: Path) -> None:
    written(tmp_path / "agents" / "agent.py")
    beside = executable(tmp_path / "agents" / "venv" / "bin" / "python")
    assert resolved(tmp_path, script="agents/agent.py").interpreter == beside
    own = executable(tmp_path / "venv" / "bin" / "python")
    assert resolved(tmp_path, script="agents/agent.py").interpreter == own


@pytest.mark.parametrize(
    ("script", "name"), [("a.py", "python3"), ("a.js", "node"), ("a.mjs", "node"), ("a.cjs", "node"), ("a.ts", "node")]
)
def test_else_the_interpreter_is_on_path(tmp_path: Path, bin_: Path, script: str, name: str) -> None:
    path = written(tmp_path / script)
    command = resolved(tmp_path, script=script)
    assert command == Command([str(bin_ / name), path], str(bin_ / name), f"{name} on PATH ({bin_ / name})")


@pytest.mark.parametrize("script", ["a.ts", "a.mts"])
def test_typescript_is_run_by_what_the_project_installed(tmp_path: Path, bin_: Path, script: str) -> None:
    written(tmp_path / script)
    ts_node = executable(tmp_path / "node_modules" / ".bin" / "ts-node")
    assert resolved(tmp_path, script=script).interpreter == ts_node
    tsx = executable(tmp_path / "node_modules" / ".bin" / "tsx")
    assert resolved(tmp_path, script=script).interpreter == tsx


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", ["sh"]),
        ("#!/bin/sh", ["sh"]),
        ("#!/bin/bash -e", ["bash", "-e"]),
        ("#!/usr/bin/env bash", ["bash"]),
        ("#!/usr/bin/env -S bash -eu", ["bash", "-eu"]),
        ("#! /bin/bash\r", ["bash"]),
    ],
)
def test_a_shell_script_is_run_by_the_shell_of_its_first_line(
    tmp_path: Path, bin_: Path, line: str, words: list[str]
) -> None:
    script = written(tmp_path / "a.sh", f"{line}\necho\n")
    assert resolved(tmp_path, script="a.sh").argv == [str(bin_ / words[0]), *words[1:], script]


def test_another_script_is_executed_itself(tmp_path: Path) -> None:
    script = executable(tmp_path / "run")
    assert resolved(tmp_path, script="./run", args=["x"]) == Command([script, "x"], None, f"{script} itself")


def test_a_script_is_looked_up_in_cwd_and_then_beside_the_config(tmp_path: Path, bin_: Path) -> None:
    cwd = str(tmp_path / "cwd")
    (tmp_path / "cwd").mkdir()
    second = written(tmp_path / "a.py")
    assert resolved(tmp_path, script="a.py", cwd=cwd, path=str(bin_)).argv[-1] == second
    first = written(tmp_path / "cwd" / "a.py")
    assert resolved(tmp_path, script="a.py", cwd=cwd, path=str(bin_)).argv[-1] == first


def test_an_interpreter_named_is_looked_up_on_the_path_of_the_process(tmp_path: Path, bin_: Path) -> None:
    written(tmp_path / "a.py")
    command = resolved(tmp_path, script="a.py", interpreter="deno", interpreter_args=["run"])
    assert command.argv[:2] == [str(bin_ / "deno"), "run"]


def test_an_interpreter_with_a_path_is_relative_to_cwd(tmp_path: Path) -> None:
    written(tmp_path / "a.py")
    own = executable(tmp_path / "tools" / "py")
    assert resolved(tmp_path, script="a.py", interpreter="tools/py").interpreter == own


@pytest.mark.parametrize(
    ("fields", "argv"),
    [
        ({"command": "tool -l 'a b'"}, ["-l", "a b"]),
        ({"command": "tool", "args": ["a b", ""]}, ["a b", ""]),
        ({"command": "./bin/tool\t1  2"}, ["1", "2"]),
        ({"command": "tool a\\ b\u00a0c"}, ["a b\u00a0c"]),
    ],
)
def test_a_command_is_split_as_a_shell_does_and_args_are_not(
    tmp_path: Path, bin_: Path, fields: dict[str, Any], argv: list[str]
) -> None:
    assert resolved(tmp_path, **fields) == Command([str(bin_ / "tool"), *argv], None, str(bin_ / "tool"))


def test_a_command_with_args_may_have_blanks_in_its_name(tmp_path: Path) -> None:
    tool = executable(tmp_path / "my tool")
    assert resolved(tmp_path, command="./my tool", args=["x"]).argv == [tool, "x"]


def test_a_shell_command_is_left_to_the_shell(tmp_path: Path) -> None:
    assert resolved(tmp_path, command="a && b", shell=True).argv == ["/bin/sh", "-c", "a && b"]


def test_all_places_are_named_where_no_interpreter_is(tmp_path: Path) -> None:
    written(tmp_path / "agent.py")
    assert refused(tmp_path, script="agent.py") == (
        f"no interpreter for agent.py of a: looked for {tmp_path}/.venv/bin/python, {tmp_path}/venv/bin/python"
        f" and python3 on PATH; PATH is {tmp_path}/bin"
    )


def test_a_virtual_environment_whose_python_is_gone_is_named(tmp_path: Path, bin_: Path) -> None:
    written(tmp_path / "agent.py")
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").symlink_to("/gone/python3.9")
    message = refused(tmp_path, script="agent.py")
    assert f"{tmp_path}/.venv/bin/python points to /gone/python3.9, which does not exist" in message


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"script": "none.py"}, r"script none.py does not exist: looked for .*/none.py \(script of a\)"),
        ({"script": "bin"}, "script .*/bin is not a file"),
        ({"script": "pipe"}, "script .*/pipe is not a file"),
        (
            {"script": "plain"},
            r"script .*/plain is not executable: make it executable \(chmod \+x\) or set interpreter",
        ),
        (
            {"script": "crlf"},
            r"the first line of .*/crlf names '/bin/sh\\r', which does not exist, because the line ends",
        ),
        ({"script": "plain", "interpreter": "nope"}, "interpreter nope is not on the PATH of a: PATH is "),
        ({"script": "plain", "interpreter": "./nope"}, r"/nope does not exist \(interpreter of a\)"),
        ({"script": "plain", "interpreter": "./plain"}, r"/plain is not an executable file \(interpreter of a\)"),
        ({"command": "nope"}, "command nope is not on the PATH of a: PATH is "),
        ({"command": "A=1 nope"}, "set variables in env, or shell to true"),
        ({"command": "./nope"}, "command ./nope does not exist: looked for "),
        ({"command": "./plain"}, r"/plain is not an executable file \(command of a\)"),
        ({"command": "a 'b"}, "command cannot be split into words: no closing quotation"),
        ({"command": " "}, "command is empty"),
        ({"command": "x", "cwd": "/gone/x"}, "cwd /gone/x does not exist"),
    ],
)
def test_what_is_not_there_is_named(tmp_path: Path, bin_: Path, fields: dict[str, Any], message: str) -> None:
    written(tmp_path / "plain")
    executable(tmp_path / "crlf", "#!/bin/sh\r\n")
    os.mkfifo(tmp_path / "pipe")
    assert re.search(message, refused(tmp_path, **fields))


def test_a_cwd_that_is_a_file_is_named(tmp_path: Path) -> None:
    assert "is not a folder" in refused(tmp_path, command="x", cwd=written(tmp_path / "file"))

import json
import os
import re
from pathlib import Path

from pmtui.config.check import check, report
from pmtui.config.load import load_config


def checked(folder: Path, *processes: dict[str, object]) -> str:
    (folder / "pb.json").write_text(json.dumps(processes))
    loaded = check(load_config(folder / "pb.json"), {"PATH": os.environ["PATH"]})
    return report(loaded).replace(str(folder), "")


def test_a_good_config_is_told_in_one_line(tmp_path: Path) -> None:
    assert checked(tmp_path, {"id": "a", "command": "sh"}) == "pb.json: 1 process, no errors, no warnings"


def test_every_problem_has_its_line(tmp_path: Path) -> None:
    (tmp_path / "a.py").touch()
    text = checked(
        tmp_path,
        {"id": "a", "command": "sh", "autostrat": 1},
        {"id": "b", "command": "sh | cat"},
        {"id": "c", "command": "sh", "cwd": "gone"},
        {"id": "d", "command": "sh", "env": {"A": "${NOPE}"}},
        {"id": "e", "script": "none.py", "env": {"A": "${NOPE:?set it}"}},
        {"id": "f", "command": "sh", "envFile": "none", "instances": 3},
        {"id": "g", "script": "a.py", "interpreter": "no-such-python"},
    )
    assert re.sub(r"PATH is \S+( and \d+ more)?$", "PATH is PATH", text, flags=re.MULTILINE).split("\n") == [
        "pb.json:1:31: error: processes[0].autostrat: unknown field, did you mean autostart?",
        "pb.json:1:60: warning: processes[1].command: | is passed to the program, because there is no shell; "
        "set shell to true to use one",
        "pb.json:1:113: error: processes[2].cwd: cwd /gone does not exist (cwd of c)",
        "pb.json:1:129: warning: processes[3]: A in env of d: ${NOPE} is not set, so it is empty",
        "pb.json:1:184: error: processes[4]: A in env of e: NOPE is not set: set it",
        "pb.json:1:196: error: processes[4].script: script none.py does not exist: looked for /none.py (script of e)",
        "pb.json:1:251: error: processes[5]: /none does not exist",
        "pb.json:1:346: error: processes[6].interpreter: interpreter no-such-python is not on the PATH of g: "
        "PATH is PATH",
        "pb.json: 8 processes, 1 left out, 6 errors, 2 warnings",
    ]


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    loaded = check(load_config(tmp_path), {})
    name = tmp_path.name
    assert report(loaded).split("\n") == [
        f"{name}: error: {tmp_path} is a folder, not a file",
        f"{name}: no processes, 1 error, no warnings",
    ]
    assert loaded.errors


def test_a_command_that_install_may_provide_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").touch()
    entry: dict[str, object] = {"id": "a", "command": "no-such-server", "install": "auto"}
    assert "warning: processes[0].command: command no-such-server is not on the PATH of a" in checked(tmp_path, entry)
    assert "install may provide it before the first start" in checked(tmp_path, entry)
    (tmp_path / "requirements.txt").unlink()
    assert "error: processes[0].command: command no-such-server is not on the PATH" in checked(tmp_path, entry)

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from pmtui.config.load import Loaded, expand_instances, find_config, load_config
from pmtui.config.model import Health, HistorySettings, Limits, LogSettings, PocketBase, ProcessConfig, Settings


def load(folder: Path, text: str | bytes, name: str = "pb_processes.json") -> Loaded:
    (folder / name).write_bytes(text.encode() if isinstance(text, str) else text)
    return load_config(folder / name)


def load_json(folder: Path, values: object) -> Loaded:
    return load(folder, json.dumps(values))


def problems_of(beside: Path, **fields: object) -> list[str]:
    """What is wrong with one process of these fields."""
    loaded = load_json(beside, [{"id": "a", "command": "x"} | fields])
    assert bool(loaded.errors) == (not loaded.processes)
    return [str(problem) for problem in loaded.problems]


def read(folder: Path, **fields: object) -> ProcessConfig:
    loaded = load_json(folder, [{"id": "a", "command": "x"} | fields])
    assert loaded.problems == ()
    return loaded.processes[0]


# finding and reading the file


@pytest.mark.parametrize("name", ["pmtui.toml", "pb_processes.json", "pb_data/pb_processes.json"])
def test_a_config_is_found_by_its_name(tmp_path: Path, name: str) -> None:
    (tmp_path / "pb_data").mkdir()
    (tmp_path / name).touch()
    assert find_config(tmp_path) == tmp_path / name


def test_the_first_of_several_configs_is_taken(tmp_path: Path) -> None:
    (tmp_path / "pb_processes.json").touch()
    (tmp_path / "pmtui.toml").touch()
    assert find_config(tmp_path) == tmp_path / "pmtui.toml"


def test_a_folder_may_have_no_config(tmp_path: Path) -> None:
    assert find_config(tmp_path) is None


def test_a_missing_file_is_a_problem(tmp_path: Path) -> None:
    loaded = load_config(tmp_path / "none.json")
    assert [str(problem) for problem in loaded.problems] == [f"{tmp_path}/none.json does not exist"]
    assert loaded.settings == Settings(data_dir=str(tmp_path / ".pmtui"))


def test_a_dangling_link_names_its_target(tmp_path: Path) -> None:
    (tmp_path / "pmtui.toml").symlink_to("/gone/pmtui.toml")
    assert "points to /gone/pmtui.toml, which does not exist" in str(load_config(tmp_path / "pmtui.toml").problems[0])


def test_a_folder_is_a_problem(tmp_path: Path) -> None:
    assert [str(problem) for problem in load_config(tmp_path).problems] == [f"{tmp_path} is a folder, not a file"]


def test_a_fifo_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    assert "is a FIFO, not a file" in str(load_config(tmp_path / "pipe.json").problems[0])


def test_a_device_without_end_is_not_read() -> None:
    assert "is a device, not a file" in str(load_config(Path("/dev/zero")).problems[0])


def test_a_path_that_is_none_is_a_problem() -> None:
    assert "is not a file name" in str(load_config(Path("a\0b")).problems[0])


def test_a_huge_file_is_refused_at_once(tmp_path: Path) -> None:
    with (tmp_path / "big.json").open("wb") as file:
        file.truncate(50 << 20)
    start = time.process_time()
    assert "is larger than 1024 KiB" in str(load_config(tmp_path / "big.json").problems[0])
    assert time.process_time() - start < 1


@pytest.mark.parametrize("name", ["a.json", "a.toml"])
@pytest.mark.parametrize("text", ["", " \n", "\ufeff"])
def test_an_empty_file_is_a_problem(tmp_path: Path, name: str, text: str) -> None:
    assert "is empty" in str(load(tmp_path, text, name).problems[0])


@pytest.mark.parametrize("name", ["a.json", "a.toml"])
def test_a_text_that_is_not_utf_8_is_told_with_its_place(tmp_path: Path, name: str) -> None:
    problem = load(tmp_path, b"[]\n  \xff", name).problems[0]
    assert (problem.line, problem.column, problem.message) == (2, 3, "expected UTF-8 text")


def test_a_byte_order_mark_is_tolerated(tmp_path: Path) -> None:
    assert load(tmp_path, '\ufeff[{"id": "a", "command": "x"}]').problems == ()
    assert load(tmp_path, '\ufeff[process.a]\r\ncommand = "x"\r\n', "a.toml").problems == ()


@pytest.mark.parametrize("name", ["a.json", "a.toml"])
def test_a_text_nested_without_end_is_a_problem(tmp_path: Path, name: str) -> None:
    assert str(load(tmp_path, "x = " * name.endswith("l") + "[" * 100_000, name).problems[0]) == "is nested too deeply"


@pytest.mark.parametrize(
    ("text", "column"),
    [("a." * 50_000 + "b = 1", 1), ("[" + '"x y".' * 50_000 + "b]", 2), ("a = {" + "a . " * 50_000 + "b = 1}", 6)],
    ids=["key", "table", "inline"],
)
def test_a_key_without_end_is_a_problem(tmp_path: Path, text: str, column: int) -> None:
    (problem,) = load(tmp_path, f"# {'a.' * 9}\n{text}", "a.toml").problems
    assert str(problem) == f"line 2, column {column}: expected a key of fewer than 100 parts"


@pytest.mark.parametrize(
    ("name", "text", "line", "column", "message"),
    [
        ("a.json", '[\n {"id": "a"\n  "command": 1}]', 3, 3, "expected ',' delimiter, found '\"'"),
        ("a.json", '{"API_KEY": hunter22}', 1, 13, "expected value, found 'h'"),
        ("a.json", "[1] x", 1, 5, "extra data, found 'x'"),
        ("a.json", '{"settings": ', 1, 14, "expected value, found the end of the file"),
        ("a.json", "// mine\n[]", 1, 1, "expected value, found '/'; JSON has no comments"),
        ("a.toml", 'a = 1\nb "x"', 2, 3, "expected '=' after a key in a key/value pair"),
        ("a.toml", "[process.a\n", 1, 11, "expected ']' at the end of a table declaration"),
        ("a.toml", "[process.a]\nx = '", 2, 6, None),
        ("a.toml", "a = 1\na = 2", 2, 6, "cannot overwrite a value (at the end of the file)"),
    ],
)
def test_an_error_of_syntax_is_told_with_its_place(
    tmp_path: Path, name: str, text: str, line: int, column: int, message: str | None
) -> None:
    (problem,) = load(tmp_path, text, name).problems
    assert (problem.line, problem.column) == (line, column)
    assert problem.message == (message or problem.message)
    assert str(problem).startswith(f"line {line}, column {column}: ")


def test_a_number_with_too_many_digits_is_a_problem(tmp_path: Path) -> None:
    assert str(load(tmp_path, "[" + "1" * 5000 + "]").problems[0]) == "a number has too many digits"


# the whole


def test_a_list_of_processes_is_a_config(tmp_path: Path) -> None:
    loaded = load_json(tmp_path, [{"id": "b", "script": "b.py"}, {"id": "a", "command": "x"}])
    assert loaded == Loaded(
        path=tmp_path / "pb_processes.json",
        settings=Settings(data_dir=str(tmp_path / ".pmtui")),
        processes=(
            ProcessConfig(id="b", script="b.py", restart="always", cwd=str(tmp_path), folder=str(tmp_path)),
            ProcessConfig(id="a", command="x", restart="always", cwd=str(tmp_path), folder=str(tmp_path)),
        ),
        entry_paths={"b": "processes[0]", "a": "processes[1]"},
        files=(str(tmp_path / "pb_processes.json"),),
    )


EVERYTHING: dict[str, Any] = {
    "script": "a.py",
    "args": ["--x", ""],
    "cwd": "sub/../agents",
    "env": {"A": "1", "B": 2, "C": True},
    "envFile": ".env",
    "interpreter": "python3.11",
    "interpreterArgs": ["-u"],
    "autostart": False,
    "restart": "on-failure",
    "successExitCodes": [0, 143],
    "maxRetries": -1,
    "backoff": "500ms",
    "maxBackoff": "1m30s",
    "healthyAfter": 5,
    "stopSignal": "int",
    "stopTimeout": 2.5,
    "health": {"http": "http://127.0.0.1:1/h", "interval": "10s", "failureThreshold": 2},
    "devMode": True,
    "watchDebounce": "1s",
    "watchPaths": "src",
    "watchIgnore": ["*.tmp"],
    "group": "agents",
    "install": ["uv", "sync"],
    "maxMemory": "512M",
    "limits": {"nofile": 4096, "core": 0, "as": "1G", "nice": 5},
    "user": "www:www",
    "umask": "027",
    "log": {"maxSize": "1MB", "keep": 0, "timestamps": False},
}


def everything(folder: Path) -> ProcessConfig:
    return ProcessConfig(
        id="a",
        script="a.py",
        args=["--x", ""],
        cwd=str(folder / "agents"),
        folder=str(folder),
        env={"A": "1", "B": "2", "C": "true"},
        env_file=[".env"],
        interpreter="python3.11",
        interpreter_args=["-u"],
        autostart=False,
        restart="on-failure",
        success_exit_codes=[0, 143],
        max_retries=-1,
        backoff=0.5,
        max_backoff=90.0,
        healthy_after=5.0,
        stop_signal="SIGINT",
        stop_timeout=2.5,
        health=Health(http="http://127.0.0.1:1/h", interval=10.0, failure_threshold=2),
        dev_mode=True,
        watch_debounce=1.0,
        watch_paths=[str(folder / "src")],
        watch_ignore=["*.tmp"],
        group="agents",
        install=["uv", "sync"],
        max_memory=512 << 20,
        limits=Limits(nofile=4096, core=0, address_space=1 << 30, nice=5),
        user="www:www",
        umask=0o27,
        log=LogSettings(max_size=1 << 20, keep=0, timestamps=False),
    )


def test_every_field_is_read_from_json(tmp_path: Path) -> None:
    loaded = load_json(tmp_path, {"$schema": "x", "processes": [EVERYTHING | {"id": "a"}]})
    assert loaded.problems == ()
    assert loaded.processes == (everything(tmp_path),)


def test_every_field_is_read_from_toml(tmp_path: Path) -> None:
    text = tomli_w.dumps({"process": {"a": EVERYTHING}})
    loaded = load(tmp_path, text, "pmtui.toml")
    assert loaded.problems == ()
    assert loaded.processes == (everything(tmp_path),)
    assert loaded.entry_paths == {"a": "process.a"}


def test_settings_are_read(tmp_path: Path) -> None:
    settings = {
        "host": "0.0.0.0",
        "port": 9700,
        "dataDir": "var",
        "env": {"A": 1},
        "hooks": {"crash": "https://example.com/x", "failed": ["notify", "{id}"]},
        "pocketbase": {"port": 8091, "dataDir": "db", "dsn": "postgres://h"},
    }
    assert load_json(tmp_path, {"settings": settings}).settings == Settings(
        host="0.0.0.0",
        port=9700,
        data_dir=str(tmp_path / "var"),
        env={"A": "1"},
        hooks={"crash": "https://example.com/x", "failed": ["notify", "{id}"]},
        pocketbase=PocketBase(port=8091, data_dir="db", dsn="postgres://h"),
    )


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("false", False),
        ("{}", HistorySettings(max_size=64 << 20, keep=30 * 86_400)),
        ('{"maxSize": "1MB", "keep": "2d"}', HistorySettings(max_size=1 << 20, keep=2 * 86_400)),
    ],
)
def test_history_is_limited_or_off(tmp_path: Path, written: str, read: object) -> None:
    path = tmp_path / "pb_processes.json"
    path.write_text(f'{{"settings": {{"history": {written}}}, "processes": []}}')
    loaded = load_config(path)
    assert not loaded.problems
    assert loaded.settings.history == read


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        ("true", "settings.history: expected false, or a table of maxSize and keep, got true or false"),
        ('{"maxSize": "900KB"}', "settings.history.maxSize: expected a whole number >= 1048576"),
        ('{"keep": 0}', "settings.history.keep: expected a number > 0"),
        ('{"kept": 1}', "settings.history.kept: unknown field, did you mean keep?"),
    ],
)
def test_a_history_that_cannot_be_is_an_error(tmp_path: Path, written: str, complaint: str) -> None:
    path = tmp_path / "pb_processes.json"
    path.write_text(f'{{"settings": {{"history": {written}}}, "processes": []}}')
    assert [f"{one.path}: {one.message}" for one in load_config(path).errors] == [complaint]


def test_a_bad_setting_leaves_the_others(tmp_path: Path) -> None:
    loaded = load_json(tmp_path, {"settings": {"port": 70000, "host": "::1", "prot": 1, "hooks": {"crsh": "x"}}})
    assert [str(problem) for problem in loaded.problems] == [
        "settings.port: expected a whole number <= 65535",
        "settings.prot: unknown field, did you mean port?",
        "settings.hooks.crsh: unknown event, did you mean crash?: known are crash, failed, unhealthy, recovered, "
        "alarm, jobFailed, jobMissed",
    ]
    assert (loaded.settings.host, loaded.settings.port) == ("::1", None)


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        (5, "expected a list of processes or a table with settings and processes, got a number"),
        ({"settings": {"host": ""}}, "settings.host: expected a host such as 127.0.0.1"),
        ({"settings": {"host": None}}, "settings.host: expected a host such as 127.0.0.1"),
        ({"processes": {}}, "processes: expected a list of processes, got a table"),
        ({"proceses": []}, "proceses: unknown field, did you mean processes?"),
        ({"settings": []}, "settings: expected a table of names and values, got a list"),
        ([5], "processes[0]: expected a table of names and values, got a number"),
        ([{"command": "x"}], "processes[0]: has no id"),
    ],
)
def test_a_wrong_shape_is_told(tmp_path: Path, values: object, problem: str) -> None:
    loaded = load_json(tmp_path, values)
    assert ([str(found) for found in loaded.problems], loaded.processes) == ([problem], ())


def test_all_errors_are_told_at_once_and_the_good_entries_are_kept(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        """{"settings": {"port": "x"}, "processes": [
  {"id": "good", "command": "x"},
  {"id": "bad", "command": "x", "maxRetires": 3,
   "backoff": "1x", "health": {"tcp": "nope", "interval": 0}}
]}""",
    )
    assert [process.id for process in loaded.processes] == ["good"]
    assert [(problem.line, problem.column, str(problem)) for problem in loaded.problems] == [
        (1, 15, "settings.port: expected a whole number, got a string"),
        (3, 33, "processes[1].maxRetires: unknown field, did you mean maxRetries?"),
        (4, 4, 'processes[1].backoff: expected a duration such as "500ms", "1m30s" or a number of seconds, got \'1x\''),
        (4, 32, "processes[1].health.tcp: expected host:port, such as 127.0.0.1:8001"),
        (4, 47, "processes[1].health.interval: expected a number > 0"),
    ]


def test_errors_in_toml_have_their_line_too(tmp_path: Path) -> None:
    loaded = load(tmp_path, '[process."a.b"]\ncommand = "x"\n\nautostrat = 1\n[process.b.health]\nid = 1', "a.toml")
    assert [(problem.line, problem.column, str(problem)) for problem in loaded.problems] == [
        (4, 1, 'process."a.b".autostrat: unknown field, did you mean autostart?'),
        (5, 1, "process.b: expected either script or command, got neither"),
        (6, 1, "process.b.health.id: unknown field"),
    ]


def test_the_id_of_a_table_is_its_name(tmp_path: Path) -> None:
    loaded = load(tmp_path, '[process.a]\ncommand = "x"\nid = "b"', "a.toml")
    assert [str(problem) for problem in loaded.problems] == [
        "process.a.id: unknown field, the name of the table is the id: [process.a]"
    ]
    assert loaded.processes == ()


# one process


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"autostrat": 1}, "autostrat: unknown field, did you mean autostart?"),
        ({"folder": "/x"}, "folder: unknown field"),
        ({"instance": 1}, "instance: unknown field, did you mean instances?"),
        ({"a\u001b": 1}, '"a\\u001b": unknown field'),
        ({"autostart": "maybe"}, "autostart: expected true or false, got a string"),
        ({"maxRetries": -2}, "maxRetries: expected a whole number >= -1"),
        ({"maxRetries": True}, "maxRetries: expected a whole number, got true or false"),
        ({"maxRetries": 10**30}, "maxRetries: the number is too large"),
        ({"instances": 0}, "instances: expected a whole number >= 1"),
        ({"restart": "allways"}, "restart: expected one of always, on-failure, never, got 'allways', did"),
        ({"successExitCodes": [0, 256]}, "successExitCodes[1]: expected a whole number <= 255"),
        ({"stopTimeout": -1}, "stopTimeout: expected a duration such as"),
        ({"stopTimeout": float("nan")}, "stopTimeout: expected a duration such as"),
        ({"stopTimeout": None}, "stopTimeout: expected a number, got null"),
        ({"maxMemory": "lots"}, "maxMemory: expected a size such as"),
        ({"stopSignal": "SIGTRM"}, "stopSignal: expected the name of a signal such as SIGTERM, got 'SIGTRM'"),
        ({"stopSignal": True}, "stopSignal: expected the name of a signal such as SIGTERM, got true or false"),
        ({"args": "a b"}, "args: expected a list of strings, got a string"),
        ({"args": ["a", 8001]}, "args[1]: expected a string, got a number: put it in quotation marks"),
        ({"args": ["a\0"]}, "args[0]: holds a NUL, which the operating system cannot take"),
        ({"args": ["\ud800"]}, "args[0]: holds half a character (a lone surrogate)"),
        ({"command": "x\0"}, "command: holds a NUL"),
        ({"command": "x 'y"}, "command: command cannot be split into words: no closing quotation"),
        ({"command": " "}, "command: command is empty"),
        ({"command": ""}, " expected either script or command, got neither"),
        ({"script": "y"}, " expected either script or command, got both"),
        ({"shell": True, "args": ["y"]}, "args: ignored with shell: write the arguments in command"),
        ({"cwd": 5}, "cwd: expected a string, got a whole number"),
        ({"env": ["A=1"]}, "env: expected a table of names and values, got a list"),
        ({"env": {"A": None}}, "env.A: expected a string, got null: put it in quotation marks"),
        ({"env": {"A": 1.5}}, "env.A: expected a string, got a number: put it in quotation marks"),
        ({"env": {"": "x"}}, 'env."": the name of a variable cannot be empty'),
        ({"env": {"A=B": "x"}}, 'env."A=B": the name of a variable cannot be empty or hold'),
        ({"env": {"A": "\0"}}, "env.A: holds a NUL"),
        ({"env": {"A\0": ""}}, 'env."A\\u0000": holds a NUL'),
        ({"envFile": [""]}, "envFile: an empty string names nothing"),
        ({"health": {}}, "health: expected exactly one of http, tcp, command, log, silence, file, notify, got none"),
        ({"health": {"tcp": "h:1", "log": "x"}}, "health: expected exactly one of http, tcp, command, log, silence"),
        ({"health": {"http": "h/x"}}, "health.http: expected a URL"),
        ({"health": {"http": "http://h:99999/"}}, "health.http: its port must be a number from 1 to 65535"),
        ({"health": {"http": "http://h:80x/"}}, "health.http: its port must be a number from 1 to 65535"),
        ({"health": {"tcp": "h:99999"}}, "health.tcp: expected host:port"),
        ({"health": {"command": []}}, "health.command: expected a program and its arguments, got none"),
        ({"health": {"log": "(a"}}, "health.log: invalid pattern: missing ): (a"),
        ({"health": {"log": "(?=a)"}}, "health.log: the pattern '(?=a)' uses look-around such as (?=...)"),
        ({"health": {"log": "(a{500}){500}"}}, "health.log: the pattern '(a{500}){500}' is too large: use smaller"),
        ({"health": {"log": "a" * 1001}}, "health.log: a pattern has at most 1000 characters"),
        ({"watchIgnore": "!"}, "watchIgnore: is not a valid .gitignore pattern: '!'"),
        ({"watchIgnore": ["*.tmp", "a[z-a]"]}, "watchIgnore[1]: is not a valid .gitignore pattern: 'a[z-a]'"),
        ({"watchIgnore": ["!", 5]}, "watchIgnore[1]: expected a string, got a number: put it in quotation marks"),
        ({"health": {"log": "x", "timeout": "0s"}}, "health.timeout: expected a number > 0"),
        ({"install": "npm ci"}, 'install: expected "auto" or a program and its arguments as a list'),
        ({"limits": {"as": "x"}}, "limits.as: expected a size such as"),
        ({"limits": {"nice": 20}}, "limits.nice: expected a whole number <= 19"),
        ({"log": {"keep": -1}}, "log.keep: expected a whole number >= 0"),
        ({"user": "a b"}, 'user: expected "name" or "name:group"'),
        ({"umask": "999"}, 'umask: expected an octal string such as "022" or a number from 0 to 511'),
        ({"group": "\u001b[2J"}, "group: expected a word"),
        ({"dependsOn": "b"}, "dependsOn: expected a list of ids or a table of ids and conditions, got a string"),
        ({"dependsOn": {"b": "helthy"}}, "dependsOn.b: expected one of started, healthy, completed, succeeded, did"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_told_with_its_path(tmp_path: Path, fields: dict[str, object], problem: str) -> None:
    expected = f"processes[0]{':' if problem.startswith(' ') else '.'}{problem}"
    assert problems_of(tmp_path, **fields)[0].startswith(expected)


@pytest.mark.parametrize(
    "id_", ["", ".", "..", "../../etc/x", "a/b", "a b", "-a", "a\0", "a\n", "\u0430", "x" * 65, 5, None]
)
def test_an_id_that_could_harm_is_refused(tmp_path: Path, id_: object) -> None:
    (problem,) = problems_of(tmp_path, id=id_)
    assert problem.startswith("processes[0].id: expected at most 64 letters, digits, '.', '_' and '-', the first")


def test_a_script_has_no_shell(tmp_path: Path) -> None:
    loaded = load_json(tmp_path, [{"id": "a", "script": "a.py", "shell": True}])
    assert str(loaded.problems[0]) == "processes[0].shell: a script has its interpreter; shell is for command"


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"command": "a && b"}, "command: && is passed to the program, because there is no shell"),
        ({"interpreter": "node"}, "interpreter: has no effect on a command; it is for script"),
    ],
)  # fmt: skip
def test_what_is_likely_an_oversight_is_a_warning(tmp_path: Path, fields: dict[str, object], problem: str) -> None:
    loaded = load_json(tmp_path, [{"id": "a", "command": "x"} | fields])
    assert [str(found).startswith(f"processes[0].{problem}") for found in loaded.problems] == [True]
    assert (loaded.errors, len(loaded.processes)) == ((), 1)


def test_ignores_may_look_odd(tmp_path: Path) -> None:
    patterns = ["# a comment", "[[:foo:]]", "!keep.log", "build/", "(", "**/x"]
    assert read(tmp_path, watchIgnore=patterns).watch_ignore == patterns


@pytest.mark.parametrize("written", ["SIGUSR2", "usr2", 12, "12"])
def test_a_signal_has_many_names(tmp_path: Path, written: object) -> None:
    assert read(tmp_path, stopSignal=written).stop_signal == "SIGUSR2"


@pytest.mark.parametrize(("written", "umask"), [("022", 0o22), ("0o77", 0o77), (18, 0o22)])
def test_a_umask_is_octal_or_a_number(tmp_path: Path, written: object, umask: int) -> None:
    assert read(tmp_path, umask=written).umask == umask


@pytest.mark.parametrize(("written", "cwd"), [("/x/y/", "/x/y"), ("~/x", "/home/me/x"), ("../x", "{}/x")])
def test_cwd_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: str, cwd: str) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert read(tmp_path, cwd=written).cwd == cwd.format(tmp_path.parent)


def test_the_folder_is_that_of_the_link_not_of_its_target(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    load_json(tmp_path / "real", [{"id": "a", "command": "x"}])
    (tmp_path / "pmtui.json").symlink_to("real/pb_processes.json")
    assert load_config(tmp_path / "pmtui.json").processes[0].cwd == str(tmp_path)


def test_a_relative_path_starts_in_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load_json(tmp_path, [{"id": "a", "command": "x"}])
    monkeypatch.chdir(tmp_path)
    assert load_config(Path("pb_processes.json")).processes[0].folder == str(tmp_path)


# several processes


def test_a_duplicate_id_names_both_places(tmp_path: Path) -> None:
    loaded = load_json(
        tmp_path, [{"id": "a", "command": "x"}, {"id": "b", "command": "x"}, {"id": "a", "command": "y"}]
    )
    assert [str(problem) for problem in loaded.problems] == ["processes[2].id: a is the id of processes[0] too"]
    assert [process.command for process in loaded.processes] == ["x", "x"]


def test_a_key_that_is_written_twice_names_both_places(tmp_path: Path) -> None:
    loaded = load(tmp_path, '[{"id": "a", "command": "x",\n "command": "y"}, {"id": "b", "command": "x"}]')
    assert [str(problem) for problem in loaded.problems] == [
        "processes[0].command: is written twice: line 1, column 14 and line 2, column 2"
    ]
    assert [process.id for process in loaded.processes] == ["b"]


def test_instances_are_expanded(tmp_path: Path) -> None:
    loaded = load_json(tmp_path, [{"id": "a", "command": "x", "instances": 3}])
    assert [(process.id, process.instance, process.instances) for process in loaded.processes] == [
        ("a-1", 1, 1),
        ("a-2", 2, 1),
        ("a-3", 3, 1),
    ]
    assert loaded.entry_paths == {"a-1": "processes[0]", "a-2": "processes[0]", "a-3": "processes[0]"}


def test_a_single_instance_keeps_its_id() -> None:
    config = ProcessConfig(id="a", command="x")
    assert expand_instances(config) == [config]


def test_the_id_of_an_instance_must_be_free(tmp_path: Path) -> None:
    loaded = load_json(tmp_path, [{"id": "a-2", "command": "x"}, {"id": "a", "command": "x", "instances": 2}])
    assert [str(problem) for problem in loaded.problems] == ["processes[1].id: a-2 is the id of processes[0] too"]


def test_the_id_of_an_instance_must_not_be_too_long(tmp_path: Path) -> None:
    assert problems_of(tmp_path, id="x" * 62, instances=10) == [
        "processes[0].instances: the id of instance 10 would be longer than 64 characters"
    ]


def depends(folder: Path, **dependencies: object) -> Loaded:
    return load_json(folder, [{"id": name, "command": "x", "dependsOn": on} for name, on in dependencies.items()])


def test_dependencies_are_a_list_or_a_table(tmp_path: Path) -> None:
    loaded = depends(tmp_path, a=[], b=["a"], c={"a": "completed", "b": None})
    assert [process.depends_on for process in loaded.processes] == [{}, {"a": None}, {"a": "completed", "b": None}]


def test_who_depends_on_several_instances_depends_on_all(tmp_path: Path) -> None:
    processes = [
        {"id": "a", "command": "x", "dependsOn": {"b": "healthy"}},
        {"id": "b", "command": "x", "instances": 2},
    ]
    assert load_json(tmp_path, processes).processes[0].depends_on == {"b-1": "healthy", "b-2": "healthy"}


def test_one_instance_can_be_depended_on(tmp_path: Path) -> None:
    processes = [{"id": "a", "command": "x", "dependsOn": ["b-2"]}, {"id": "b", "command": "x", "instances": 2}]
    assert load_json(tmp_path, processes).processes[0].depends_on == {"b-2": None}


@pytest.mark.parametrize(
    ("dependencies", "problems", "left"),
    [
        ({"a": ["a"]}, ["processes[0].dependsOn.a: a process cannot depend on itself"], []),
        (
            {"web": [], "api": ["wbe"]},
            ["processes[1].dependsOn.wbe: no process has this id, did you mean web?"],
            ["web"],
        ),
        (
            {"a": ["b"], "b": ["c"], "c": ["a"], "d": []},
            [
                "processes[0].dependsOn: dependency cycle: a → b → c → a",
                "processes[1].dependsOn.c: c is left out because of its errors, and with it what depends on it",
                "processes[2].dependsOn.a: a is left out because of its errors, and with it what depends on it",
            ],
            ["d"],
        ),
        (
            {"a": ["zzz"], "b": {"a": "healthy"}},
            [
                "processes[0].dependsOn.zzz: no process has this id",
                "processes[1].dependsOn.a: a is left out because of its errors, and with it what depends on it",
            ],
            [],
        ),
    ],
)
def test_a_dependency_that_cannot_be_is_told(
    tmp_path: Path, dependencies: dict[str, object], problems: list[str], left: list[str]
) -> None:
    loaded = depends(tmp_path, **dependencies)
    assert [str(problem) for problem in loaded.problems] == problems
    assert [process.id for process in loaded.processes] == left


def test_a_circle_of_thousands_is_found_without_recursion(tmp_path: Path) -> None:
    loaded = depends(tmp_path, **{f"p{number}": [f"p{(number + 1) % 5000}"] for number in range(5000)})
    assert loaded.processes == ()
    assert str(loaded.problems[0]).endswith("cycle: p0 → p1 → p2 → p3 → p4 → p5 → p6 → p7 → p8 → p9 → … → p0")


def test_tens_of_thousands_of_errors_take_little_time(tmp_path: Path) -> None:
    start = time.process_time()
    assert len(load(tmp_path, "[" + '{"maxRetires":1},' * 25_000 + "{}]").problems) > 75_000
    assert time.process_time() - start < 60  # two seconds, unless it grows with the square of their number

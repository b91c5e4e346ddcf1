"""The usual mistakes of the first hour: each ends in advice that helps."""

import json
from contextlib import suppress
from pathlib import Path

import pytest

from pmtui.cli.main import run
from tests.cli.shell import pmtui

JSON = '[{"id": "a",\n  "command": "sleep 5"}]\n'
TOML = '[process.a]\ncommand = "sleep 5"\n'
YAML = "process:\n  a:\n    command: sleep 5\n"


def check(folder: Path, capsys: pytest.CaptureFixture[str], name: str = "pmtui.toml") -> str:
    """Return what `pmtui check` prints about the first problem."""
    run(["check", "-c", str(folder / name)])
    return capsys.readouterr().out.splitlines()[0].replace(str(folder), "")


@pytest.mark.parametrize(
    ("field", "advice"),
    [
        ("autorestart = false", 'did you mean restart? Its values are "always", "on-failure" and "never"'),
        ("max_memory = '5M'", "did you mean maxMemory?"),
        ("max_memory_restart = '5M'", "did you mean maxMemory?"),
        ("watch = true", "did you mean devMode? It is true or false; watchPaths and watchIgnore say what is watched"),
        ("exec_mode = 'cluster'", "did you mean instances? With sockets, several instances share one port"),
        ("is_tty = true", "did you mean tty?"),
        ("startsecs = 5", "did you mean healthyAfter?"),
        ("stopwaitsecs = 5", "did you mean stopTimeout?"),
        ("numprocs = 2", "did you mean instances?"),
        ("working_dir = '.'", "did you mean cwd?"),
        ("depends_on = []", "did you mean dependsOn?"),
        ("WorkingDirectory = '.'", "did you mean cwd?"),
        ("image = 'redis'", 'command = "docker compose up NAME" runs one'),
        ("maxRetires = 3", "did you mean maxRetries?"),
        ("health = { url = 'http://x/' }", "did you mean http?"),
        ("log = { max_files = 3 }", "did you mean keep?"),
    ],
)
def test_fields_of_other_process_managers_are_known(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], field: str, advice: str
) -> None:
    (tmp_path / "pmtui.toml").write_text(f"{TOML}{field}\n")
    problem = check(tmp_path, capsys)
    assert problem.startswith("pmtui.toml:3:")
    assert "unknown field" in problem
    assert problem.endswith(advice)


@pytest.mark.parametrize(
    ("name", "text", "where", "advice"),
    [
        ("pmtui.toml", JSON, "1:", "this is JSON, not TOML; rename the file to pb_processes.json"),
        (
            "pmtui.toml",
            f'{{"processes": {JSON}}}',
            "1:",
            "this is JSON, not TOML; rename the file to pb_processes.json",
        ),
        ("pmtui.toml", YAML, "1:", "this is YAML, not TOML; rename the file to pmtui.yaml"),
        ("pb_processes.json", f"# mine\n{TOML}", "1:", "this is TOML, not JSON; rename the file to pmtui.toml"),
        ("shop.json", TOML, "1:", "this is TOML, not JSON; rename the file to shop.toml"),
        ("pb_processes.json", YAML, "1:", "this is YAML, not JSON; rename the file to pmtui.yaml"),
        ("pmtui.yaml", TOML, "2:", "this is TOML, not YAML; rename the file to pmtui.toml"),
        ("pb_processes.json", '[{"id": "a",\n}]', "1:12:", "trailing comma; JSON allows none before '}': remove it"),
        ("pb_processes.json", "[1, ]", "1:3:", "trailing comma; JSON allows none before ']': remove it"),
        ("pmtui.toml", "[process.a]\nscript = main.py", "2:10:", 'text needs quotes: script = "…"'),
        ("pmtui.toml", "[process.a]\nargs = [-v]", "2:", 'text in a list needs quotes: args = ["…", "…"]'),
        ("pmtui.toml", '[process.a]\ncommand = "sleep 5\n', "2:", "the closing quote is missing"),
        ("pmtui.toml", f"{TOML}devMode = True", "3:", "write true, or quotes if it is text"),
        ("pmtui.toml", f"{TOML}tty: true", "3:", "write name = value"),
        (
            "pmtui.toml",
            f"{TOML}restart = false",
            "3:1:",
            "expected one of always, on-failure, never, got true or false",
        ),
        ("pmtui.toml", "[api]\ncommand = 'x'", "1:1:", "did you mean [process.api]?"),
        ("pmtui.toml", "[processes.api]\ncommand = 'x'", "1:1:", "did you mean [process.api]?"),
        (
            "pmtui.toml",
            "[[process]]\nid = 'a'",
            "",
            "expected tables [process.ID], got a list; [[process]] makes a list",
        ),
        ("pmtui.toml", f"[process.a]\ncommand = '{'echo hi && sleep 5'}'", "2:1:", "set shell to true to use one"),
    ],
)
def test_mistakes_of_notation_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, text: str, where: str, advice: str
) -> None:
    (tmp_path / name).write_text(text)
    problem = check(tmp_path, capsys, name)
    assert problem.startswith(f"{name}:{where}")
    assert problem.endswith(advice)


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        (
            'script = "mian.py"',
            "process.a.script: script mian.py does not exist: looked for /mian.py (script of a); did you mean main.py?",
        ),
        (
            'script = "main.py"\ninterpreter = ".venv/bin/python"',
            "process.a.interpreter: /.venv/bin/python does not exist (interpreter of a); run python3 -m venv .venv, "
            'or leave interpreter out: with install = "auto", .venv is made before the first start',
        ),
        (
            'command = "./mian.py"',
            "process.a.command: command ./mian.py does not exist: looked for /mian.py (command "
            "of a); did you mean main.py?",
        ),
    ],
)
def test_what_is_missing_is_named_with_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], fields: str, problem: str
) -> None:
    (tmp_path / "main.py").touch()
    (tmp_path / "pmtui.toml").write_text(f"[process.a]\n{fields}\n")
    assert check(tmp_path, capsys) == f"pmtui.toml:{len(fields.splitlines()) + 1}:1: error: {problem}"


def test_advice_is_in_the_notation_of_the_config(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    entry = {"id": "a", "script": "main.py", "interpreter": ".venv/bin/python"}
    (tmp_path / "main.py").touch()
    (tmp_path / "pb_processes.json").write_text(json.dumps([entry]))
    assert 'with "install": "auto"' in check(tmp_path, capsys, "pb_processes.json")


def test_requirements_without_an_environment_are_a_warning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("main.py", "requirements.txt"):
        (tmp_path / name).touch()
    (tmp_path / "pmtui.toml").write_text('[process.a]\nscript = "main.py"\n')
    warning = check(tmp_path, capsys)
    assert warning.startswith(
        "pmtui.toml:1:1: warning: process.a: .venv is missing beside requirements.txt: set install"
    )


def test_a_missing_program_is_named_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", ":".join(f"/opt/{number}/bin" for number in range(20)))
    (tmp_path / "pmtui.toml").write_text('[process.a]\ncommand = "uvicron app:app"\n')
    assert check(tmp_path, capsys) == (
        "pmtui.toml:2:1: error: process.a.command: command uvicron is not on the PATH of a: "
        "PATH is /opt/0/bin:/opt/1/bin:/opt/2/bin:/opt/3/bin and 16 more"
    )


def test_a_file_named_as_a_command_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "main.py").touch()
    (tmp_path / "pmtui.toml").write_text('[process.a]\ncommand = "main.py"\n')
    assert '; ./main.py is a file in cwd: use script, or command = "./main.py": PATH is' in check(tmp_path, capsys)


@pytest.mark.parametrize(
    ("words", "code", "error"),
    [
        (["strat"], 2, "no command or process is named 'strat'; did you mean 'pmtui start'? (processes: web, a)"),
        (["status", "--json"], 2, "no command or process is named 'status'; did you mean 'pmtui list'?"),
        (["wbe"], 2, "no command or process is named 'wbe'; did you mean 'web'?"),
        (["up"], 2, "'pmtui' runs all processes in the dashboard, 'pmtui -d' in the background"),
        (["monit"], 2, "'pmtui' shows the dashboard"),
        (["delete", "web"], 2, "'pmtui stop ID' stops a process; take it out of the config and run 'pmtui reload'"),
        (["kill"], 2, "did you mean 'pmtui down'?"),
        (["save"], 2, "'pmtui service install' lets systemd run the manager after each boot"),
        (["--dev", "list"], 2, "'list' is a command, which comes first: pmtui list ..."),
        (["--bogus"], 2, "unrecognized arguments: --bogus"),
        ([], 2, "the dashboard needs a terminal; without one, use 'pmtui --no-ui', or 'pmtui -d' in the background"),
        (["start", "web"], 3, "'pmtui' or 'pmtui -d' ('pmtui -d web' starts it with these processes)"),
        (["import", "docker-compose.yml", "-o", "new.toml"], 1, 'command = "docker compose up NAME" runs one'),
    ],
)
def test_words_that_are_no_command_get_advice(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    code: int,
    error: str,
) -> None:
    (tmp_path / "pmtui.toml").write_text(f'[process.web]\ncommand = "sleep 600"\n{TOML}')
    (tmp_path / "docker-compose.yml").write_text("services:\n  redis:\n    image: redis\n")
    monkeypatch.chdir(tmp_path)
    try:
        ended = run(words)
    except SystemExit as exit:
        ended = exit.code  # type: ignore[assignment]
    assert (ended, error in capsys.readouterr().err) == (code, True)


def test_options_may_come_before_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "other.toml").write_text(TOML)
    assert run(["-c", str(tmp_path / "other.toml"), "check"]) == 0
    assert capsys.readouterr().out == "other.toml: 1 process, no errors, no warnings\n"


def test_without_a_config_the_way_to_one_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for words in ([], ["check"], ["list"], ["start", "web"]):
        with suppress(SystemExit):
            run(words)
        assert "'pmtui init' writes one" in capsys.readouterr().err


def test_the_config_of_a_parent_is_used_and_named(tmp_path: Path) -> None:
    (tmp_path / "pmtui.toml").write_text(TOML)
    (tmp_path / "api/src").mkdir(parents=True)
    done = pmtui(tmp_path / "api/src", "check")
    assert (done.returncode, done.stdout) == (0, "pmtui.toml: 1 process, no errors, no warnings\n")
    assert done.stderr == f"pmtui: using {tmp_path}/pmtui.toml\n"
    assert pmtui(tmp_path / "api", "list").stderr.endswith(
        f"pmtui: no manager is running for {tmp_path}/pmtui.toml; start one with 'pmtui' or 'pmtui -d'\n"
    )
    assert not (tmp_path / "api/.pmtui").exists()


@pytest.mark.parametrize(
    ("name", "text", "advice"),
    [
        ("a.yaml", "services:\n  redis:\n    image: redis\n", 'command = "docker compose up NAME" runs one'),
        ("a.toml", "[apps]\nname = 'x'\n", "that is a config of pm2: 'pmtui import FILE' converts it"),
        ("a.toml", "[env]\nA = '1'\n", "did you mean settings? [settings.env] holds variables for all processes"),
    ],
)
def test_sections_of_other_process_managers_are_known(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, text: str, advice: str
) -> None:
    (tmp_path / name).write_text(text)
    assert check(tmp_path, capsys, name).endswith(advice)

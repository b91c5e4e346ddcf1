"""Defaults, includes, extends, profiles, the local file: what wins, and where an error is reported."""

from pathlib import Path

import pytest

from pmtui.config.load import Loaded, load_config
from pmtui.config.model import ProcessConfig


def written(directory: Path, **files: str) -> Path:
    """Write files, `__` in their names stands for a dot and `--` for a slash; return the directory's pmtui.toml."""
    for name, text in files.items():
        path = directory / name.replace("__", ".").replace("--", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return directory / "pmtui.toml"


def good(loaded: Loaded) -> dict[str, ProcessConfig]:
    assert [problem.located for problem in loaded.problems] == []
    return {process.id: process for process in loaded.processes}


def errors(path: Path, *profiles: str) -> list[str]:
    return [problem.located for problem in load_config(path, profiles).errors]


EVERYTHING = {
    "pmtui__toml": """
include = ["services/*.toml"]
[defaults]
stopTimeout = "1s"
env = { A = "defaults", B = "defaults", C = "defaults", D = "defaults", E = "defaults" }
[process.base]
command = "base"
args = ["from-base"]
env = { B = "extends", C = "extends", D = "extends", E = "extends" }
[process.web]
extends = "base"
env = { C = "entry", D = "entry", E = "entry" }
[profile.prod.process.web]
env = { D = "profile", E = "profile" }
args = ["from-profile"]
[profile.more.process.web]
restart = "never"
""",
    "pmtui__local__toml": '[settings]\nport = 9999\n[process.web.env]\nE = "local"\n',
    "services--api__toml": '[defaults]\nmaxRetries = 3\n[process.api]\ncommand = "api"\ncwd = "src"\n',
}


def test_later_layers_win_and_tables_are_merged(tmp_path: Path) -> None:
    loaded = load_config(written(tmp_path, **EVERYTHING), ["prod", "more"])
    web = good(loaded)["web"]
    assert web.env == {"A": "defaults", "B": "extends", "C": "entry", "D": "profile", "E": "local"}
    assert (web.command, web.args, web.stop_timeout, web.restart) == ("base", ["from-profile"], 1.0, "never")
    assert loaded.settings.port == 9999


def test_a_profile_that_is_not_chosen_changes_nothing(tmp_path: Path) -> None:
    web = good(load_config(written(tmp_path, **EVERYTHING)))["web"]
    assert (web.args, web.env["D"], web.restart) == (["from-base"], "entry", "always")


def test_profiles_win_in_the_order_given(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        pmtui__toml='[process.a]\ncommand = "x"\n[profile.p.process.a]\ngroup = "p"\n[profile.q.process.a]\n'
        'group = "q"',
    )
    assert [good(load_config(path, order))["a"].group for order in (["p", "q"], ["q", "p"])] == ["q", "p"]


def test_an_included_file_has_its_own_directory_and_defaults(tmp_path: Path) -> None:
    api = good(load_config(written(tmp_path, **EVERYTHING)))["api"]
    assert (api.cwd, api.folder, api.root) == (
        str(tmp_path / "services/src"),
        str(tmp_path / "services"),
        str(tmp_path),
    )
    assert (api.stop_timeout, api.max_retries) == (1.0, 3)
    assert good(load_config(tmp_path / "pmtui.toml"))["web"].max_retries == 10


def test_paths_in_defaults_are_meant_from_their_own_file(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        pmtui__toml='include = "sub/a.toml"\n[defaults]\ncwd = "work"\nenvFile = [".env", "other.env"]\n',
        sub__toml="",
        **{"sub--a__toml": '[process.a]\ncommand = "x"\n', "__env": "A=1\n"},
    )
    config = good(load_config(path))["a"]
    assert config.cwd == str(tmp_path / "work")
    assert config.env_file == [str(tmp_path / ".env"), "other.env"]


def test_another_kind_of_check_replaces_the_inherited_one(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        pmtui__toml='[defaults.health]\nhttp = "http://127.0.0.1:1/"\ninterval = "3s"\n'
        '[process.a]\ncommand = "x"\nhealth = { tcp = "127.0.0.1:1" }\n[process.b]\ncommand = "x"\n',
    )
    a, b = good(load_config(path)).values()
    assert a.health
    assert (a.health.http, a.health.tcp, a.health.interval) == (None, "127.0.0.1:1", 3.0)
    assert b.health
    assert b.health.http == "http://127.0.0.1:1/"


def test_the_local_file_lies_over_json_and_yaml(tmp_path: Path) -> None:
    local = '[process.a]\nargs = ["local"]\n'
    written(tmp_path, pb_processes__json='[{"id": "a", "command": "x"}]', pmtui__local__toml=local)
    assert good(load_config(tmp_path / "pb_processes.json"))["a"].args == ["local"]
    written(tmp_path, pmtui__yaml="processes:\n- id: a\n  command: x\n")
    assert good(load_config(tmp_path / "pmtui.yaml"))["a"].args == ["local"]


def test_a_profile_and_the_local_file_can_add_processes(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        pmtui__toml='[defaults]\ngroup = "g"\n[process.a]\ncommand = "x"\n[profile.dev.process.mail]\ncommand = "m"',
        pmtui__local__toml='[process.tool]\nextends = "a"\n',
    )
    assert [(one.id, one.command, one.group) for one in good(load_config(path, ["dev"])).values()] == [
        ("a", "x", "g"),
        ("mail", "m", "g"),
        ("tool", "x", "g"),
    ]


def test_extends_works_over_files_and_in_chains(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        pmtui__toml='include = ["more.toml"]\n[process.a]\nextends = "b"\nargs = ["a"]\n',
        more__toml='[process.b]\nextends = "c"\nenv = { B = "1" }\n[process.c]\ncommand = "c"\nenv = { C = "1" }\n',
    )
    a = good(load_config(path))["a"]
    assert (a.id, a.command, a.args, a.env) == ("a", "c", ["a"], {"C": "1", "B": "1"})


def test_each_file_is_read_once(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        pmtui__toml='include = ["a.toml", "*.toml", "./a.toml"]\n',
        a__toml='[process.a]\ncommand = "x"\n',
        b__toml='[process.b]\ncommand = "x"\n',
        pmtui__local__toml="",
    )
    written(tmp_path, pmtui__local__toml='[process.a]\ngroup = "g"\n')
    assert [*good(load_config(path))] == ["a", "b"]


BROKEN = [
    ({"pmtui__toml": 'include = ["gone.toml"]'}, "pmtui.toml:1:1: include[0]: "),
    ({"pmtui__toml": "include = 3"}, "pmtui.toml:1:1: include: expected a list of files, such as services/*.toml"),
    (
        {"pmtui__toml": 'include = ["a.toml"]', "a__toml": 'include = ["b.toml"]', "b__toml": 'include = ["a.toml"]'},
        "b.toml:1:1: include[0]: include cycle: a.toml → b.toml → a.toml",
    ),
    (
        {"pmtui__toml": 'include = ["a.toml"]', "a__toml": "[settings]\nport = 1"},
        "a.toml:1:1: settings: is not allowed in this file: it belongs into the config itself",
    ),
    ({"pmtui__toml": 'include = ["a.toml"]', "a__toml": "x = = 1"}, "a.toml:1:5: "),
    (
        {"pmtui__toml": 'include = ["a.toml"]', "a__toml": '[process.a]\ncommand = "x"\nretires = 1'},
        "a.toml:3:1: process.a.retires: unknown field",
    ),
    (
        {"pmtui__toml": 'include = "a.toml"\n[process.a]\ncommand = "x"', "a__toml": '[process.a]\ncommand = "x"'},
        "a.toml:1:1: process.a.id: a is the id of process.a too",
    ),
    (
        {"pmtui__toml": '[defaults]\nmaxRetires = 1\n[process.a]\ncommand = "x"'},
        "pmtui.toml:2:1: defaults.maxRetires: unknown field, did you mean maxRetries?",
    ),
    ({"pmtui__toml": '[defaults]\nid = "x"'}, "pmtui.toml:2:1: defaults.id: defaults hold for all processes"),
    (
        {"pmtui__toml": '[process.a]\nextends = "bb"\n[process.b]\ncommand = "x"'},
        "pmtui.toml:2:1: process.a.extends: no process has the id 'bb', did you mean b?",
    ),
    (
        {"pmtui__toml": '[process.a]\nextends = "b"\n[process.b]\nextends = "a"'},
        "pmtui.toml:2:1: process.a.extends: extends cycle: a → b → a",
    ),
    (
        {"pmtui__toml": '[process.web]\ncommand = "x"\n[profile.prod.process.wbe]\nargs = []'},
        "pmtui.toml:3:1: profile.prod.process.wbe: no process has this id, did you mean web?",
    ),
    (
        {"pmtui__toml": '[process.web]\ncommand = "x"\n[profile.prod.process.web]\nargs = 1'},
        "pmtui.toml:4:1: profile.prod.process.web.args: expected a list of strings",
    ),
    (
        {"pmtui__toml": '[process.web]\ncommand = "x"', "pmtui__local__toml": "[process.web]\nnice = 1"},
        "pmtui.local.toml:2:1: process.web.nice: unknown field",
    ),
    (
        {"pmtui__toml": '[process.web]\ncommand = "x"', "pmtui__local__toml": "\n[settings]\nprot = 1"},
        "pmtui.local.toml:3:1: settings.prot: unknown field, did you mean port?",
    ),
    (
        {"pmtui__toml": '[process.web]\ncommand = "x"', "pmtui__local__toml": 'include = ["x.toml"]'},
        "pmtui.local.toml:1:1: include: is not allowed in this file",
    ),
]


@pytest.mark.parametrize(("files", "start"), BROKEN, ids=[start for _, start in BROKEN])
def test_an_error_names_its_file_line_and_column(tmp_path: Path, files: dict[str, str], start: str) -> None:
    path = written(tmp_path, **files)
    found = errors(path, "prod") if "profile" in start else errors(path)
    assert any(text.startswith(start) for text in found), found


def test_all_errors_of_all_files_are_reported_at_once(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        pmtui__toml='include = ["a.toml", "b.toml"]\n[process.main]\ncommnd = "x"\n',
        a__toml="[process.a]\nscript = 1\n",
        b__toml='[process.b]\ncommand = "x"\n[process.c]\n',
    )
    loaded = load_config(path)
    assert [process.id for process in loaded.processes] == ["b"]
    assert {text.split(":")[0] for text in errors(path)} == {"pmtui.toml", "a.toml", "b.toml"}


def test_an_unknown_profile_is_named_with_those_there_are(tmp_path: Path) -> None:
    loaded = load_config(written(tmp_path, **EVERYTHING), ["prdo"])
    assert loaded.unknown_profiles == ("prdo",)
    assert [problem.message for problem in loaded.errors] == [
        "unknown profile 'prdo', did you mean prod?: there are prod, more"
    ]


def test_a_file_with_many_wrong_layers_names_each_error_once(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        pmtui__toml='[defaults]\nfoo = 1\n[process.a]\ncommand = "x"\n[process.b]\ncommand = "x"\n',
    )
    assert errors(path) == ["pmtui.toml:2:1: defaults.foo: unknown field"]

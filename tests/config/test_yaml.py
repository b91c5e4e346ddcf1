"""Configs in YAML: the rules of YAML 1.2, and bounds."""

from pathlib import Path
from typing import Any

import pytest

from pmtui.config.load import Loaded, load_config
from pmtui.config.parsing.problems import Problems
from pmtui.config.parsing.yaml import YamlError, parse_yaml, yaml_positions


def load(directory: Path, text: str) -> Loaded:
    path = directory / "pmtui.yaml"
    path.write_text(text)
    return load_config(path)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("yes", "yes"),
        ("True", True),
        ("false", False),
        ("012", 12),
        ("0o14", 12),
        ("0xff", 255),
        ("1_000", "1_000"),
        ("12:30:45", "12:30:45"),
        ("2026-01-01", "2026-01-01"),
        ("~", None),
        ("", None),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("=", "="),
        ("'1'", "1"),
    ],
)
def test_scalars_are_those_of_yaml_1_2(text: str, value: Any) -> None:
    read = parse_yaml(f"a: {text}", Problems())["a"]
    assert (read, type(read)) == (value, type(value))


def test_processes_may_be_a_map_or_a_list(tmp_path: Path) -> None:
    listed = load(tmp_path, "settings: {port: 9000}\nprocesses:\n- {id: a, command: x}\n")
    mapped = load(tmp_path, "settings: {port: 9000}\nprocess:\n  a: {command: x}\n")
    assert listed.errors == mapped.errors == ()
    assert listed.processes == mapped.processes
    assert (listed.settings.port, mapped.processes[0].id) == (9000, "a")


def test_anchors_and_merges_are_allowed(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        "process:\n  a: &a\n    command: x\n    env: &env {A: '1'}\n  b:\n    <<: *a\n    env: {<<: *env, B: '2'}\n",
    )
    assert loaded.errors == ()
    assert [(config.command, config.env) for config in loaded.processes] == [
        ("x", {"A": "1"}),
        ("x", {"A": "1", "B": "2"}),
    ]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("process:\n  a: {command: x}\n  a: {command: y}\n", "pmtui.yaml:3:3: process.a: is written twice"),
        ("process:\n  a:\n    command: x\n    maxRetires: 1\n", "pmtui.yaml:4:5: process.a.maxRetires: unknown field"),
        ("processes:\n- id: a\n  command: [x\n", "pmtui.yaml:4:1: "),
        ("processes:\n- id: a\n  env: {A: [1]}\n  command: x", "pmtui.yaml:3:9: processes[0].env.A: expected a string"),
        ("a: &a [*a]", "pmtui.yaml:1:4: an anchor contains itself"),
        ("processes: 3", "pmtui.yaml:1:1: processes: expected a list of processes, got a number"),
        ("--- 1\n--- 2\n", "pmtui.yaml:2:1: "),
        ("a: !!python/object/apply:os.system ['true']", "pmtui.yaml:1:4: could not determine a constructor"),
    ],
)
def test_errors_name_line_and_column(tmp_path: Path, text: str, error: str) -> None:
    found = [problem.located for problem in load(tmp_path, text).errors]
    assert any(one.startswith(error) for one in found), found


def test_what_expands_without_bound_is_refused() -> None:
    layers = "\n".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9))
    with pytest.raises(YamlError, match="expands to more than 100,000 values"):
        parse_yaml(f"a0: &a0 [x]\n{layers}", Problems())


def test_positions_are_those_of_the_keys() -> None:
    assert yaml_positions("a:\n  - b: 1\n")["a[0].b"] == (2, 5)

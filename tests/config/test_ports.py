"""Ports in a config: what is declared, what refers to them, and what is wrong with either."""

import json
from pathlib import Path
from typing import Any

import pytest

from pmtui.config.load import Loaded, load_config
from pmtui.config.model import Health, ProcessConfig
from pmtui.config.ports import bind, declared_ports, lookup_in, port_variables

API: dict[str, Any] = {"id": "api", "command": "x", "port": 8001}


def load(folder: Path, *processes: dict[str, Any]) -> Loaded:
    (folder / "pb.json").write_text(json.dumps(processes))
    return load_config(folder / "pb.json")


def problems(folder: Path, *processes: dict[str, Any]) -> list[str]:
    return [str(problem) for problem in load(folder, *processes).problems]


def bound(*configs: ProcessConfig) -> ProcessConfig:
    """Return the first of the configs without references."""
    return bind(configs[0], declared_ports(configs[0]), lookup_in(configs)(configs[0]))


def test_port_is_short_for_the_port_called_http_which_comes_first() -> None:
    config = ProcessConfig(id="a", command="x", port=8001, ports={"admin-api": 8002, "debug": "auto"})
    assert declared_ports(config) == {"http": 8001, "admin-api": 8002, "debug": "auto"}
    assert port_variables(config) == {"PORT": "8001", "PORT_HTTP": "8001", "PORT_ADMIN_API": "8002"}


def test_instances_have_successive_ports(tmp_path: Path) -> None:
    loaded = load(tmp_path, API | {"instances": 3, "ports": {"admin": 9000, "debug": "auto"}})
    assert [declared_ports(config) for config in loaded.processes] == [
        {"http": 8001, "admin": 9000, "debug": "auto"},
        {"http": 8002, "admin": 9001, "debug": "auto"},
        {"http": 8003, "admin": 9002, "debug": "auto"},
    ]


def test_references_are_replaced_in_command_args_env_and_health() -> None:
    config = ProcessConfig(
        id="web",
        command="serve ${port}",
        args=["--admin=${ports.admin}", "${api.port}", "${api.ports.http}", "$${port}", "${HOME}", "$$"],
        env={"API": "http://${api.port}", "LITERAL": "$${api.port}", "DOLLAR": "$$${port}", "OTHER": "${HOME}"},
        ports={"http": 8080, "admin": 8081},
        health=Health(http="http://127.0.0.1:${port}/", command=["curl", "${ports.admin}"]),
    )
    result = bound(config, ProcessConfig(id="api", command="x", port=8001))
    assert result.command == "serve 8080"
    assert result.args == ["--admin=8081", "8001", "8001", "${port}", "${HOME}", "$$"]
    assert result.env == {
        "API": "http://8001",
        "LITERAL": "$${api.port}",  # `$$` is for what expands variables
        "DOLLAR": "$$8080",
        "OTHER": "${HOME}",
    }
    assert result.health == Health(http="http://127.0.0.1:8080/", command=["curl", "8081"])


def test_ids_with_dots_and_instances_can_be_referred_to() -> None:
    web = ProcessConfig(id="web", command="x", args=["${a.b.port}", "${w.port}", "${w-2.port}", "${ports.port}"])
    web = ProcessConfig(id="web", command="x", args=web.args, ports={"port": 5})
    others = [ProcessConfig(id=f"w-{n}", command="x", port=7000 + n, instance=n) for n in (1, 2)]
    assert bound(web, ProcessConfig(id="a.b", command="x", port=1), *others).args == ["1", "7001", "7002", "5"]


def test_processes_may_refer_to_each_other(tmp_path: Path) -> None:
    web = {"id": "web", "command": "x ${api.port}", "port": "auto"}
    assert problems(tmp_path, API | {"args": ["${web.port}"]}, web) == []


def test_a_variable_called_port_stays_a_variable(tmp_path: Path) -> None:
    shell = {"id": "s", "command": "port=1; echo ${port}", "shell": True}
    variable = {"id": "v", "command": "x", "env": {"port": "1", "URL": "http://${port}"}}
    loaded = load(tmp_path, shell, variable)
    assert loaded.problems == ()
    assert [bound(config).command for config in loaded.processes] == ["port=1; echo ${port}", "x"]
    assert bound(loaded.processes[1]).env["URL"] == "http://${port}"


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"args": ["${apu.port}"]}, "args[0]: ${apu.port}: no process has the id apu, did you mean api?"),
        ({"env": {"A": "${api.ports.x}"}}, "env.A: ${api.ports.x}: api has no port of this name, only http"),
        ({"command": "x ${port}"}, "command: ${port}: the process has no port; give it port or ports"),
        (
            {"health": {"http": "http://127.0.0.1:${port}/"}},
            "health.http: ${port}: the process has no port; give it port or ports",
        ),
        ({"port": 0}, 'port: expected a number from 1 to 65535 or "auto"'),
        ({"port": "automatic"}, 'port: expected a number from 1 to 65535 or "auto"'),
        ({"ports": {"a": None}}, 'ports.a: expected a number from 1 to 65535 or "auto"'),
        ({"ports": [1]}, 'ports: expected a table of names and ports, such as {http = 8001, admin = "auto"}'),
        (
            {"ports": {"1a": 1}},
            "ports.1a: the name of a port has letters, digits, '_' and '-', and begins with a letter",
        ),
        ({"ports": {"a-b": 1, "a_b": 2}}, "ports.a_b: a-b and a_b would both be PORT_A_B in the environment"),
        ({"port": 5, "ports": {"http": 6}}, "port: is short for ports.http, which is set too: leave one of them out"),
        ({"port": 65535, "instances": 2}, "port: instance 2 would have port 65536"),
        ({"port": 8001}, "port: port 8001 is that of api too"),
        ({"ports": {"x": 8000}, "instances": 2}, "ports.x: port 8001 is that of api too"),
    ],
)
def test_what_is_wrong_is_named_with_its_place_and_its_process_left_out(
    tmp_path: Path, fields: dict[str, Any], problem: str
) -> None:
    loaded = load(tmp_path, API, {"id": "web", "command": "x"} | fields)
    assert [str(found) for found in loaded.problems] == [f"processes[1].{problem}"]
    assert [config.id for config in loaded.processes] == ["api"]
    assert loaded.left_out == 1
    assert loaded.problems[0].line == 1


def test_what_refers_to_a_process_left_out_is_left_out_too(tmp_path: Path) -> None:
    found = problems(tmp_path, API | {"restart": "x"}, {"id": "web", "command": "${api.port}"})
    assert found[1:] == ["processes[1].command: ${api.port}: api is left out because of its errors"]

"""Defaults of `restart`, and warnings of settings that do not do what they say."""

import json
from pathlib import Path
from typing import Any

import pytest

from pmtui.config.load import Loaded, load_config

JOB: dict[str, Any] = {"id": "job", "command": "true"}


def load(folder: Path, *processes: dict[str, Any]) -> Loaded:
    (folder / "pb.json").write_text(json.dumps(processes))
    return load_config(folder / "pb.json")


def warnings(loaded: Loaded) -> list[str]:
    assert not loaded.errors
    return [str(problem) for problem in loaded.problems]


@pytest.mark.parametrize(
    ("depends_on", "restart"),
    [
        ({"job": "succeeded"}, "on-failure"),
        ({"job": "completed"}, "on-failure"),
        ({"job": "started"}, "always"),
        (["job"], "always"),
        ([], "always"),
    ],
)
def test_a_process_whose_end_another_one_waits_for_is_not_restarted_after_a_good_end(
    tmp_path: Path, depends_on: object, restart: str
) -> None:
    loaded = load(tmp_path, JOB, {"id": "web", "command": "true", "dependsOn": depends_on})
    assert [process.restart for process in loaded.processes] == [restart, "always"]
    assert warnings(loaded) == []


def test_every_instance_has_that_default(tmp_path: Path) -> None:
    loaded = load(tmp_path, JOB | {"instances": 2}, {"id": "web", "command": "true", "dependsOn": {"job": "completed"}})
    assert [process.restart for process in loaded.processes] == ["on-failure", "on-failure", "always"]


@pytest.mark.parametrize("restart", ["never", "on-failure", "always"])
def test_what_a_process_says_itself_is_kept(tmp_path: Path, restart: str) -> None:
    loaded = load(
        tmp_path, JOB | {"restart": restart}, {"id": "web", "command": "true", "dependsOn": {"job": "succeeded"}}
    )
    assert loaded.processes[0].restart == restart
    expected = [
        "processes[1].dependsOn.job: job is started again after each end; "
        "leave out restart there, or set it to on-failure or never"
    ]
    assert warnings(loaded) == (expected if restart == "always" else [])


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"successExitCodes": []}, "job has no successExitCodes"),
        ({"detached": True}, "job is detached, so it runs until it is stopped"),
    ],
)
def test_a_condition_that_never_holds_is_reported(tmp_path: Path, fields: dict[str, Any], why: str) -> None:
    web = {"id": "web", "command": "true", "dependsOn": {"job": "succeeded"}, "instances": 2}
    assert warnings(load(tmp_path, JOB | fields, web)) == [f"processes[1].dependsOn.job: never holds: {why}"]


@pytest.mark.parametrize(
    ("fields", "warning"),
    [
        ({"healthyAfter": 0}, "healthyAfter: acts as 1s: a shorter run always counts as a failure"),
        ({"healthyAfter": "999ms"}, "healthyAfter: acts as 1s: a shorter run always counts as a failure"),
        ({"backoff": 0}, "backoff: acts as 100ms: a process is not started more than ten times a second"),
        ({"maxBackoff": "1ms"}, "maxBackoff: acts as 100ms: a process is not started more than ten times a second"),
        ({"health": {"tcp": "localhost:80", "interval": "1ms"}}, "health: is checked every 100ms, not more often"),
        ({"health": {"silence": "10ms"}}, "health: is checked every 100ms, not more often"),
    ],
)
def test_a_limit_that_acts_as_another_one_is_reported(tmp_path: Path, fields: dict[str, Any], warning: str) -> None:
    assert warnings(load(tmp_path, JOB | fields)) == [f"processes[0].{warning}"]


def test_a_dependency_may_ask_for_restarts(tmp_path: Path) -> None:
    web = {"id": "web", "command": "true", "dependsOn": {"db": {"condition": "started", "restart": True}, "job": None}}
    loaded = load(tmp_path, {"id": "db", "command": "x", "instances": 2}, JOB, web)
    assert warnings(loaded) == []
    config = loaded.processes[-1]
    assert config.depends_on == {"db-1": "started", "db-2": "started", "job": None}
    assert config.restart_after == ["db-1", "db-2"]


@pytest.mark.parametrize(
    ("dependency", "problem"),
    [
        (
            {"condition": "helthy"},
            "job.condition: expected one of started, healthy, completed, succeeded, did you mean",
        ),
        ({"restart": 1}, "job.restart: expected true or false, got a number"),
        ({"restrat": True}, "job.restrat: unknown field, did you mean restart?"),
    ],
)
def test_an_invalid_dependency_is_an_error(tmp_path: Path, dependency: dict[str, Any], problem: str) -> None:
    loaded = load(tmp_path, JOB, {"id": "web", "command": "true", "dependsOn": {"job": dependency}})
    (error,) = loaded.errors
    assert f"processes[1].dependsOn.{problem}" in str(error)

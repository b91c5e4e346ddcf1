"""compose.yaml: what it says, and that the compose specification takes it."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from pmtui.exporters.compose import export_compose
from tests.exporters.support import project


def services(folder: Path, toml: str | None = None) -> dict[str, Any]:
    made = export_compose(project(folder, toml) if toml else project(folder))
    return yaml.safe_load(made.files["compose.yaml"])["services"]  # type: ignore[no-any-return]


def test_a_service_carries_the_process(tmp_path: Path) -> None:
    assert services(tmp_path)["Web.API-2"] == {
        "image": "shop:latest",
        "command": ["python3", "app.py", "--title", '100% "$$HOME" it\'s', "two\nlines"],
        "working_dir": "/app/back end",
        "init": True,
        "environment": {
            "PMTUI_ID": "Web.API-2",
            "PMTUI_INSTANCE": "2",
            "PYTHONUNBUFFERED": "1",
            "STAGE": "prod",
            "NAME": "prod-x",
            "PRICE": "5$$",
            "DSN": "pg://${PGUSER}@db",
            "LEVEL": "${LOG_LEVEL:-info}",
        },
        "restart": "on-failure:4",
        "stop_signal": "SIGINT",
        "stop_grace_period": "90000ms",
        "env_file": ["./.env"],
        "depends_on": {
            "db": {"condition": "service_healthy"},
            "schema": {"condition": "service_completed_successfully"},
        },
        "healthcheck": {
            "test": ["CMD-SHELL", "curl -fsS -o /dev/null --max-time 2 'http://localhost:8000/ready?full=1'"],
            "interval": "30000ms",
            "timeout": "2000ms",
            "retries": 3,
            "start_period": "20000ms",
        },
    }


def test_limits_are_carried(tmp_path: Path) -> None:
    db = services(tmp_path)["db"]
    assert (db["mem_limit"], db["ulimits"]) == ("536870912b", {"nofile": 4096})


def test_what_does_not_start_by_itself_has_a_profile(tmp_path: Path) -> None:
    watcher = services(tmp_path)["watcher"]
    assert watcher["profiles"] == ["manual"]
    assert watcher["command"] == ["/bin/sh", "-c", "tail -f log | grep x"]
    assert watcher["healthcheck"]["test"] == ["CMD", "test", "-e", "it's here"]


def test_losses_are_named(tmp_path: Path) -> None:
    warnings = export_compose(project(tmp_path)).warnings
    assert "Web.API-1: umask is lost" in warnings
    assert "db: maxRetries is lost: it is restarted without end" in warnings


def test_a_health_that_no_command_can_ask_for_is_named(tmp_path: Path) -> None:
    toml = '[process.a]\ncommand = "a"\nhealth = { log = "up" }\n[process.b]\ncommand = "b"\ndependsOn = ["a"]\n'
    made = export_compose(project(tmp_path, toml))
    assert "a: health.log is lost: output is not read" in made.warnings
    assert "b: dependsOn a: is only waited for until it is started" in made.warnings


def test_the_compose_specification_takes_it(tmp_path: Path) -> None:
    schema = pytest.importorskip("compose_pydantic")
    made = yaml.safe_load(export_compose(project(tmp_path)).files["compose.yaml"])
    schema.ComposeSpecification.model_validate(made)

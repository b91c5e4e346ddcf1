"""Terminals, input and stop commands in every export."""

from pathlib import Path
from typing import Any

import yaml

from pmtui.exporters.compose import export_compose
from pmtui.exporters.kubernetes import export_kubernetes
from pmtui.exporters.procfile import export_procfile
from pmtui.exporters.systemd import export_systemd
from tests.exporters.support import project

TOML = """
[process.shell]
command = "sh"
tty = true
[process.reader]
command = "cat"
stdin = "open"
[process.database]
command = "true"
detached = true
stopCommand = "true --down"
"""


def test_compose_has_terminals_and_open_stdin(tmp_path: Path) -> None:
    made = export_compose(project(tmp_path, TOML))
    services: dict[str, Any] = yaml.safe_load(made.files["compose.yaml"])["services"]
    assert (services["shell"]["tty"], services["shell"]["stdin_open"]) == (True, True)
    assert services["reader"]["stdin_open"] is True
    assert "database: stopCommand is lost: only stopSignal is sent" in made.warnings


def test_kubernetes_has_them_and_stop_commands_too(tmp_path: Path) -> None:
    made = export_kubernetes(project(tmp_path, TOML))
    documents = [one for text in made.files.values() for one in yaml.safe_load_all(text)]
    containers = {
        one["metadata"]["name"]: one["spec"]["template"]["spec"]["containers"][0]
        for one in documents
        if one["kind"] in ("Deployment", "Job")
    }
    assert (containers["shell"]["stdin"], containers["shell"]["tty"]) == (True, True)
    assert (containers["reader"]["stdin"], containers["reader"]["tty"]) == (True, False)
    assert containers["database"]["lifecycle"] == {"preStop": {"exec": {"command": ["true", "--down"]}}}


def test_systemd_runs_stop_commands(tmp_path: Path) -> None:
    made = export_systemd(project(tmp_path, TOML))
    unit = next(text for name, text in made.files.items() if name.endswith("database.service"))
    assert "true --down" in next(line for line in unit.splitlines() if line.startswith("ExecStop="))
    assert "shell: tty is lost: the process has no terminal" in made.warnings
    assert "reader: stdin is lost: it is empty" in made.warnings


def test_what_goes_to_the_background_is_lost_everywhere(tmp_path: Path) -> None:
    for export in (export_compose, export_kubernetes, export_systemd, export_procfile):
        warnings = export(project(tmp_path, TOML)).warnings
        assert "database: detached is lost: the command has to stay in the foreground" in warnings

"""A Procfile: what it says, and what a shell makes of it."""

import subprocess
from pathlib import Path

from pmtui.exporters.procfile import export_procfile
from pmtui.importers.detect import import_file
from tests.exporters.support import project


def test_each_line_is_run_by_a_shell_as_the_process_was(tmp_path: Path) -> None:
    toml = (
        '[process.a]\ncommand = "env"\ncwd = "back end"\numask = "027"\n'
        'env = { TEXT = "it\'s $$1 \\"x\\"", USED = "<${GIVEN}>", LEVEL = "${NOWHERE:-in fo}" }\n'
    )
    line = export_procfile(project(tmp_path, toml)).files["Procfile"].removeprefix("a: ")
    done = subprocess.run(["/bin/sh", "-c", f"{line}"], env={"GIVEN": "a b", "PATH": "/bin"}, capture_output=True)
    lines = done.stdout.decode().splitlines()
    assert {'TEXT=it\'s $1 "x"', "USED=<a b>", "LEVEL=in fo", f"PWD={tmp_path}/back end"} <= set(lines)


def test_our_own_importer_reads_it(tmp_path: Path) -> None:
    toml = '[process.web]\nscript = "app.py"\ncwd = "back end"\n[process."job.x"]\ncommand = "sleep 5"\n'
    (tmp_path / "Procfile").write_text(export_procfile(project(tmp_path, toml)).files["Procfile"])
    imported = import_file(str(tmp_path / "Procfile"), str(tmp_path), {})
    assert list(imported.processes) == ["web", "job-x"]
    assert imported.losses == []


def test_losses_are_named(tmp_path: Path) -> None:
    made = export_procfile(project(tmp_path))
    assert "watcher: is left out: all of a Procfile is started, and autostart is off" in made.warnings
    assert "Web.API-1: is left out: a line of a Procfile cannot hold a new line" in made.warnings
    assert "db: health, maxMemory lost: a Procfile has none" in made.warnings

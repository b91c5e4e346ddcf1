"""Warnings of `pmtui check` about servers that do not take over their sockets."""

from pathlib import Path

import pytest

from pmtui.config.check import check
from pmtui.config.load import load_config

UVICORN = "uvicorn opens its own socket; add --fd ${sockets.http.fd}"
SHARED = "asks the shared socket, where the old run may answer; use notify, log, command or a port"


@pytest.mark.parametrize(
    ("fields", "warnings"),
    [
        ('command = "uvicorn app:app --port 80"', [("command", UVICORN)]),
        ('command = "python3 -m uvicorn app:app"', [("command", UVICORN)]),
        ('command = "/opt/bin/uvicorn"\nargs = ["app:app", "--fd", "${sockets.http.fd}"]', []),
        ('command = "uvicorn app:app --fd=3"', []),
        (
            'command = "hypercorn app:app"',
            [("command", "hypercorn opens its own socket; add --bind fd://${sockets.http.fd}")],
        ),
        ('command = "hypercorn app:app --bind fd://3"', []),
        ('command = "gunicorn app:app"', []),
        ('command = "x"\nrolling = true\nhealth = { http = "http://${sockets.http}/" }', [("health", SHARED)]),
        ('command = "x"\nhealth = { http = "http://${sockets.http}/" }', []),
        ('command = "x"\nrolling = true\nhealth = { log = "ready" }', []),
    ],
)
def test_a_server_without_its_flag_and_a_check_of_the_shared_socket_are_named(
    tmp_path: Path, fields: str, warnings: list[tuple[str, str]]
) -> None:
    (tmp_path / "pmtui.toml").write_text(f"[process.a]\n{fields}\nsockets = {{ http = 8000 }}\n")
    found = check(load_config(tmp_path / "pmtui.toml"), {"PATH": "/usr/bin"}).problems
    assert [(one.path.removeprefix("process.a."), one.message) for one in found if one.warning] == warnings

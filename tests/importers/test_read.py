"""What a file is, and files of which nothing can be made."""

import contextlib
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pmtui.importers.builder import Imported, Note, UnsupportedFileError
from pmtui.importers.detect import import_file
from pmtui.importers.repair import drop_invalid
from tests.importers.support import import_text


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("Procfile.dev", "a: ./a\n", "Procfile"),
        ("processes.txt", "a: ./a\n", "Procfile"),
        ("app.conf", "[program:a]\ncommand=a\n", "supervisord"),
        ("supervisord", "[supervisord]\n[program:a]\ncommand=a\n", "supervisord"),
        ("x.json", '{"processes": {"a": {"command": "a"}}}', "process-compose"),
        ("x.json", '{"apps": [{"script": "a.js"}]}', "pm2"),
        ("x.json", '{"pm2": {"apps": [{"script": "a.js"}]}}', "pm2"),
    ],
)
def test_the_kind_of_a_file_is_found_out(tmp_path: Path, name: str, text: str, kind: str) -> None:
    assert import_text(tmp_path, name, text).kind == kind


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("Procfile", b"", "is empty"),
        ("Procfile", b" \n\n", "is empty"),
        ("Procfile", b"# nothing yet\n", "no process can be made of it"),
        ("Procfile", b"a: \xff\n", "is not UTF-8 text"),
        ("Procfile", b"a: b\0c\n", "a NUL"),
        ("notes.txt", b"buy milk\n", "is none of procfile, pm2"),
        ("eco.json", b"{", "is not valid JSON"),
        ("eco.json", b"[]", "no apps in it"),
        ("eco.json", b'{"apps": [{"name": "x"}]}', "x: the process is left out: it has no script"),
        ("pc.json", b'{"processes": {"a": {"command": "a", "command": "b"}}}', "command is written twice"),
        ("mprocs.json", b'{"procs": {"a": "a", "a": "b"}}', "a is written twice"),
        ("pc.json", b'{"processes": {}}', "no processes in it"),
        ("supervisord.conf", b"[supervisord]\nnodaemon=true\n", r"no \[program"),
    ],
)
def test_nothing_is_made_of_empty_or_broken_input(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UnsupportedFileError, match=message):
        import_file(str(tmp_path / name), str(tmp_path), {})


@pytest.mark.parametrize("kind", ["missing", "folder", "fifo"])
def test_what_is_no_file_is_told_and_never_hangs(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "Procfile"
    if kind == "folder":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    with pytest.raises(UnsupportedFileError, match=r"Procfile (does not exist|is a folder|is a FIFO)"):
        import_file(str(path), str(tmp_path), {})


def test_a_compose_file_of_containers_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedFileError, match="describes containers"):
        import_text(tmp_path, "docker-compose.json", '{"services": {"a": {"image": "a"}}}')


def test_what_our_own_reader_refuses_is_taken_out_and_named() -> None:
    processes: dict[str, dict[str, Any]] = {
        "a": {"command": "a", "user": "no user", "env": {"A=B": "x", "C": "y"}},
        "b": {"command": "'"},
    }
    mended = drop_invalid(Imported("pm2", {}, processes, []))
    assert mended.processes == {"a": {"command": "a", "env": {"C": "y"}}}
    assert sorted(note.source for note in mended.losses) == ["command", "env.A=B", "user"]


def test_settings_that_cannot_be_are_taken_out_too() -> None:
    mended = drop_invalid(Imported("pm2", {"env": {"": "x"}}, {"a": {"command": "a"}}, []))
    assert (mended.settings, list(mended.processes)) == ({}, ["a"])
    assert mended.losses == [Note("", "env", "", mended.losses[0].reason, is_lost=True)]


TEXTS = st.text(max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 1 << 70) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
PM2 = (
    "name script args cwd env instances exec_mode watch ignore_watch kill_timeout max_restarts min_uptime "
    "stop_exit_codes max_memory_restart namespace uid interpreter restart_delay exp_backoff_restart_delay "
    "maxRestarts exec port treekill out_file error_file disable_logs"
)
COMPOSE = (
    "command entrypoint args working_dir environment env_file depends_on availability shutdown readiness_probe "
    "namespace replicas watch success_exit_codes ready_log_line vars disabled is_daemon is_tty log_configuration "
    "is_dotenv_disabled liveness_probe"
)
MPROCS = "shell cmd cwd env add_path autostart autorestart stop deps log $select linux"


@given(app=st.dictionaries(st.sampled_from(PM2.split()), VALUES, max_size=6))
@settings(max_examples=150)
def test_any_app_is_imported_or_refused(app: dict[str, object], tmp_path_factory: pytest.TempPathFactory) -> None:
    any_is_imported_or_refused([{"script": "a.js"} | app], tmp_path_factory)


@given(process=st.dictionaries(st.sampled_from(COMPOSE.split()), VALUES, max_size=6))
@settings(max_examples=150)
def test_any_process_is_imported_or_refused(
    process: dict[str, object], tmp_path_factory: pytest.TempPathFactory
) -> None:
    any_is_imported_or_refused({"processes": {"a": {"command": "a"} | process}}, tmp_path_factory)


@given(
    process=st.none() | TEXTS | st.lists(TEXTS, max_size=2) | st.dictionaries(st.sampled_from(MPROCS.split()), VALUES)
)
@settings(max_examples=150)
def test_any_proc_is_imported_or_refused(process: object, tmp_path_factory: pytest.TempPathFactory) -> None:
    any_is_imported_or_refused({"procs": {"a": process, "b": "b"}, "proc_log": process}, tmp_path_factory)


SUPERVISORD = (
    "command numprocs numprocs_start process_name autostart autorestart startsecs stopsignal exitcodes environment "
    "directory user umask stdout_logfile stdout_logfile_maxbytes redirect_stderr priority"
)
WORDS = st.lists(
    st.sampled_from(["true", "0", "7", "A=1", "x", "%(ENV_A)s", "%(process_num)d", '"', "%", ","]), max_size=3
)


@given(lines=st.dictionaries(st.sampled_from(SUPERVISORD.split()), WORDS.map(" ".join), max_size=6))
@settings(max_examples=150)
def test_any_program_is_imported_or_refused(lines: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> None:
    text = "".join(f"{name}={value}\n" for name, value in ({"command": "a"} | lines).items())
    with contextlib.suppress(UnsupportedFileError):
        import_text(tmp_path_factory.mktemp("any"), "any.conf", f"[program:a]\n{text}", {"A": "1"})


def any_is_imported_or_refused(values: object, folders: pytest.TempPathFactory) -> None:
    folder = folders.mktemp("any")
    with contextlib.suppress(UnsupportedFileError):
        import_text(folder, "any.json", json.dumps(values))

"""Ten files of each kind, in the shapes that real projects give them: each is a config, or says what it lacks."""

import os
import shutil
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import pytest

from pmtui.cli import check
from pmtui.config.load import Loaded, load_config
from pmtui.importers.foreign import foreign_reader
from tests.eventually import eventually
from tests.running import Running, running

FILES = Path(__file__).parent / "files"
needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="there is no node")

CLUSTER = ["6 ledger: exec_mode", "7 ledger: instance_var", "8 ledger: wait_ready", "10 ledger: listen_timeout"]
ENVIRONMENTS = ["12 ledger: env_production", "13 ledger: env_staging", "16 deploy"]
UNLIMITED = ["37 cat: stopasgroup", "38 cat: killasgroup", "43 cat: stdout_capture_maxbytes", "45 cat: stdout_syslog"]
SKIPPED = ["15 node: availability.exit_on_skipped", "15 node: availability.exit_on_end"]
BLOCKS = [f"16 flags: {{{{ {word} }}}}" for word in ("if .debug", "else", "end")]

GOOD: dict[str, tuple[str, Sequence[str]]] = {
    "pm2/plain/ecosystem.config.js": (
        "storefront",
        ["12 storefront: error_file", "13 storefront: out_file", "20 storefront: listen_timeout"],
    ),
    "pm2/cluster/ecosystem.config.js": ("ledger-1 …", [*CLUSTER, *ENVIRONMENTS]),
    "pm2/paths/ecosystem.config.cjs": ("bot-alpha bot-beta", []),
    "pm2/spread/ecosystem.config.js": (
        "queue nightly hourly",
        [
            *(f"{line} {name}: {source}" for line, name in ((15, "queue"), (16, "nightly"), (17, "hourly"))
              for source in ("watch_options", "source_map_support")),
            "17 hourly: cron_restart",
        ],
    ),
    "pm2/list/pm2.json": (
        "thumbnails-1 thumbnails-2",
        ["8 thumbnails: exec_mode", "11 thumbnails: filter_env", "12 thumbnails: shutdown_with_message"],
    ),
    "pm2/shell/ecosystem.config.js": (
        "ui api gateway tunnel docs",
        ["7 docs: script", "7 docs: env.PM2_SERVE_SPA"],
    ),
    "pm2/python/ecosystem.config.js": ("scraper venv-bot static", ["11 scraper: log_file", "12 scraper: pid_file"]),
    "pm2/yaml/ecosystem.config.yml": (
        "catalog-api-1 catalog-api-2 catalog-api-3 catalog-api-4 catalog-worker",
        ["5 catalog-api: exec_mode", "8 catalog-api: env_production"],
    ),
    "pm2/module/ecosystem.config.mjs": ("relay …", ["7 relay: increment_var"]),
    "supervisord/container/supervisord.conf": (
        "database web cron",
        ["11 database: priority", "20 web: priority", "27 cron: priority"],
    ),
    "supervisord/django/supervisor.conf": ("shop shop-worker", []),
    "supervisord/laravel/queue.conf": (
        f"{' '.join(f'queue-worker-{number}' for number in range(1, 9))} scheduler",
        ["9 queue-worker: stdout_logfile"],
    ),
    "supervisord/group/supervisord.conf": ("accept_01 accept_02 accept_03 deliver", []),
    "supervisord/desktop/supervisord.conf": ("screen relay browser", []),
    "supervisord/include/supervisord.conf": ("front back", ["4 include"]),
    "supervisord/complete/supervisord.conf": (
        "cat",
        [*UNLIMITED,
         "46 cat: stderr_logfile", "50 cat: serverurl", "52 memmon: eventlistener:memmon", "57 ctlplugin:other"],
    ),
    "supervisord/fcgi/supervisord.conf": ("tail", ["1 app: fcgi-program:app"]),
    "supervisord/small/bot.ini": ("bot", ["6 bot: loglevel", "7 bot: stdout_logfile"]),
    "procfile/django/Procfile": ("release web worker beat", []),
    "procfile/rails/Procfile.dev": ("web css js worker", []),
    "procfile/dev/Procfile": ("db api frontend logs", []),
    "procfile/heroku/Procfile": ("web worker console", []),
    "procfile/ports/Procfile": ("web admin", []),
    "procfile/cd/Procfile": ("web postdeploy", []),
    "procfile/java/Procfile": ("web", []),
    "procfile/scripts/Procfile": ("web worker-1 worker-2 clock_main", []),
    "procfile/crlf/Procfile": ("web worker", []),
    "process_compose/dev/process-compose.yaml": ("listing loop server calculator", []),
    "process_compose/chain/process-compose.yaml": (
        "postgres migrate seed api ui",
        ["20 seed: availability.restart"],
    ),
    "process_compose/anchors/process-compose.yaml": (
        "node deploy",
        ["3 availability", *SKIPPED, "28 deploy: availability.restart", "28 deploy: availability.exit_on_skipped"],
    ),
    "process_compose/replicas/process-compose.yaml": ("server-0 server-1 balancer", []),
    "process_compose/args/process-compose.yaml": (
        "pool",
        ["8 pool: args", "8 pool: readiness_probe.exec.args", "21 pool: log_location", "22 pool: log_length"],
    ),
    "process_compose/extends/process-compose.yaml": ("server metrics certs", []),
    "process_compose/strict/process-compose.yml": ("core", ["8 core: ${HOME_DIR}"]),
    "process_compose/daemon/process-compose.yaml": (
        "container editor secret",
        ["6 container: launch_timeout_seconds", "13 container: {{.State.Running}}", "22 secret: is_elevated"],
    ),
    "process_compose/multiline/process-compose.yaml": ("api ui job", []),
    "process_compose/vars/process-compose.yaml": (
        "greeter flags",
        ["13 greeter: log_location", "13 greeter: {{.PC_PROC_NAME}}", *BLOCKS, "17 flags: is_dotenv_disabled"],
    ),
}  # fmt: skip
"""The ids of the processes (`…`: as many as there are cores), and what is lost, behind the line that says so."""

LACKS = {
    "pm2/python/ecosystem.config.js": "/.venv/bin/python does not exist (interpreter of venv-bot); run python3 -m venv",
    "process_compose/strict/process-compose.yml": "cwd /core does not exist (cwd of core)",
}
"""Good files that need something that is not there."""

BAD = {
    "pm2/dotenv/ecosystem.config.js": "ecosystem.config.js:1:1: node cannot run it: line 1: the module 'dotenv' is not "
    "installed: run npm install in its directory",
    "supervisord/template/queue.conf.ini": "queue.conf.ini:3:1: it is not an ini file: line 3; it is a template: fill "
    "it in first",
    "procfile/messy/Procfile": "Procfile:2:1: worker is there twice: lines 2 and 4",
}


def marked(names: Sequence[str]) -> list[object]:
    return [pytest.param(name, marks=needs_node) if name.endswith("js") else name for name in names]


def copied(name: str, folder: Path) -> Path:
    """A copy of the file and of what lies beside it."""
    source = FILES / name
    shutil.copytree(source.parent, folder, dirs_exist_ok=True)
    return folder / source.name


def load(path: Path) -> Loaded:
    return load_config(path, (), foreign_reader(path))


def test_there_are_ten_of_each_kind() -> None:
    kinds = [name.partition("/")[0] for name in (*GOOD, *BAD)]
    assert {kind: kinds.count(kind) for kind in kinds} == dict.fromkeys(
        ("pm2", "supervisord", "procfile", "process_compose"), 10
    )


@pytest.mark.parametrize("name", marked([*GOOD]))
def test_it_is_a_config_and_what_is_lost_is_said_with_its_line(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for program in ("docker", "irb", "java", "kcalc", "npm", "npx", "php", "vim"):
        (tmp_path / "bin").mkdir(exist_ok=True)
        (tmp_path / "bin" / program).write_text("#!/bin/sh\n")
        (tmp_path / "bin" / program).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    for variable in ("PORT", "HOME_DIR", "QUEUE", "WATCH_DELAY"):
        monkeypatch.delenv(variable, raising=False)
    ids, losses = GOOD[name]
    path = copied(name, tmp_path)
    loaded = load(path)
    assert loaded.errors == ()
    found = [config.id for config in loaded.processes]
    first = ids.split()[0].removesuffix("-1")
    assert found == ids.split() if "…" not in ids else all(one.startswith(first) for one in found)
    told = [(problem.line, problem.message.partition(" is lost: ")) for problem in loaded.problems]
    assert sorted(f"{line} {source}" for line, (source, is_lost, _) in told if is_lost) == sorted(losses)
    assert all(len(reason) > 10 for _, (_, is_lost, reason) in told if is_lost)
    capsys.readouterr()
    lack = LACKS.get(name, "")
    assert check.run(["-c", str(path)]) == (2 if lack else 0)
    assert lack in capsys.readouterr().out


@pytest.mark.parametrize("name", marked([*BAD]))
def test_one_that_cannot_be_used_says_why_and_where(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = copied(name, tmp_path)
    assert [problem.located for problem in load(path).errors] == [BAD[name]]
    assert check.run(["-c", str(path)]) == 2
    where, _, message = BAD[name].partition(": ")
    assert f"{where}: error: {message}" in capsys.readouterr().out


RUNS: dict[str, tuple[Mapping[str, str], Sequence[str], Mapping[str, str]]] = {
    "pm2/paths/ecosystem.config.cjs": ({}, ["bot-alpha", "bot-beta"], {"bot-beta": "beta compat"}),
    "pm2/module/ecosystem.config.mjs": ({}, [], {"relay": "relay 2.3.1"}),
    "supervisord/django/supervisor.conf": (
        {},
        ["shop", "shop-worker"],
        {"shop": "shop.wsgi:application --bind 127.0.0.1:48120 --workers 3"},
    ),
    "supervisord/group/supervisord.conf": ({"TIER": "one"}, ["accept_01", "deliver"], {"accept_03": "accept on 9103"}),
    "procfile/cd/Procfile": ({}, ["web"], {"web": "in src"}),
    "procfile/scripts/Procfile": ({}, ["web", "worker-1", "worker-2"], {"clock_main": "started clock"}),
    "process_compose/chain/process-compose.yaml": (
        {},
        ["postgres", "api", "ui"],
        {"seed": "seeded with --user demo --preserve=false", "migrate": "migrated"},
    ),
    "process_compose/vars/process-compose.yaml": ({}, [], {"greeter": "moin 48135"}),
}
"""The environment, what runs in the end, and what processes print."""


@pytest.mark.parametrize("name", marked([*RUNS]))
def test_it_runs_as_it_is(name: str, tmp_path: Path) -> None:
    env, ids, prints = RUNS[name]
    path = copied(name, tmp_path)
    with running(tmp_path, [], "-c", path.name, env=env) as manager:
        manager.wait_until_served()

        def run() -> list[str]:
            return [row["id"] for row in manager.list() if row["status"] == "running"]

        eventually(lambda: {*ids} <= {*run()})
        for process, text in prints.items():
            one = next(row["id"] for row in manager.list() if row["id"] in (process, f"{process}-1"))
            eventually(partial(has_printed, manager, one, text))


def has_printed(manager: Running, process_id: str, text: str) -> bool:
    return text in manager.fetch("GET", f"/api/pm/{process_id}/logs?format=text")[1].decode()

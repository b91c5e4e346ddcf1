"""`pmtui init`: what it finds; the written config passes the check."""

import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from pmtui.cli.main import run
from tests.cli.shell import pmtui
from tests.running import running

needs_node = pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")
FASTAPI = """\
from fastapi import FastAPI

app = FastAPI(title="shop")


@app.get("/health")
def health() -> dict[str, str]:
    return {}
"""
VITE = {"name": "front", "scripts": {"dev": "vite", "build": "vite build"}, "devDependencies": {"vite": "^5"}}


def command(folder: Path, *words: str) -> str:
    """Run a command in this process, successfully, and return what it prints."""
    with contextlib.chdir(folder), contextlib.redirect_stdout(io.StringIO()) as printed:
        assert run(words) == 0, printed.getvalue()
    return printed.getvalue()


def init_all(folder: Path) -> dict[str, Any]:
    """Return the written config, which passes the check with each of its profiles."""
    command(folder, "init")
    config: dict[str, Any] = tomllib.loads((folder / "pmtui.toml").read_text())
    for profile in ("", *config.get("profile", {})):
        assert "no errors" in command(folder, "check", *(["--profile", profile] if profile else []))
    return config


def init(folder: Path) -> dict[str, Any]:
    """Return the processes of the written config."""
    return init_all(folder)["process"]  # type: ignore[no-any-return]


def write(folder: Path, **files: str | dict[str, Any]) -> Path:
    """Write files; in their paths, `__` stands for `/`, and `_` in the last part for `.`."""
    for name, content in files.items():
        directory, _, last = name.replace("__", "/").rpartition("/")
        path = folder / directory / last.replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))
    return folder


def test_an_empty_directory_gets_an_example_that_runs(tmp_path: Path) -> None:
    assert list(init(tmp_path)) == ["clock"]
    with running(tmp_path, [], "-c", "pmtui.toml") as manager:
        manager.wait_running(["clock"])


def test_for_programs_it_prints_what_it_wrote(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("print('hello')\n")
    shown = json.loads(command(tmp_path, "init", "--json"))
    assert shown["config"] == str(tmp_path / "pmtui.toml")
    assert [one["id"] for one in shown["processes"]] == [
        *tomllib.loads((tmp_path / "pmtui.toml").read_text())["process"]
    ]


def test_the_example_explains_common_fields(tmp_path: Path) -> None:
    assert "nothing to run was found; wrote an example" in command(tmp_path, "init")
    assert "# maxMemory" in (tmp_path / "pmtui.toml").read_text()


def test_programs_are_found_by_their_usual_names(tmp_path: Path) -> None:
    for name in ("app.py", "worker.py"):
        (tmp_path / name).touch()
    (tmp_path / ".env").write_text("A=1\n")
    config = init_all(tmp_path)
    assert config["defaults"] == {"envFile": [".env"]}
    assert config["process"] == {"app": {"script": "app.py"}, "worker": {"script": "worker.py"}}


def test_the_virtual_environment_is_named(tmp_path: Path) -> None:
    project = write(tmp_path / "agent", main_py="print(1)\n")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", project / ".venv"], check=True)
    assert command(project, "init").splitlines()[0] == "agent: main.py, by .venv/bin/python"


def test_a_procfile_takes_precedence(tmp_path: Path) -> None:
    (tmp_path / "Procfile").write_text("web: sleep 600\n")
    (tmp_path / "app.py").touch()
    assert init(tmp_path) == {"web": {"command": "sleep 600", "env": {"PORT": "5000"}}}


def test_django_runs_without_its_own_reloader(tmp_path: Path) -> None:
    write(tmp_path, manage_py="# Django", shop__celery_py="app = Celery('shop')\n")
    (tmp_path / "shop/__init__.py").touch()
    assert init(tmp_path) == {
        "django": {
            "script": "manage.py",
            "args": ["runserver", "127.0.0.1:${port}", "--noreload"],
            "port": 8000,
            "health": {"tcp": "127.0.0.1:${port}"},
        },
        "worker": {"command": "python3 -m celery -A shop worker --loglevel INFO", "stopTimeout": "30s"},
    }


@needs_node
def test_the_dev_server_of_a_package_is_found(tmp_path: Path) -> None:
    scripts = {"start": "node .", "dev": "vite", "build": "vite build", "worker": "node worker.js"}
    write(tmp_path, package_json={"name": "@shop/front", "scripts": scripts}, index_js="")
    config = init_all(tmp_path)
    assert config["process"] == {
        "shop-front": {
            "command": "npm run dev -- --port ${port} --strictPort --host 127.0.0.1",
            "port": 5173,
            "health": {"tcp": "127.0.0.1:${port}"},
        },
        "worker": {"command": "npm run worker"},
    }
    assert config["profile"] == {"prod": {"process": {"shop-front": {"command": "npm run start"}}}}


@needs_node
@pytest.mark.parametrize(
    ("package", "source", "found"),
    [
        ({"scripts": {"dev": "next dev"}, "dependencies": {"next": "15"}}, "", (3000, "npm run dev -- --port ${port}")),
        ({"scripts": {"dev": "vite --port 4000"}}, "", (4000, "npm run dev")),
        ({"scripts": {"start": "node index.js"}}, "app.listen(process.env.PORT ?? 4001)", (4001, "npm run start")),
        ({"scripts": {"start": "node index.js"}}, "server.listen(4002, () => {})", (4002, "npm run start")),
        ({"scripts": {"start": "node index.js"}}, "console.log('no server')", (None, "npm run start")),
    ],
)
def test_the_port_of_a_node_server_is_guessed(
    tmp_path: Path, package: dict[str, Any], source: str, found: tuple[int | None, str]
) -> None:
    write(tmp_path, package_json={"name": "web", **package}, index_js=source)
    process = init(tmp_path)["web"]
    assert (process.get("port"), process["command"]) == found
    assert process.get("health") == ({"tcp": "127.0.0.1:${port}"} if found[0] else None)


@needs_node
def test_the_config_of_vite_names_the_port(tmp_path: Path) -> None:
    write(tmp_path, package_json=VITE, vite_config_ts="export default { server: { port: 4321 } }")
    assert init(tmp_path)["front"]["port"] == 4321


def test_web_applications_are_run_by_their_servers(tmp_path: Path) -> None:
    flask = "from flask import Flask\nweb = Flask(__name__)\n"
    write(tmp_path, api__main_py=FASTAPI, site__app_py=flask, admin__main_py=FASTAPI.replace("/health", "/"))
    assert init(tmp_path) == {
        "admin": {
            "command": "python3 -m uvicorn main:app --port ${port}",
            "cwd": "admin",
            "port": 8000,
            "health": {"tcp": "127.0.0.1:${port}"},
        },
        "api": {
            "command": "python3 -m uvicorn main:app --port ${port}",
            "cwd": "api",
            "port": 8001,
            "health": {"http": "http://127.0.0.1:${port}/health"},
        },
        "site": {
            "command": "python3 -m flask --app app:web run --port ${port}",
            "cwd": "site",
            "port": 5000,
            "health": {"tcp": "127.0.0.1:${port}"},
        },
    }


@pytest.mark.parametrize(
    ("files", "command"),
    [
        ({"app__main_py": FASTAPI, "app__db_py": ""}, "python3 -m uvicorn app.main:app --port ${port}"),
        ({"src__main_py": FASTAPI}, "python3 -m uvicorn --app-dir src main:app --port ${port}"),
        ({"asgi_py": "application: Any = Starlette()"}, "python3 -m uvicorn asgi:application --port ${port}"),
        ({"app_py": "def create_app():\n    return Flask('x')\n"}, "python3 -m flask --app app run --port ${port}"),
    ],
)
def test_an_application_is_found_in_its_package(tmp_path: Path, files: dict[str, str], command: str) -> None:
    project = write(tmp_path / "shop", **files)
    (process_id, process), *others = init(project).items()
    assert (process_id, process["command"], others) == ("shop", command, [])


@pytest.mark.parametrize(
    ("run_line", "port"),
    [
        ("uvicorn.run(app, host='0.0.0.0', port=8123)", 8123),
        ("uvicorn.run(app, port=int(os.environ.get('PORT', '8124')))", 8124),
        ("uvicorn.run(app, port=settings.port)", None),
    ],
)
def test_a_script_that_serves_itself_is_run_as_it_is(tmp_path: Path, run_line: str, port: int | None) -> None:
    project = write(tmp_path / "shop", main_py=f'{FASTAPI}\nif __name__ == "__main__":\n    {run_line}\n')
    process = init(project)["shop"]
    assert (process["script"], process.get("port")) == ("main.py", port)
    assert ("# port = 8000" in (project / "pmtui.toml").read_text()) is (port is None)


def test_a_script_that_reads_its_port_is_a_server(tmp_path: Path) -> None:
    write(tmp_path, api__main_py='port = int(os.environ.get("PORT", 8055))')
    assert init(tmp_path)["api"] == {
        "script": "main.py",
        "cwd": "api",
        "port": 8055,
        "health": {"tcp": "127.0.0.1:${port}"},
    }


def test_missing_dependencies_are_installed(tmp_path: Path) -> None:
    write(tmp_path, api__main_py=FASTAPI, api__requirements_txt="fastapi\n", bot__bot_py="")
    printed = command(tmp_path, "init")
    assert "  install: .venv is missing beside requirements.txt\n" in printed
    processes = tomllib.loads((tmp_path / "pmtui.toml").read_text())["process"]
    assert {name: process.get("install") for name, process in processes.items()} == {"api": "auto", "bot": None}


def test_a_process_has_the_name_of_its_directory(tmp_path: Path) -> None:
    celery = 'from celery import Celery\napp = Celery("x")\n'
    write(tmp_path, queue__tasks_py=celery, mail__tasks_py=f"{celery}app.conf.beat_schedule = {{}}\n", bots__bot_py="")
    assert list(init(tmp_path)) == ["bots", "mail-worker", "mail-beat", "queue"]


def test_a_procfile_below_keeps_its_directory(tmp_path: Path) -> None:
    write(tmp_path, services__mail__Procfile="web: sleep 600\nqueue: sleep 601\n")
    assert init(tmp_path) == {
        "mail": {"command": "sleep 600", "cwd": "services/mail", "env": {"PORT": "5000"}},
        "mail-queue": {"command": "sleep 601", "cwd": "services/mail", "env": {"PORT": "5100"}},
    }


def test_three_levels_below_nothing_is_looked_for(tmp_path: Path) -> None:
    write(tmp_path, a__b__main_py="", a__x__y__main_py="", node_modules__m__main_py="", tests__main_py="")
    assert list(init(tmp_path)) == ["b"]


@needs_node
def test_the_members_of_a_workspace_replace_its_own_scripts(tmp_path: Path) -> None:
    write(
        tmp_path, package_json={"workspaces": ["apps/*"], "scripts": {"dev": "turbo dev"}}, apps__web__package_json=VITE
    )
    assert {name: process["cwd"] for name, process in init(tmp_path).items()} == {"web": "apps/web"}


def test_environment_files_make_defaults_and_profiles(tmp_path: Path) -> None:
    write(tmp_path, _env="A=1\n", _env_production="A=2\n", api__main_py=FASTAPI, bot__main_py="", bot___env="B=1\n")
    config = init_all(tmp_path)
    assert "defaults" not in config
    assert [config["process"][name]["envFile"] for name in ("api", "bot")] == [[".env"], [".env", "bot/.env"]]
    assert config["profile"]["production"]["process"] == {
        "api": {"envFile": [".env", ".env.production"]},
        "bot": {"envFile": [".env", ".env.production"]},
    }


def test_the_port_of_an_environment_file_counts(tmp_path: Path) -> None:
    write(tmp_path, api__main_py=FASTAPI, api___env="PORT=8600\n")
    assert init(tmp_path)["api"]["port"] == 8600


def test_a_compose_file_gives_names_and_containers(tmp_path: Path) -> None:
    compose = "services:\n  shop-api:\n    build: ./backend\n  redis:\n    image: redis\n    ports: ['6380:6379']\n"
    write(tmp_path, compose_yaml=compose, backend__main_py=FASTAPI)
    printed = command(tmp_path, "init")
    text = (tmp_path / "pmtui.toml").read_text()
    assert "hint: compose.yaml has containers: redis; the config can run them, see its end\n" in printed
    assert '# [process.redis]\n# command = "docker compose up --no-log-prefix redis"\n' in text
    assert '# health = { tcp = "127.0.0.1:6380" }\n' in text
    assert list(tomllib.loads(text)["process"]) == ["shop-api"]


def test_no_name_of_a_project_leads_out_of_a_comment(tmp_path: Path) -> None:
    evil = 'x"\n[process.evil]\ncommand = "touch x"\n#'
    services = {evil: {"image": "redis"}, "db": {"image": "redis", "ports": ["99999:80", "9" * 5000 + ":80"]}}
    write(tmp_path, compose_yaml=json.dumps({"services": services}))
    write(tmp_path / evil, main_py=FASTAPI)
    command(tmp_path, "init")
    text = (tmp_path / "pmtui.toml").read_text()
    assert "\n[process.evil]" not in text
    assert (
        '# [process.db]\n# command = "docker compose up --no-log-prefix db"\n# stopTimeout = "15s"\n\n' in f"{text}\n"
    )
    assert len(tomllib.loads(text)["process"]) == 1


def test_ports_that_cannot_be_are_not_guessed(tmp_path: Path) -> None:
    def server(port: int) -> dict[str, str | dict[str, Any]]:
        return {"package_json": {"scripts": {"start": "node server.js"}}, "server_js": f"process.env.PORT || {port}"}

    for name, port in (("a", 65535), ("b", 65535), ("c", 99999)):
        write(tmp_path / name, **server(port))
    command(tmp_path, "init")
    processes = tomllib.loads((tmp_path / "pmtui.toml").read_text())["process"]
    assert [entry.get("port") for entry in processes.values()] == [65535, 1024, None]


def test_what_is_guessed_is_said_in_the_file_and_on_the_terminal(tmp_path: Path) -> None:
    write(tmp_path, api__main_py=FASTAPI)
    printed = command(tmp_path, "init")
    lines = [
        "main.py has a FastAPI application, run by uvicorn, in api",
        "port 8000: the default of uvicorn",
        "uvicorn has to be installed for python3: there is no .venv and no requirements.txt",
        "health: the program serves /health",
    ]
    assert printed.startswith("\n  ".join([f"api: {lines[0]}", *lines[1:]]))
    assert "\n".join(f"# {line}" for line in lines) in (tmp_path / "pmtui.toml").read_text()


def test_a_config_above_is_named(tmp_path: Path) -> None:
    write(tmp_path, pmtui_toml="", api__main_py=FASTAPI)
    assert f"hint: {tmp_path}/pmtui.toml was used here so far" in command(tmp_path / "api", "init")


def test_an_installed_script_of_the_project_is_found(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "x"\n[project.scripts]\nagent = "x:main"\ngone = "x:y"\n'
    )
    (tmp_path / ".venv/bin").mkdir(parents=True)
    program = tmp_path / ".venv/bin/agent"
    program.write_text("#!/bin/sh\nsleep 600\n")
    program.chmod(0o755)
    assert init(tmp_path) == {"agent": {"command": ".venv/bin/agent"}}


@pytest.mark.parametrize("name", ["package.json", "pyproject.toml", "Procfile"])
def test_invalid_files_are_skipped(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"{\xff[")
    assert list(init(tmp_path)) == ["clock"]


def test_importable_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "ecosystem.config.js").touch()
    (tmp_path / "docker-compose.yml").touch()
    (tmp_path / "pb_data").mkdir()
    told = command(tmp_path, "init")
    assert "hint: ecosystem.config.js is here: pmtui import ecosystem.config.js makes a config of it\n" in told
    assert "hint: docker-compose.yml is here: its containers are docker's" in told
    assert "hint: PocketBase is here: 'pmtui plugin install -c pmtui.toml'" in told


@pytest.mark.parametrize("name", ["pmtui.toml", "pb_processes.json", "pb_data/pb_processes.json"])
def test_nothing_is_overwritten(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("mine")
    done = pmtui(tmp_path, "init")
    assert done.returncode == 1
    assert "already exists and is never overwritten" in done.stderr
    assert path.read_text() == "mine"
    assert os.listdir(tmp_path) == [name.split("/")[0]]


def test_an_unwritable_directory_is_reported(tmp_path: Path) -> None:
    done = pmtui(Path("/proc/self"), "init")
    assert done.returncode == 1
    assert "cannot write " in done.stderr

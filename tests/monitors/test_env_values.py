"""Values of `env` that are kept in files or behind commands: read at each start, and never shown."""

import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pmtui.config.load import load_config
from pmtui.config.model import ProcessConfig, ValueSource
from pmtui.control import Status
from pmtui.monitors import env_values
from tests.eventually import DEADLINE, eventually_async, eventually_awaited
from tests.managed import managed, row, running, sh, texts, until

VALUE = "tr0ub4dor-and-three"
FAILED = frozenset({Status.FAILED, Status.CRASHED})


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give commands as long as they need."""
    monkeypatch.setattr(env_values, "FETCH_TIMEOUT", DEADLINE)


def fetching(directory: Path, line: str, **sources: dict[str, Any]) -> ProcessConfig:
    """Configure a process that runs a line of shell with these values in its environment."""
    values = {name: ValueSource(**source, directory=str(directory)) for name, source in sources.items()}
    return msgspec.structs.replace(sh("a", line, cwd=str(directory), max_retries=0), env_sources=values)


async def test_values_come_from_files_and_commands_at_each_start(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("one\n\n")
    config = fetching(
        tmp_path,
        'echo "$KEY,$OTHER"; exec sleep 600',
        KEY={"file": "key"},
        OTHER={"command": [sys.executable, "-c", "print('two words')"]},
    )
    async with managed(config) as manager:
        await running(manager)
        await eventually_awaited(lambda: printed(manager, "one,two words"))
        (tmp_path / "key").write_text("changed")
        await manager.restart("a")
        await eventually_awaited(lambda: printed(manager, "changed,two words"))


async def printed(manager: Any, line: str) -> bool:
    return line in await texts(manager)


async def test_values_are_masked_everywhere(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(VALUE)
    line = "echo oops $PLAIN >&2; sleep 0.2; exit 3"
    config = msgspec.structs.replace(fetching(tmp_path, line, PLAIN={"file": "key"}), env={"URL": "x://${PLAIN}"})
    async with managed(config) as manager:
        await until(manager, lambda now: now.status in FAILED)
        detail = await manager.get("a")
        assert detail.env["PLAIN"] == "********"
        assert detail.config["env"]["PLAIN"] == "********"
        shown = msgspec.json.encode([detail, await row(manager), await manager.history("a")]).decode()
        assert VALUE not in shown
        assert "oops ********" in detail.last_error


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ({"file": "gone"}, "env.KEY of a: "),
        ({"command": ["/bin/sh", "-c", "echo locked >&2; exit 7"]}, "env.KEY of a: command /bin/sh: exit 7: locked"),
        ({"command": ["/no/such/program"]}, "env.KEY of a: command /no/such/program: "),
        ({"command": ["head", "-c", "200000", "/dev/zero"]}, "env.KEY of a: command head gave more than 100,000 bytes"),
        ({"command": ["printf", "a\\0b"]}, "env.KEY of a: command printf gave a NUL"),
    ],
    ids=["missing", "failing", "unknown", "long", "binary"],
)
async def test_a_value_that_cannot_be_had_is_a_failed_start(tmp_path: Path, source: dict[str, Any], error: str) -> None:
    async with managed(fetching(tmp_path, "touch started", KEY=source)) as manager:
        now = await until(manager, lambda now: now.status in FAILED)
        assert error in now.last_error
        assert not (tmp_path / "started").exists()


async def test_a_command_that_does_not_answer_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(env_values, "FETCH_TIMEOUT", 0.3)
    config = fetching(tmp_path, "true", KEY={"command": ["sh", "-c", "echo $$ > pid; exec sleep 600"]})
    async with managed(config) as manager:
        now = await until(manager, lambda now: now.status in FAILED)
        assert "command sh gave no value in 0.3 s" in now.last_error


async def test_a_stop_ends_the_fetching(tmp_path: Path) -> None:
    config = fetching(tmp_path, "touch started", KEY={"command": ["sh", "-c", "touch fetching; exec sleep 600"]})
    async with managed(config) as manager:
        await eventually_async((tmp_path / "fetching").exists)
        await manager.stop("a")
        await until(manager, lambda now: now.status is Status.STOPPED)
    assert not (tmp_path / "started").exists()


def test_paths_start_at_the_file_that_names_them(tmp_path: Path) -> None:
    (tmp_path / "services").mkdir()
    (tmp_path / "pmtui.toml").write_text(
        'include = ["services/a.toml"]\n[defaults.env]\nSHARED = { file = "shared" }\nPLAIN = "x"\n'
    )
    (tmp_path / "services/a.toml").write_text(
        '[process.a]\ncommand = "x"\nenv = { OWN = { command = ["cat", "own"] }, PLAIN = { file = "y" } }\n'
    )
    (config,) = load_config(tmp_path / "pmtui.toml").processes
    assert config.env == {}
    assert config.env_sources == {
        "SHARED": ValueSource(file="shared", directory=str(tmp_path)),
        "OWN": ValueSource(command=["cat", "own"], directory=str(tmp_path / "services")),
        "PLAIN": ValueSource(file="y", directory=str(tmp_path / "services")),
    }

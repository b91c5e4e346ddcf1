"""`pmtui plugin install | uninstall | status`."""

import contextlib
import shutil
import subprocess
from pathlib import Path

import pytest

from pmtui.pocketbase.hook_file import TEMPLATE
from tests.eventually import DEADLINE, eventually
from tests.pocketbase.conftest import Serve
from tests.pocketbase.host import PMTUI, plugin, write_config
from tests.running import running

FLAGS = "--allowJs --checkJs --noEmit --strict false --skipLibCheck --target es2021 --lib es2021,dom"


def test_install_writes_a_hook_without_a_secret_and_uninstall_removes_it(tmp_path: Path) -> None:
    hook = tmp_path / "pb_hooks" / "pmtui.pb.js"
    assert plugin(tmp_path, "install").returncode == 0
    assert f'const PMTUI = "{PMTUI}"' in hook.read_text()
    assert 'const CONFIG = ""' in hook.read_text()
    assert "@" not in hook.read_text().replace("@param", "").replace("@type", "")
    assert len(hook.read_text().splitlines()) < 200
    assert plugin(tmp_path, "uninstall").returncode == 0
    assert [*hook.parent.iterdir()] == []
    assert plugin(tmp_path, "uninstall").returncode == 0


def test_no_handler_has_a_body_that_older_versions_of_pocketbase_misread() -> None:
    """They lose the closing parenthesis of `(e) => (…)`, and load no hook at all."""
    lines = TEMPLATE.read_text().partition("function register()")[2].splitlines()
    assert not [line for line in lines if "=> (" in line]


def test_install_takes_another_directory_and_a_config(tmp_path: Path) -> None:
    app = tmp_path / 'an "app"'
    app.mkdir()
    assert plugin(tmp_path, "install", "-c", "agents/pmtui.toml", app.name).returncode == 0
    text = (app / "pb_hooks" / "pmtui.pb.js").read_text()
    assert f'const CONFIG = "{tmp_path}/agents/pmtui.toml"' in text
    assert plugin(tmp_path, "install", app.name).returncode == 0  # an older hook is overwritten
    assert 'const CONFIG = ""' in (app / "pb_hooks" / "pmtui.pb.js").read_text()


def test_what_is_not_ours_is_left_as_it_is(tmp_path: Path) -> None:
    hook = tmp_path / "pb_hooks" / "pmtui.pb.js"
    hook.parent.mkdir()
    hook.write_text("// mine\n")
    for verb in ("install", "uninstall", "status"):
        done = plugin(tmp_path, verb)
        assert (done.returncode, "was not written by pmtui" in done.stderr) == (1, True)
    assert hook.read_text() == "// mine\n"


def test_a_missing_directory_is_an_error(tmp_path: Path) -> None:
    done = plugin(tmp_path, "install", "nowhere")
    assert (done.returncode, "is not a directory" in done.stderr) == (1, True)
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("words", [[], ["explode"], ["install", "a", "b"]])
def test_bad_usage_is_2(tmp_path: Path, words: list[str]) -> None:
    assert plugin(tmp_path, *words).returncode == 2


def test_status_without_a_hook_is_1(tmp_path: Path) -> None:
    done = plugin(tmp_path, "status")
    assert (done.returncode, "plugin install" in done.stderr) == (1, True)


def test_status_of_a_hook_with_nothing_running_is_3(app: Path) -> None:
    write_config(app, [])
    done = plugin(app, "status")
    assert done.returncode == 3
    assert "PocketBase  does not run" in done.stdout


def test_status_names_what_runs_and_what_it_answers(serve: Serve, app: Path) -> None:
    pocketbase = serve([{"id": "ai-agent", "command": "sleep 600"}])

    def status() -> "subprocess.CompletedProcess[str] | None":
        """What it finds, once all have answered in time."""
        done = plugin(app.parent, "status", app.name)
        return done if done.returncode == 0 else None

    done = eventually(status)
    assert done
    assert f"pid {pocketbase.pid}, http://127.0.0.1:{pocketbase.port}: /api/health 200" in done.stdout
    assert f"web page http://127.0.0.1:{pocketbase.port}/_pm/ 200" in done.stdout
    assert f"; its page is http://127.0.0.1:{pocketbase.port}/_pm/" in pocketbase.log
    assert f"pid {pocketbase.manager}, ends with PocketBase, {pocketbase.instance['url']}: version" in done.stdout
    assert str(PMTUI) in done.stdout
    assert pocketbase.secret not in done.stdout


def test_status_with_a_manager_but_no_pocketbase_is_3(app: Path) -> None:
    with running(app, []) as manager:
        manager.wait_until_served()
        done = plugin(app, "status")
        assert done.returncode == 3
        assert f"pid {manager.pid}, was not started by this PocketBase" in done.stdout


@pytest.fixture(scope="session")
def tsc(tmp_path_factory: pytest.TempPathFactory) -> str:
    """TypeScript's compiler."""
    if found := shutil.which("tsc"):
        return found
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("there is no npm")
    folder = tmp_path_factory.mktemp("typescript")
    words = [npm, "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), "typescript"]
    with contextlib.suppress(subprocess.TimeoutExpired):
        if subprocess.run(words, capture_output=True, timeout=DEADLINE).returncode == 0:
            return str(folder / "node_modules" / ".bin" / "tsc")
    pytest.skip("npm cannot install typescript")


def test_the_hook_fits_the_types_that_pocketbase_declares(serve: Serve, app: Path, tsc: str) -> None:
    serve([])  # writes pb_data/types.d.ts
    hook = app / "checked" / "pmtui.pb.js"  # PocketBase restarts where its own copy is changed
    hook.parent.mkdir()
    shutil.copy(app / "pb_hooks" / "pmtui.pb.js", hook)

    def check() -> "subprocess.CompletedProcess[str]":
        return subprocess.run([tsc, *FLAGS.split(), str(hook)], cwd=app, capture_output=True, text=True)

    done = check()
    assert done.returncode == 0, done.stdout
    hook.write_text(hook.read_text().replace("escapedPath", "escapdPath"))
    assert "Did you mean 'escapedPath'?" in check().stdout

import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from pmtui.dashboard.app import DashboardApp
from pmtui.dashboard.keys import BindingError, parse_bindings, parse_key
from pmtui.dashboard.preferences import Preferences, Settings, default_path, edited, load_preferences
from tests.dashboard.scene import NOW, scene
from tests.dashboard.stage import FakeOwner, Stage


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "pmtui" / "ui.toml"


def written(path: Path, text: str) -> Preferences:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return load_preferences(path)


def test_nothing_is_there_at_first(path: Path) -> None:
    assert load_preferences(path) == Preferences(path=path)


def test_what_is_wrong_is_named_and_the_rest_applies(path: Path) -> None:
    found = written(
        path, 'theme = "nord"\nsrt = "cpu"\nwrap = 3\nsort = "cp"\n[keys]\nstopp = "x"\nfollow = ["hyper"]\n'
    )
    assert found.settings == Settings(theme="nord")
    assert [error.removeprefix(f"{path}: ") for error in found.errors] == [
        "unknown setting 'srt'; did you mean sort?",
        "wrap: Expected `bool`, got `int`",
        "unknown column 'cp'; did you mean cpu?",
        "keys: unknown action 'stopp'; see pmtui config keys",
        "keys.follow: unknown key 'hyper'",
    ]


@pytest.mark.parametrize("text", ["theme = ", "\x00", 'theme = "\xff'])
def test_a_file_that_cannot_be_read_is_left_alone(path: Path, text: str) -> None:
    path.parent.mkdir()
    path.write_bytes(text.encode("latin-1"))
    found = load_preferences(path)
    assert found.errors
    found.remember(theme="nord")
    assert path.read_bytes() == text.encode("latin-1")


def test_changes_are_written_and_comments_stay(path: Path) -> None:
    found = written(path, '# mine\ntheme = "nord" # nice\n\n[keys]\nrestart = "F5" # as ever\n')
    found.remember(theme="gruvbox", wrap=True, folded=("@a", "@b"))
    text = path.read_text()
    assert "# mine" in text
    assert 'restart = "F5" # as ever' in text
    assert tomllib.loads(text) == {
        "theme": "gruvbox",
        "wrap": True,
        "folded": ["@a", "@b"],
        "keys": {"restart": "F5"},
    }
    assert load_preferences(path).settings == found.settings
    found.remember(sort="cpu")
    found.remember(sort=None)
    assert "sort" not in tomllib.loads(path.read_text())


def test_an_empty_text_can_be_edited() -> None:
    assert edited("", {"wrap": True}) == "wrap = true\n"
    assert edited("[keys]\n", {"wrap": True}) == "wrap = true\n[keys]\n"


def test_the_file_is_in_the_config_directory_of_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert default_path() == tmp_path / "pmtui" / "ui.toml"
    monkeypatch.setenv("XDG_CONFIG_HOME", "relative")
    assert default_path() == Path.home() / ".config" / "pmtui" / "ui.toml"


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("r", "r"),
        ("R", "R"),
        ("/", "slash"),
        ("Space", "space"),
        ("F5", "f5"),
        ("Ctrl-R", "ctrl+r"),
        ("ctrl+shift+left", "ctrl+shift+left"),
        ("PgUp", "pageup"),
        ("slash", "slash"),
        ("-", "minus"),
        ("#", "number_sign"),
    ],
)
def test_keys_are_written_as_people_do(text: str, key: str) -> None:
    assert parse_key(text) == key


@pytest.mark.parametrize("text", ["", "rr", "Hyper-R", "\x01"])
def test_unknown_keys_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="unknown key"):
        parse_key(text)


def test_two_actions_with_one_key_are_refused() -> None:
    with pytest.raises(BindingError, match="restart and toggle_running both have s; give one of them another key"):
        parse_bindings({"restart": "s"})
    assert parse_bindings({"restart": "s", "toggle_running": "U"}) == {"restart": "s", "toggle_running": "U"}


async def test_keys_of_ones_own_work_and_are_shown(path: Path) -> None:
    control, logs = scene()
    preferences = written(path, '[keys]\nrestart = "F5"\ncopy = "Ctrl-Y"\n')
    app = DashboardApp(control, logs, FakeOwner(), clock=lambda: NOW, preferences=preferences)
    async with app.run_test() as pilot:
        shown = Stage(app, pilot, control, logs)
        await shown.shows("F5 Restart")
        await shown.press("r")
        assert control.calls == []
        await shown.press("f5")
        await shown.until(lambda: control.calls)


@asynccontextmanager
async def remembering(path: Path) -> AsyncIterator[Stage]:
    control, logs = scene()
    app = DashboardApp(control, logs, FakeOwner(), clock=lambda: NOW, preferences=load_preferences(path))
    async with app.run_test(size=(120, 36)) as pilot:
        shown = Stage(app, pilot, control, logs)
        await shown.until(lambda: app.main.table.ids)
        yield shown


async def test_what_keys_change_is_remembered_by_the_next_dashboard(path: Path) -> None:
    async with remembering(path) as shown:
        shown.app.main.table.select("ai-agent")
        await shown.press("T", "z", "t", "plus", "left")
        await shown.until(lambda: shown.app.preferences.settings.folded)
    async with remembering(path) as shown:
        settings = shown.app.preferences.settings
        assert (shown.app.theme, settings.wrap, settings.times, settings.table_rows) == ("pmtui-light", True, False, 1)
        assert shown.app.main.pane.render_options.wrap
        assert "node-worker" not in shown.app.main.table.ids


async def test_the_palette_previews_themes() -> None:
    control, logs = scene()
    app = DashboardApp(control, logs, FakeOwner(), clock=lambda: NOW)
    async with app.run_test(size=(80, 24)) as pilot:
        shown = Stage(app, pilot, control, logs)
        await shown.press("colon", *"Theme nord")
        await shown.until(lambda: app.theme == "nord")
        await shown.press("escape")
        await shown.until(lambda: app.theme == "pmtui")
        await shown.press("colon", *"Theme nord")
        await shown.until(lambda: app.theme == "nord")
        await shown.press("enter")
        await shown.until(lambda: app.preferences.settings.theme == "nord")
        assert app.theme == "nord"

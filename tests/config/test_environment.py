from pathlib import Path

import pytest

from pmtui.config.environment import build_environment, expand, injected_environment
from pmtui.config.model import ConfigError, PocketBase, ProcessConfig, Settings

NAMES = {"A": "1", "EMPTY": "", "NESTED": "${A}"}


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("${A}", "1"),
        ("x${A}y${A}", "x1y1"),
        ("$A $x $", "$A $x $"),
        ("$${A}", "${A}"),
        ("$$$$", "$$"),
        ("$$${A}", "$1"),
        ("${EMPTY}", ""),
        ("${EMPTY:-d}", "d"),
        ("${NONE:-a b:-c}", "a b:-c"),
        ("${NONE:-}", ""),
        ("${A:-d}", "1"),
        ("${A:?gone}", "1"),
        ("${NESTED}", "${A}"),
        ("a\nb", "a\nb"),
    ],
)
def test_a_reference_is_filled_in(template: str, value: str) -> None:
    assert expand(template, NAMES) == (value, [])


def test_an_unknown_name_is_empty_and_told() -> None:
    assert expand("<${NONE}>", NAMES) == ("<>", ["NONE"])


@pytest.mark.parametrize("template", ["${", "${A", "${}", "${A-d}", "${1}", "${a b}", "${NONE:-${A}}"])
def test_a_malformed_reference_is_an_error(template: str) -> None:
    with pytest.raises(ConfigError, match="cannot be expanded"):
        expand(template, NAMES)


@pytest.mark.parametrize("name", ["NONE", "EMPTY"])
def test_a_required_name_that_is_not_set_is_an_error_with_its_message(name: str) -> None:
    with pytest.raises(ConfigError, match=f"{name} is not set: see README"):
        expand(f"${{{name}:?see README}}", NAMES)


def environment(config: ProcessConfig, **base: str) -> tuple[dict[str, str], list[str]]:
    return build_environment(config, Settings(), base, {})


def test_later_sources_win(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("C=one\nD=one\nE=one")
    (tmp_path / "two").write_text("D=two\nE=two")
    config = ProcessConfig(id="a", command="x", folder=str(tmp_path), env_file=["one", "two"], env={"E": "env"})
    injected = {"A": "injected", "B": "injected", "C": "injected", "D": "injected", "E": "injected"}
    settings = Settings(env={"B": "settings", "C": "settings"})
    base = {"A": "base", "Z": "base"}
    assert build_environment(config, settings, base, injected) == (
        {"A": "injected", "Z": "base", "B": "settings", "C": "one", "D": "two", "E": "env"},
        [],
    )


def test_a_value_sees_what_comes_before_it(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("B=${A}2\nC='${A}'")
    env = {"PATH": "/mine:${PATH}", "D": "${B}3", "E": "${D}4", "F": "${G:-none}", "G": "later"}
    config = ProcessConfig(id="a", command="x", folder=str(tmp_path), env_file=[".env"], env=env)
    assert environment(config, A="1", PATH="/bin")[0] == {
        "A": "1",
        "PATH": "/mine:/bin",
        "B": "12",
        "C": "${A}",
        "D": "123",
        "E": "1234",
        "F": "none",
        "G": "later",
    }


def test_the_api_token_is_not_handed_on() -> None:
    assert environment(ProcessConfig(id="a", command="x"), PMTUI_TOKEN="secret", A="1")[0] == {"A": "1"}


def test_an_unknown_name_is_a_warning_that_says_where() -> None:
    config = ProcessConfig(id="web", command="x", env={"A": "${NOPE}"})
    assert environment(config) == ({"A": ""}, ["A in env of web: ${NOPE} is not set, so it is empty"])


def test_a_required_name_says_where_it_is_missing() -> None:
    config = ProcessConfig(id="web", command="x", env={"A": "${NOPE:?set it}"})
    with pytest.raises(ConfigError, match=r"^A in env of web: NOPE is not set: set it$"):
        environment(config)


def test_an_env_file_is_found_beside_the_config_or_in_cwd(tmp_path: Path) -> None:
    (tmp_path / "cwd").mkdir()
    (tmp_path / "cwd" / "near").write_text("A=cwd")
    (tmp_path / "cwd" / "both").write_text("B=cwd")
    (tmp_path / "both").write_text("B=config")
    config = ProcessConfig(
        id="a", command="x", folder=str(tmp_path), cwd=str(tmp_path / "cwd"), env_file=["near", "both"]
    )
    assert environment(config)[0] == {"A": "cwd", "B": "config"}


def test_a_missing_env_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=f"{tmp_path}/none does not exist"):
        environment(ProcessConfig(id="a", command="x", folder=str(tmp_path), env_file=["none"]))


def test_the_name_of_the_run_cannot_be_taken() -> None:
    config = ProcessConfig(id="a", command="x", env={"PMTUI_RUN": "mine"})
    assert build_environment(config, Settings(), {}, {"PMTUI_RUN": "r1"}) == (
        {"PMTUI_RUN": "r1"},
        ["PMTUI_RUN in the environment of a is pmtui's own: what was set is ignored"],
    )


def test_every_process_is_told_who_it_is() -> None:
    config = ProcessConfig(id="web-2", command="x", instance=2, folder="/srv/app")
    assert injected_environment(config, Settings(), "r7") == {
        "PMTUI_ID": "web-2",
        "PMTUI_INSTANCE": "2",
        "PMTUI_RUN": "r7",
        "PYTHONUNBUFFERED": "1",
        "PB_PORT": "8090",
        "PB_DATA_DIR": "/srv/app/pb_data",
    }


@pytest.mark.parametrize(
    ("folder", "data_dir", "found"),
    [("/srv/pb_data", None, "/srv/pb_data"), ("/srv", "../db", "/db"), ("/srv", "/x", "/x")],
)
def test_the_data_folder_is_absolute(folder: str, data_dir: str | None, found: str) -> None:
    settings = Settings(pocketbase=PocketBase(data_dir=data_dir))
    config = ProcessConfig(id="a", command="x", folder=folder)
    assert injected_environment(config, settings, "r")["PB_DATA_DIR"] == found


def test_the_dsn_is_handed_on_and_expanded() -> None:
    settings = Settings(pocketbase=PocketBase(dsn="postgres://u:${PW}@h/db"))
    config = ProcessConfig(id="a", command="x", folder="/srv")
    injected = injected_environment(config, settings, "r")
    assert build_environment(config, settings, {"PW": "1"}, injected)[0]["DB_DSN"] == "postgres://u:1@h/db"

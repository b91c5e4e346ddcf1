from pathlib import Path

import pytest

from pmtui.config.load import load_config
from tests.pocketbase.host import write_config


def load(folder: Path, *pocketbases: object) -> tuple[list[str], list[str]]:
    """The ids of the good entries, and the errors."""
    entries = [
        {"id": f"p{n}", "command": "true", "port": 8001 + n, "pocketbase": value} for n, value in enumerate(pocketbases)
    ]
    write_config(folder, entries)
    loaded = load_config(folder / "pb_processes.json")
    return [config.id for config in loaded.processes], [str(problem) for problem in loaded.errors]


@pytest.mark.parametrize("route", ["/a", "/api/agent", "/api/agent/v1.0/x_y-z", "/api/collections2", "/logs"])
def test_a_route_is_segments_of_plain_characters(tmp_path: Path, route: str) -> None:
    assert load(tmp_path, {"route": route}, {"route": f"{route}/more", "auth": "none"}) == (["p0", "p1"], [])


@pytest.mark.parametrize(
    "route", ["", "/", "api", "/api/", "/a//b", "/a b", "/ä", "/a/{x}", "/a/../b", "/.", "/a?b", "/a\n", 7, None]
)
def test_anything_else_is_an_error(tmp_path: Path, route: object) -> None:
    ids, errors = load(tmp_path, {"route": route})
    assert (ids, len(errors)) == ([], 1)
    assert errors[0].startswith("processes[0].pocketbase.route: expected a path such as /api/agent")


@pytest.mark.parametrize("route", ["/api", "/api/pm", "/api/pm/x", "/api/collections", "/api/health", "/_", "/_pm/log"])
def test_what_is_pocketbases_own_is_an_error(tmp_path: Path, route: str) -> None:
    ids, errors = load(tmp_path, {"route": route})
    assert (ids, len(errors)) == ([], 1)
    assert "belongs to PocketBase" in errors[0]


def test_two_entries_cannot_have_one_route(tmp_path: Path) -> None:
    ids, errors = load(tmp_path, {"route": "/api/agent"}, {"route": "/api/agent"})
    assert ids == ["p0"]
    assert errors == ["processes[1].pocketbase.route: /api/agent is the route of processes[0] too"]


def test_a_route_needs_a_port(tmp_path: Path) -> None:
    for ports, is_good in (({}, False), ({"port": "auto"}, True), ({"ports": {"admin": 8001}}, True)):
        write_config(tmp_path, [{"id": "a", "command": "true", "pocketbase": {"route": "/a"}, **ports}])
        loaded = load_config(tmp_path / "pb_processes.json")
        assert [config.id for config in loaded.processes] == (["a"] if is_good else [])
        assert is_good or "has no port" in str(loaded.errors[0])


def test_a_route_is_required_and_the_right_has_a_name(tmp_path: Path) -> None:
    ids, errors = load(tmp_path, {}, {"route": "/a", "auth": "admin"}, "/api/agent")
    assert ids == []
    assert errors[0] == "processes[0].pocketbase: has no route; add one such as /api/agent"
    assert "expected one of superuser, user, none" in errors[1]


@pytest.mark.parametrize(
    ("url", "is_good"),
    [
        ("http://127.0.0.1:8090", True),
        ("https://pb.example/", True),
        ("127.0.0.1:8090", False),
        ("http://user:secret@127.0.0.1", False),
        ("http://127.0.0.1/x", False),
        (8090, False),
    ],
)
def test_the_url_of_a_pocketbase_is_an_address(tmp_path: Path, url: object, is_good: bool) -> None:
    write_config(tmp_path, {"settings": {"pocketbase": {"url": url}}, "processes": []})
    loaded = load_config(tmp_path / "pb_processes.json")
    assert bool(loaded.errors) is not is_good
    assert loaded.settings.pocketbase.url == (str(url).rstrip("/") if is_good else None)
    assert not any("secret" in str(problem) for problem in loaded.errors)

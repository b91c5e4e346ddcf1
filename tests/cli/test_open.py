"""`pmtui open`, with a browser that writes down what it is given."""

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.shell import pmtui
from tests.eventually import eventually
from tests.running import Running, running

NO_BROWSER = {"BROWSER": "", "DISPLAY": "", "WAYLAND_DISPLAY": ""}
BROWSER = """#!/usr/bin/env python3
import json, os, sys, urllib.parse
path = urllib.parse.urlsplit(sys.argv[1]).path
told = {"arguments": sys.argv, "mode": os.stat(path).st_mode, "page": open(path).read()}
with open("told.new", "w") as file:
    json.dump(told, file)
os.rename("told.new", "told.json")
"""


@pytest.fixture
def browser(tmp_path: Path) -> Path:
    path = tmp_path / "browser"
    path.write_text(BROWSER)
    path.chmod(0o755)
    return path


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Running]:
    with running(tmp_path, []) as manager:
        manager.wait_until_served()
        yield manager


def address_of(manager: Running) -> str:
    return f"{manager.url}/#token={(manager.data / 'token').read_text().strip()}"


def test_without_a_browser_the_address_is_printed(manager: Running) -> None:
    done = pmtui(manager.folder, "open", **NO_BROWSER)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{address_of(manager)}\n", "")


def test_the_browser_gets_a_private_file_that_leads_on(manager: Running, browser: Path, tmp_path: Path) -> None:
    done = pmtui(manager.folder, "open", **NO_BROWSER | {"BROWSER": str(browser), "TMPDIR": str(tmp_path)})
    assert (done.returncode, done.stdout) == (0, f"{address_of(manager)}\n"), done.stderr
    eventually((tmp_path / "told.json").exists)
    told = json.loads((tmp_path / "told.json").read_text())
    assert stat.S_IMODE(told["mode"]) == 0o600
    assert f'content="0;url={address_of(manager)}"' in told["page"]
    token = address_of(manager).rpartition("=")[2]
    assert token not in str(told["arguments"])
    assert not [pid for pid in os.listdir("/proc") if pid.isdecimal() and token in command_line(pid)]


def command_line(pid: str) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace")
    except OSError:
        return ""


def test_a_token_of_your_own_is_handed_over_too(tmp_path: Path) -> None:
    with running(tmp_path, [], env={"PMTUI_TOKEN": "my/own+token"}) as manager:
        eventually(lambda: (manager.data / "instance.json").exists())
        eventually(lambda: pmtui(tmp_path, "list", PMTUI_TOKEN="my/own+token").returncode == 0)
        done = pmtui(tmp_path, "open", PMTUI_TOKEN="my/own+token", **NO_BROWSER)
        assert done.stdout == f"{manager.url}/#token=my%2Fown%2Btoken\n"
        assert pmtui(tmp_path, "open", PMTUI_TOKEN="wrong", **NO_BROWSER).returncode == 1


def test_without_a_manager_it_is_3(tmp_path: Path) -> None:
    done = pmtui(tmp_path, "open", **NO_BROWSER)
    assert (done.returncode, done.stdout) == (3, "")


def test_without_a_page_it_says_so(tmp_path: Path) -> None:
    with running(tmp_path, [], "--no-web") as manager:
        manager.wait_until_served()
        done = pmtui(tmp_path, "open", **NO_BROWSER)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "pmtui: this manager serves no web page; start it without --no-web (or with web = true)\n"

"""The manager behind the dashboard, in a real pseudo-terminal."""

import json
import os
import signal
from pathlib import Path

from tests.dashboard.terminal import SLEEPERS, terminal

TALKER = "[process.web]\ncommand = \"sh -c 'echo hello; exec sleep 600'\"\n"


def test_a_warning_logged_before_the_first_screen_is_a_toast(tmp_path: Path) -> None:
    (tmp_path / ".pmtui/logs/web-stdout.log").mkdir(parents=True)
    with terminal(tmp_path, TALKER, size=(150, 30)) as shown:
        shown.shows("cannot write")


def test_a_later_warning_is_a_toast(tmp_path: Path) -> None:
    with terminal(tmp_path, SLEEPERS, size=(150, 30)) as shown:
        shown.shows("2 running")
        os.kill(json.loads((tmp_path / ".pmtui/state.json").read_text())["guardian"], signal.SIGKILL)
        shown.shows("the guardian (pid")

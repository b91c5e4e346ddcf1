"""The dashboard in a real pseudo-terminal: however it ends, nothing is left and all is restored."""

import re
import signal
import time
from pathlib import Path

import pytest

from pmtui.dashboard.terminal.signals import exit_on_signals
from pmtui.runtime.exit_signals import SAME_SIGNAL_INTERVAL, ExitSignals
from tests.dashboard.stage import FakeOwner
from tests.dashboard.terminal import STUBBORN, ignores_sigterm, terminal, workers
from tests.eventually import eventually


def both_run(folder: Path) -> bool:
    return len(workers(folder)) == 2


def test_quitting_ends_everything_and_restores_the_terminal(tmp_path: Path) -> None:
    with terminal(tmp_path) as shown:
        shown.shows("2 running")
        shown.press(b"q")
        shown.shows("This stops")
        shown.press(b"y")
        assert shown.ends() == 0
        assert workers(tmp_path) == []
        eventually(shown.is_restored)


def test_the_second_signal_does_not_wait_for_the_stubborn(tmp_path: Path) -> None:
    with terminal(tmp_path, f'{STUBBORN}stopTimeout = "1h"\n') as shown:
        eventually(lambda: ignores_sigterm(tmp_path))
        shown.process.send_signal(signal.SIGTERM)
        shown.shows("stopping")
        time.sleep(SAME_SIGNAL_INTERVAL)
        assert workers(tmp_path)
        shown.process.send_signal(signal.SIGTERM)
        assert shown.ends() == 0
        assert workers(tmp_path) == []


def test_two_signals_at_once_are_one(monkeypatch: pytest.MonkeyPatch) -> None:
    now, owner = [0.0], FakeOwner()
    monkeypatch.setattr("pmtui.dashboard.terminal.signals.ExitSignals", lambda: ExitSignals(lambda: now[0]))
    with exit_on_signals(owner):
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
        assert owner.asked == 1
        now[0] += SAME_SIGNAL_INTERVAL
        signal.raise_signal(signal.SIGTERM)
        assert owner.asked == 2


def test_bytes_that_are_not_utf_8_do_no_harm(tmp_path: Path) -> None:
    with terminal(tmp_path) as shown:
        shown.press(b"\xff\xfe\x80\x1b[M \xff\xfe\x1b[\xc3\x28\x1b]\xf0\x9f" + bytes(range(128, 256)))
        shown.press(b"\x1b\x1b")
        shown.press_until_shown(b"?", "Keys")


def test_ctrl_c_twice_ends_everything(tmp_path: Path) -> None:
    with terminal(tmp_path) as shown:
        eventually(lambda: both_run(tmp_path))
        shown.press(b"\x03")
        shown.shows("again")
        assert both_run(tmp_path)
        shown.press(b"\x03\x03")  # the first one may be too late to be the second
        assert shown.ends() == 0
        assert workers(tmp_path) == []
        eventually(shown.is_restored)


def test_a_terminal_that_does_not_read_keeps_nobody_from_leaving(tmp_path: Path) -> None:
    config = '[process.flood]\ncommand = "yes"\n'
    with terminal(tmp_path, config) as shown:
        shown.shows("running")
        shown.stall()
        eventually(shown.is_full)
        shown.process.send_signal(signal.SIGTERM)
        eventually(lambda: not workers(tmp_path))
        assert shown.ends() == 0
        shown.read_on()
        eventually(lambda: shown.attributes() == shown.before)


def test_no_colour_means_no_hue(tmp_path: Path) -> None:
    with terminal(tmp_path, NO_COLOR="1") as shown:
        shown.shows("running")
        for red, green, blue in re.findall(rb"[34]8;2;(\d+);(\d+);(\d+)[m;]", shown.output):
            assert red == green == blue


def test_no_config_tells_how_to_begin(tmp_path: Path) -> None:
    with terminal(tmp_path, None) as shown:
        shown.shows("No config here yet")
        shown.shows("pb_processes.json")


def test_a_broken_config_tells_its_errors(tmp_path: Path) -> None:
    with terminal(tmp_path, "[process.web]\ncomand = 7\n", size=(200, 30)) as shown:
        shown.shows("has errors")
        shown.shows("did you mean")

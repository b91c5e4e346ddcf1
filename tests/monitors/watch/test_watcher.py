import threading
from pathlib import Path

from pmtui.monitors.watch.watcher import FileWatcher
from tests.eventually import DEADLINE, eventually


def test_nothing_is_missed_while_a_replaced_file_is_watched_anew(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    replaced, beside = tmp_path / "agent.py", tmp_path / "src/other.py"
    replaced.touch()
    told, armed = set[str](), threading.Event()

    def on_change(paths: set[str]) -> None:
        told.update(paths)
        if str(replaced) in paths and not beside.exists():
            beside.touch()  # before the watcher has begun to watch the file again

    lookout = FileWatcher([str(replaced), str(beside.parent)], on_change, armed.set)
    try:
        assert armed.wait(DEADLINE)
        replaced.write_text("pass")
        eventually(lambda: str(beside) in told)
    finally:
        lookout.close()
        lookout.join()

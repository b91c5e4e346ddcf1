"""The tab of the runs of a job."""

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from pmtui.control import JobRun, last_run_text
from pmtui.dashboard.style import formats
from pmtui.dashboard.style.formats import printable
from pmtui.dashboard.style.glyphs import Glyphs, Tone
from pmtui.dashboard.style.styles import Styles

TITLES = ("RUN", "STARTED", "TRIGGER", "EXIT", "RESULT")


def runs_table(runs: Sequence[JobRun], styles: Styles, glyphs: Glyphs, now: float) -> Table | Text:
    """List the runs that have ended, newest first."""
    if not runs:
        return Text("No run has ended yet.", style=styles["dim"])
    table = Table(*TITLES, box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style=styles["dim"])
    for column in table.columns[:-1]:
        column.no_wrap = True
    for run in runs:
        tone: Tone = "bad" if run.reason else "text"
        symbol = glyphs.bad if run.reason else glyphs.good
        ended = run.signal or ("" if run.exit_code is None else str(run.exit_code))
        result = printable(last_run_text(run, run.reason).removeprefix("last "))
        table.add_row(
            Text(str(run.run), style=styles["dim"]),
            Text(formats.day_time(run.start_time, now), style=styles["dim"]),
            Text(run.trigger, style=styles["text"]),
            Text(ended, style=styles[tone]),
            Text(f"{symbol} {result}", style=styles[tone]),
        )
    return table

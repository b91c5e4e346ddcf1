"""`pmtui start --wait`: wait until the runs of jobs have ended, and find out with which exit code."""

from collections.abc import Iterable, Sequence

from pmtui.cli.base import DONE, FAILURE
from pmtui.cli.waiting import BAD, GOOD, Kind, Rows, Verdict, exit_code, judge_start
from pmtui.client.http_client import HttpClient, process_path
from pmtui.control import JobRun, Reason, Snapshot, Status
from pmtui.text.units import signal_number

RETRY_REASONS = frozenset({Reason.CRASH, Reason.EXIT, Reason.HEALTH, Reason.MEMORY, Reason.DEADLINE})


class JobWait:
    """Judges processes from the state that they had before they were started; those without a schedule as ever."""

    def __init__(self, client: HttpClient, before: Iterable[Snapshot]) -> None:
        self._client = client
        self._last = {row.id: row.last_run.run if row.last_run else 0 for row in before}
        self._codes: dict[str, int] = {}

    def judge(self, row: Snapshot, rows: Rows) -> Verdict | None:
        if row.schedule is None:
            return judge_start(row, rows)
        last = self._last.get(row.id, 0)
        if row.last_run is None or row.last_run.run <= last:
            return BAD if row.status in (Status.SCHEDULED, Status.STOPPED) else None
        runs = self._client.get(process_path(row.id, "runs"), list[JobRun])
        end = final_run([run for run in reversed(runs) if run.run > last], row)
        if end is None:
            return None
        self._codes[row.id] = code_of(end)
        return GOOD if not end.reason else BAD

    def exit_code(self, kinds: Iterable[Kind]) -> int:
        """Return the exit code of the first job that did not end with 0, or else that of all outcomes."""
        code = exit_code(kinds)
        return next((found for found in self._codes.values() if found), code) if code in (DONE, FAILURE) else code


def final_run(runs: Sequence[JobRun], row: Snapshot) -> JobRun | None:
    """Return the last one of the first run and its retries, oldest first; None if another retry follows."""
    retries = 0
    while retries + 1 < len(runs) and runs[retries + 1].trigger == "retry":
        retries += 1
    if retries + 1 < len(runs) or row.status in (Status.SCHEDULED, Status.STOPPED):
        return runs[retries]
    is_retried = row.status is Status.CRASHED or row.restart_reason in RETRY_REASONS
    return None if is_retried else runs[retries]


def code_of(run: JobRun) -> int:
    """Return the exit code as a shell does: 128 + n for signal n, 1 if the program could not be started."""
    if run.exit_code is not None:
        return run.exit_code
    try:
        return 128 + signal_number(run.signal or "")
    except ValueError:
        return FAILURE

"""Translate when pm2 restarts, stops, watches and logs."""

import os
import re
from typing import Any

from pmtui.importers.builder import ImportContext, ProcessBuilder, is_off, seconds
from pmtui.importers.shell_words import split_words
from pmtui.text.units import parse_duration, parse_size

_NO_GLOB = re.compile(r"[\\^$|+()]|^/.*/[a-z]*$|\.\*")
_ANYWAY = {
    "treekill": "the whole tree is always ended",
    "disable_trace": "pmtui changes nothing within a process",
    "event_loop_inspector": "pmtui changes nothing within a process",
    "execute_command": "a process is no module of node",
    "io": "about the service of pm2",
    "kill_retry_time": "a stop waits for the end of the process",
    "username": "who runs it is seen from user",
    "write": "about pm2 itself",
    "time": "each line of a log has its time",
    "log_date_format": "each line of a log has its time, RFC 3339",
    "merge_logs": "a log a process; the dashboard shows them merged",
    "combine_logs": "a log a process; the dashboard shows them merged",
    "vizion": "pmtui looks at no version control",
    "windowsHide": "pmtui has no windows",
    "force": "one file may be run by any number of processes",
    "pmx": "pmtui changes nothing within a process",
    "automation": "pmtui changes nothing within a process",
    "trace": "pmtui changes nothing within a process",
    "v8": "pmtui changes nothing within a process",
}
_CONVERTED = {
    "disable_logs",
    "exec_interpreter",
    "exec_mode",
    "exp_backoff_restart_delay",
    "ignore_watch",
    "interpreter_args",
    "kill_timeout",
    "max_memory_restart",
    "max_restarts",
    "min_uptime",
    "node_args",
    "restart_delay",
    "stop_exit_codes",
    "watch_delay",
}
_DOTFILES = ".*"
_GLOB = re.compile(r"[*?\[{]")
_NO_FILE = ("/dev/null", "NULL")
_LOG = "logs are in .pmtui/logs"
_LOST = {
    "out_file": _LOG,
    "output": _LOG,
    "out": _LOG,
    "error_file": _LOG,
    "error": _LOG,
    "err_file": _LOG,
    "log_file": _LOG,
    "log": _LOG,
    "log_type": "logs are text; pmtui --log-format json gives JSON",
    "pid_file": "pids are in the API and in pmtui list --json",
    "pid": "pids are in the API and in pmtui list --json",
    "wait_ready": "pmtui has no channel into node: give it a health check",
    "listen_timeout": "belongs to wait_ready: health.startPeriod",
    "shutdown_with_message": "a stop is a signal: stopSignal",
    "source_map_support": "set NODE_OPTIONS=--enable-source-maps in env",
    "disable_source_map_support": "pmtui changes nothing within a process",
    "instance_var": "the number of an instance is in PMTUI_INSTANCE",
    "increment_var": "make it from PMTUI_INSTANCE",
    "append_env_to_name": "the id is the name",
    "post_update": "pmtui deploys nothing",
    "filter_env": "processes inherit the manager's environment",
    "watch_options": "watching needs no options; settings.watchPolling is for mounts without events",
    "deep_monitoring": "pmtui changes nothing within a process",
    "install_url": "pmtui installs no modules",
    "name_prefix": "the id is the name",
}

FIELDS = frozenset({*_ANYWAY, *_LOST, *_CONVERTED})
"""Fields of more than one word, which pm2 takes in camelCase as well."""


def convert_policy(entry: ProcessBuilder, origin: ImportContext) -> None:
    _restarts(entry)
    _times(entry)
    _watching(entry, origin)
    _owner(entry)
    _logs(entry)
    if entry.peek("treekill") is False:
        entry.pop("treekill")
        entry.add_loss("treekill", "false: the whole tree is always ended")
    entry.account_for(_ANYWAY, _LOST)


def _logs(entry: ProcessBuilder) -> None:
    files = [entry.peek("out_file") or entry.peek("output"), entry.peek("error_file") or entry.peek("error")]
    if entry.pop("disable_logs") is True or all(file in _NO_FILE for file in files):
        for key in ("out_file", "output", "error_file", "error"):
            entry.pop(key)
        entry.set_table_fields("disable_logs", "log", file=False)


def _restarts(entry: ProcessBuilder) -> None:
    codes = entry.pop("stop_exit_codes")
    if entry.pop("autostart") is False:
        entry.set_fields("autostart", autostart=False)
    is_restarted = entry.pop("autorestart") is not False
    _schedule(entry, is_restarted)
    if not is_restarted:
        entry.set_fields("autorestart", restart="never")
    elif not is_off(codes):
        numbers = [int(code) for code in (codes if isinstance(codes, list) else [codes]) if str(code).isdecimal()]
        entry.set_fields("stop_exit_codes", restart="on-failure", successExitCodes=numbers)
    most = entry.pop("max_restarts")
    count = int(most) if str(most).isdecimal() else 16
    entry.set_fields("max_restarts" if most is not None else "pm2's default of max_restarts", maxRetries=count)
    memory = entry.pop("max_memory_restart")
    if not is_off(memory):
        _size(entry, memory)
    if namespace := entry.pop("namespace"):
        entry.set_fields("namespace", group=str(namespace))


def _schedule(entry: ProcessBuilder, is_restarted: bool) -> None:
    times = [entry.pop(name) for name in ("cron_restart", "cron")]
    schedule = next((str(time) for time in times if time not in (None, False, 0, "0", "")), None)
    if schedule is None:
        return
    if is_restarted:
        reason = f'one that runs is not restarted by time: a job with this schedule can run "pmtui restart {entry.id}"'
        entry.add_loss("cron_restart", reason)
    else:
        entry.set_fields("cron_restart", "runs at these times only, not also at the start", schedule=schedule)


def _size(entry: ProcessBuilder, value: Any) -> None:
    try:
        entry.set_fields("max_memory_restart", "of the whole tree", maxMemory=_written_size(parse_size(value)))
    except ValueError:
        entry.add_loss("max_memory_restart", "is not a size")


def _written_size(size: int) -> int | str:
    return size if size % (1 << 20) else f"{size >> 20}M"


def _times(entry: ProcessBuilder) -> None:
    kill = _duration(entry, "kill_timeout")
    given = "kill_timeout" if kill is not None else "pm2's default of kill_timeout"
    entry.set_fields(
        given, "pm2 stops by SIGINT", stopSignal="SIGINT", stopTimeout=seconds(1.6 if kill is None else kill)
    )
    uptime = _duration(entry, "min_uptime")
    given = "min_uptime" if uptime is not None else "pm2's default of min_uptime"
    reason = "at least 1s" if uptime is not None and uptime < 1 else ""
    entry.set_fields(given, reason, healthyAfter=seconds(max(1.0, uptime or 1.0)))
    delay, growing = _duration(entry, "restart_delay"), _duration(entry, "exp_backoff_restart_delay")
    if growing:
        reason = "doubles each time; pm2's grows by half"
        entry.set_fields(
            "exp_backoff_restart_delay", reason, backoff=seconds(growing), maxBackoff=seconds(max(15.0, growing))
        )
        if delay:
            entry.add_loss("restart_delay", "exp_backoff_restart_delay wins, as in pm2")
    elif delay:
        entry.set_fields("restart_delay", backoff=seconds(delay), maxBackoff=seconds(delay))
    else:
        entry.add_remark("restart_delay", "none in pm2; here 1s, doubled with each failure, so that nothing spins")


def _duration(entry: ProcessBuilder, key: str) -> float | None:
    """Parse milliseconds, or a text such as 10s."""
    value = entry.pop(key)
    if is_off(value):
        return None
    try:
        if isinstance(value, int | float) or str(value).strip().isdecimal():
            return parse_duration(float(value) / 1000)
        return parse_duration(value)
    except ValueError:
        entry.add_loss(key, "is not a duration")
        return None


def _watching(entry: ProcessBuilder, origin: ImportContext) -> None:
    watch, ignored = entry.pop("watch"), entry.pop("ignore_watch")
    if watch is True:
        entry.set_fields("watch", devMode=True)
    elif not is_off(watch):
        _watched(entry, split_words(watch), origin)
    if not is_off(ignored):
        _ignored(entry, split_words(ignored))
    elif not is_off(watch):
        entry.set_fields("pm2's default of ignore_watch", "files whose name begins with a dot", watchIgnore=[_DOTFILES])
    delay = _duration(entry, "watch_delay")
    if delay:
        entry.set_fields("watch_delay", watchDebounce=seconds(delay))


def _watched(entry: ProcessBuilder, paths: list[str], origin: ImportContext) -> None:
    """Watch paths, which start at the folder of the process."""
    folder = str(entry.fields.get("cwd", ""))
    found = [
        os.path.normpath(os.path.join(folder, path)) if folder else origin.path(path)
        for path in paths
        if not _GLOB.search(path)
    ]
    entry.set_fields("watch", devMode=True, **({"watchPaths": found} if found else {}))
    for path in paths:
        if _GLOB.search(path):
            entry.add_loss("watch", f"{path} is a pattern: watchPaths takes folders and files, watchIgnore patterns")


def _ignored(entry: ProcessBuilder, patterns: list[str]) -> None:
    globs = [pattern for pattern in patterns if not _NO_GLOB.search(pattern)]
    if globs:
        entry.set_fields("ignore_watch", watchIgnore=globs)
    for pattern in patterns:
        if pattern not in globs:
            entry.add_loss("ignore_watch", f"a regular expression, watchIgnore takes globs: {pattern}")


def _owner(entry: ProcessBuilder) -> None:
    user, group = entry.pop("uid") or entry.pop("user"), entry.pop("gid")
    if user is None and group is None:
        return
    if user is None:
        entry.add_loss("gid", "a group needs a user here: user = name:group")
        return
    entry.set_fields(
        "uid", "pmtui has to run as root for that", user=f"{user}:{group}" if group is not None else str(user)
    )

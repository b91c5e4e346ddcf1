"""When pm2 restarts, stops, watches and logs, in our words."""

import re
from typing import Any

from pmtui.importers.builder import Entry, Origin, is_off, seconds
from pmtui.importers.shell_words import split
from pmtui.text.units import parse_duration, parse_size

_NO_GLOB = re.compile(r"[\\^$|+()]|^/.*/[a-z]*$|\.\*")
_ANYWAY = {
    "treekill": "the whole tree is always ended",
    "time": "each line of a log has its time",
    "log_date_format": "each line of a log has its time, RFC 3339",
    "merge_logs": "a log a process; the dashboard shows them merged",
    "combine_logs": "a log a process; the dashboard shows them merged",
    "vizion": "pmtui looks at no version control",
    "windowsHide": "there is no window",
    "force": "one file may be run by any number of processes",
    "pmx": "pmtui changes nothing within a process",
    "automation": "pmtui changes nothing within a process",
    "trace": "pmtui changes nothing within a process",
}
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
    "cron_restart": "there is no schedule: let cron call pmtui restart",
    "cron": "there is no schedule: let cron call pmtui restart",
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
    "watch_options": "watching needs no options",
}


def put_policy(entry: Entry, origin: Origin) -> None:
    _restarts(entry)
    _times(entry)
    _watching(entry, origin)
    _owner(entry)
    entry.settle(_ANYWAY, _LOST)


def _restarts(entry: Entry) -> None:
    codes = entry.take("stop_exit_codes")
    if entry.take("autostart") is False:
        entry.put("autostart", autostart=False)
    if entry.take("autorestart") is False:
        entry.put("autorestart", restart="never")
    elif not is_off(codes):
        numbers = [int(code) for code in (codes if isinstance(codes, list) else [codes]) if str(code).isdecimal()]
        entry.put("stop_exit_codes", restart="on-failure", successExitCodes=numbers)
    most = entry.take("max_restarts")
    count = int(most) if str(most).isdecimal() else 16
    entry.put("max_restarts" if most is not None else "pm2's default of max_restarts", maxRetries=count)
    memory = entry.take("max_memory_restart")
    if not is_off(memory):
        _size(entry, memory)
    if namespace := entry.take("namespace"):
        entry.put("namespace", group=str(namespace))


def _size(entry: Entry, value: Any) -> None:
    try:
        entry.put("max_memory_restart", "of the whole tree", maxMemory=_written_size(parse_size(value)))
    except ValueError:
        entry.lose("max_memory_restart", "is no size")


def _written_size(size: int) -> int | str:
    return size if size % (1 << 20) else f"{size >> 20}M"


def _times(entry: Entry) -> None:
    kill = _duration(entry, "kill_timeout")
    given = "kill_timeout" if kill is not None else "pm2's default of kill_timeout"
    entry.put(given, "pm2 stops by SIGINT", stopSignal="SIGINT", stopTimeout=seconds(1.6 if kill is None else kill))
    uptime = _duration(entry, "min_uptime")
    given = "min_uptime" if uptime is not None else "pm2's default of min_uptime"
    entry.put(given, healthyAfter=seconds(1.0 if uptime is None else uptime))
    delay, growing = _duration(entry, "restart_delay"), _duration(entry, "exp_backoff_restart_delay")
    if growing:
        reason = "doubles each time; pm2's grows by half"
        entry.put("exp_backoff_restart_delay", reason, backoff=seconds(growing), maxBackoff=seconds(max(15.0, growing)))
        if delay:
            entry.lose("restart_delay", "exp_backoff_restart_delay wins, as in pm2")
    elif delay:
        entry.put("restart_delay", backoff=seconds(delay), maxBackoff=seconds(delay))
    else:
        entry.remark("restart_delay", "none in pm2; here 1s, doubled with each failure, so that nothing spins")


def _duration(entry: Entry, key: str) -> float | None:
    """Milliseconds, or a text such as 10s."""
    value = entry.take(key)
    if is_off(value):
        return None
    try:
        if isinstance(value, int | float) or str(value).strip().isdecimal():
            return parse_duration(float(value) / 1000)
        return parse_duration(value)
    except ValueError:
        entry.lose(key, "is no duration")
        return None


def _watching(entry: Entry, origin: Origin) -> None:
    watch, ignored = entry.take("watch"), entry.take("ignore_watch")
    if watch is True:
        entry.put("watch", devMode=True)
    elif not is_off(watch):
        entry.put("watch", devMode=True, watchPaths=[origin.path(path) for path in split(watch)])
    if not is_off(ignored):
        _ignored(entry, split(ignored))
    delay = _duration(entry, "watch_delay")
    if delay:
        entry.put("watch_delay", watchDebounce=seconds(delay))


def _ignored(entry: Entry, patterns: list[str]) -> None:
    globs = [pattern for pattern in patterns if not _NO_GLOB.search(pattern)]
    if globs:
        entry.put("ignore_watch", watchIgnore=globs)
    for pattern in patterns:
        if pattern not in globs:
            entry.lose("ignore_watch", f"a regular expression, watchIgnore takes globs: {pattern}")


def _owner(entry: Entry) -> None:
    user, group = entry.take("uid") or entry.take("user"), entry.take("gid")
    if user is None and group is None:
        return
    if user is None:
        entry.lose("gid", "a group needs a user here: user = name:group")
        return
    entry.put("uid", "pmtui has to run as root for that", user=f"{user}:{group}" if group is not None else str(user))

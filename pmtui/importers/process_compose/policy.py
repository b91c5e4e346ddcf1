"""When process-compose starts, restarts, stops and watches, in our words."""

import signal

from pmtui.importers.builder import Entry, Origin, is_off, table, texts, whole
from pmtui.importers.process_compose.templates import Text
from pmtui.importers.shell_words import split

_RESTART = {"always": "always", "on_failure": "on-failure", "exit_on_failure": "never", "no": "never"}
_CONDITIONS = {
    "process_started": "started",
    "process_healthy": "healthy",
    "process_log_ready": "healthy",
    "process_completed": "completed",
    "process_completed_successfully": "succeeded",
}
_ANYWAY = {
    "description": "a comment",
    "disable_ansi_colors": "colours are kept and cannot harm the screen",
    "is_strict": "our files are always read strictly",
    "log_configuration": "logs are in .pmtui/logs, with time and stream",
}
_LOST = {
    "is_tty": "processes have pipes, no terminal",
    "is_interactive": "processes have pipes, no terminal",
    "is_foreground": "processes have no terminal",
    "is_daemon": "pmtui supervises what it starts: run it in the foreground",
    "is_elevated": "pmtui never asks for a password: user, as root",
    "launch_timeout_seconds": "belongs to is_daemon",
    "log_location": "logs are in .pmtui/logs",
    "schedule": "there is no schedule: let cron call pmtui start",
    "is_dotenv_disabled": "the .env is for all processes",
    "extends": "write its fields out",
    "mcp": "pmtui knows no such field",
}


def put_policy(entry: Entry, text: Text, origin: Origin) -> None:
    if _is_on(entry.take("disabled")) or _is_on(entry.take("is_disabled")):
        entry.put("disabled", autostart=False)
    _availability(entry)
    _shutdown(entry)
    _dependencies(entry)
    _watching(entry, text, origin)
    codes = entry.take("success_exit_codes")
    if isinstance(codes, list) and codes:
        entry.put("success_exit_codes", successExitCodes=[whole(code) for code in codes])
    replicas = entry.take("replicas")
    if whole(replicas) > 1:
        reason = "PMTUI_INSTANCE counts from 1, PC_REPLICA_NUM from 0"
        entry.put("replicas", reason, instances=whole(replicas))
    elif replicas is not None and whole(replicas, 1) == 0:
        entry.put("replicas", "none: not started", autostart=False)
    if namespace := entry.take("namespace"):
        _namespace(entry, namespace)
    entry.settle(_ANYWAY, _LOST)


def _is_on(value: object) -> bool:
    return str(value).lower() in ("true", "1", "yes")


def _namespace(entry: Entry, value: object) -> None:
    first, *rest = texts(value)
    entry.put("namespace", group=first)
    for other in rest:
        entry.lose("namespace", f"a process has one group: not {other}")


def _availability(entry: Entry) -> None:
    values = table(entry.take("availability"))
    word = values.pop("restart", None)
    word = "no" if word in (None, False) else str(word)
    policy = _RESTART.get(word)
    if policy is None:
        entry.lose("availability.restart", "expected always, on_failure, exit_on_failure or no; taken as no")
    entry.put("availability.restart", restart=policy or "never")
    if word == "exit_on_failure":
        entry.lose("availability.restart", "exit_on_failure: the manager goes on without it")
    most, backoff = whole(values.pop("max_restarts", 0)), whole(values.pop("backoff_seconds", 1), 1)
    if policy in ("always", "on-failure"):
        entry.put("availability.max_restarts", maxRetries=most or -1)
        entry.put("availability.backoff_seconds", "constant", backoff=f"{backoff}s", maxBackoff=f"{backoff}s")
    for key, value in values.items():
        if not is_off(value):
            entry.lose(f"availability.{key}", "the manager goes on without it; pmtui wait tells a script")


def _shutdown(entry: Entry) -> None:
    values = table(entry.take("shutdown"))
    entry.put("shutdown.timeout_seconds", stopTimeout=f"{whole(values.pop('timeout_seconds', None), 10) or 10}s")
    number = values.pop("signal", None)
    if number in (15, "15"):
        entry.put("shutdown.signal", stopSignal="SIGTERM")
    elif number not in (None, 0, "0"):
        try:
            entry.put("shutdown.signal", stopSignal=signal.Signals(whole(number)).name)
        except ValueError:
            entry.lose("shutdown.signal", "is no signal")
    for key, value in values.items():
        if not is_off(value):
            why = {"parent_only": "the whole tree is always ended", "command": "a stop is a signal: stopSignal"}
            entry.lose(f"shutdown.{key}", why.get(key, "pmtui knows no such field"))


def _dependencies(entry: Entry) -> None:
    given = entry.take("depends_on")
    if not isinstance(given, dict) or not given:
        return
    wanted: dict[str, str] = {}
    for name, how in given.items():
        word = str(how.get("condition", "process_started")) if isinstance(how, dict) else "process_started"
        wanted[str(name)] = _CONDITIONS.get(word, "started")
        if word not in _CONDITIONS:
            entry.lose(f"depends_on.{name}", f"{word} is unknown; taken as process_started")
    entry.put("depends_on", dependsOn=wanted)


def _watching(entry: Entry, text: Text, origin: Origin) -> None:
    given = table(entry.take("watch"))
    if not given:
        return
    listed = given.pop("paths", None)
    paths = [table(path) or {"path": path} for path in (listed if isinstance(listed, list) else [])]
    found = [origin.path(text.now(str(path["path"]))) for path in paths if path.get("path")]
    entry.put("watch.paths", devMode=True, **({"watchPaths": found} if found else {}))
    ignored = [pattern for path in paths for pattern in split(path.get("exclude") or [])]
    if ignored:
        entry.put("watch.paths.exclude", watchIgnore=ignored)
    if any(path.get("include") for path in paths):
        entry.lose("watch.paths.include", "all files of a folder are watched, but for watchIgnore")
    if debounce := given.pop("debounce", None):
        entry.put("watch.debounce", watchDebounce=str(debounce))
    for key in given:
        entry.lose(f"watch.{key}", "pmtui knows no such field")

"""Translate when process-compose starts, restarts, stops and watches."""

import signal

from pmtui.importers.builder import ImportContext, ProcessBuilder, is_off, table, texts, whole
from pmtui.importers.process_compose.templates import TemplateText
from pmtui.importers.shell_words import split_words

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
    "schedule": "schedules are not supported; let cron call pmtui start",
    "is_dotenv_disabled": "the .env is for all processes",
    "extends": "write its fields out",
    "mcp": "pmtui knows no such field",
}


def convert_policy(entry: ProcessBuilder, text: TemplateText, origin: ImportContext) -> None:
    if _is_on(entry.pop("disabled")) or _is_on(entry.pop("is_disabled")):
        entry.set_fields("disabled", autostart=False)
    _availability(entry)
    _shutdown(entry)
    _dependencies(entry)
    _watching(entry, text, origin)
    codes = entry.pop("success_exit_codes")
    if isinstance(codes, list) and codes:
        entry.set_fields("success_exit_codes", successExitCodes=[whole(code) for code in codes])
    replicas = entry.pop("replicas")
    if whole(replicas) > 1:
        reason = "PMTUI_INSTANCE counts from 1, PC_REPLICA_NUM from 0"
        entry.set_fields("replicas", reason, instances=whole(replicas))
    elif replicas is not None and whole(replicas, 1) == 0:
        entry.set_fields("replicas", "none: not started", autostart=False)
    if namespace := entry.pop("namespace"):
        _namespace(entry, namespace)
    entry.account_for(_ANYWAY, _LOST)


def _is_on(value: object) -> bool:
    return str(value).lower() in ("true", "1", "yes")


def _namespace(entry: ProcessBuilder, value: object) -> None:
    first, *rest = texts(value)
    entry.set_fields("namespace", group=first)
    for other in rest:
        entry.add_loss("namespace", f"a process has one group: not {other}")


def _availability(entry: ProcessBuilder) -> None:
    values = table(entry.pop("availability"))
    word = values.pop("restart", None)
    word = "no" if word in (None, False) else str(word)
    policy = _RESTART.get(word)
    if policy is None:
        entry.add_loss("availability.restart", "expected always, on_failure, exit_on_failure or no; taken as no")
    entry.set_fields("availability.restart", restart=policy or "never")
    if word == "exit_on_failure":
        entry.add_loss("availability.restart", "exit_on_failure: the manager goes on without it")
    most, backoff = whole(values.pop("max_restarts", 0)), whole(values.pop("backoff_seconds", 1), 1)
    if policy in ("always", "on-failure"):
        entry.set_fields("availability.max_restarts", maxRetries=most or -1)
        entry.set_fields("availability.backoff_seconds", "constant", backoff=f"{backoff}s", maxBackoff=f"{backoff}s")
    for key, value in values.items():
        if not is_off(value):
            entry.add_loss(f"availability.{key}", "the manager keeps running without it; pmtui wait can tell a script")


def _shutdown(entry: ProcessBuilder) -> None:
    values = table(entry.pop("shutdown"))
    entry.set_fields("shutdown.timeout_seconds", stopTimeout=f"{whole(values.pop('timeout_seconds', None), 10) or 10}s")
    number = values.pop("signal", None)
    if number in (15, "15"):
        entry.set_fields("shutdown.signal", stopSignal="SIGTERM")
    elif number not in (None, 0, "0"):
        try:
            entry.set_fields("shutdown.signal", stopSignal=signal.Signals(whole(number)).name)
        except ValueError:
            entry.add_loss("shutdown.signal", "is not a signal")
    for key, value in values.items():
        if not is_off(value):
            why = {"parent_only": "the whole tree is always ended", "command": "a stop is a signal: stopSignal"}
            entry.add_loss(f"shutdown.{key}", why.get(key, "pmtui knows no such field"))


def _dependencies(entry: ProcessBuilder) -> None:
    given = entry.pop("depends_on")
    if not isinstance(given, dict) or not given:
        return
    wanted: dict[str, str] = {}
    for name, how in given.items():
        word = str(how.get("condition", "process_started")) if isinstance(how, dict) else "process_started"
        wanted[str(name)] = _CONDITIONS.get(word, "started")
        if word not in _CONDITIONS:
            entry.add_loss(f"depends_on.{name}", f"{word} is unknown; taken as process_started")
    entry.set_fields("depends_on", dependsOn=wanted)


def _watching(entry: ProcessBuilder, text: TemplateText, origin: ImportContext) -> None:
    given = table(entry.pop("watch"))
    if not given:
        return
    listed = given.pop("paths", None)
    paths = [table(path) or {"path": path} for path in (listed if isinstance(listed, list) else [])]
    found = [origin.path(text.expand_now(str(path["path"]))) for path in paths if path.get("path")]
    entry.set_fields("watch.paths", devMode=True, **({"watchPaths": found} if found else {}))
    ignored = [pattern for path in paths for pattern in split_words(path.get("exclude") or [])]
    if ignored:
        entry.set_fields("watch.paths.exclude", watchIgnore=ignored)
    if any(path.get("include") for path in paths):
        entry.add_loss("watch.paths.include", "all files of a folder are watched, but for watchIgnore")
    if debounce := given.pop("debounce", None):
        entry.set_fields("watch.debounce", watchDebounce=str(debounce))
    for key in given:
        entry.add_loss(f"watch.{key}", "pmtui knows no such field")

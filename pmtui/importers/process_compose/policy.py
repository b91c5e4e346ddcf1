"""Translate when process-compose starts, restarts, stops and watches."""

import os
import signal
from collections.abc import Collection

from pmtui.importers.builder import ImportContext, ProcessBuilder, is_off, table, texts, whole
from pmtui.importers.process_compose.shell import Shell
from pmtui.importers.process_compose.templates import TemplateText
from pmtui.importers.shell_words import split_words

_EXIT_ON_FAILURE = "run it by pmtui --no-ui --exit-on-failure, which ends with 1 when a process has failed"
_EXIT_ON_END = "run it by pmtui --no-ui --exit-with {id}, which ends with its exit code"
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
    "truncate_log": "each run has its own part of the log",
    "is_interactive": "pmtui send writes to its terminal",
}
_LOST = {
    "is_elevated": "pmtui never asks for a password: user, as root",
    "launch_timeout_seconds": "a detached command may take as long as it likes",
    "log_location": "logs are in .pmtui/logs",
    "extends": "write its fields out",
    "monitor_for": "health.silence restarts a process that writes nothing",
    "monitor_silence_threshold": "belongs to monitor_for",
    "mcp": "pmtui knows no such field",
}

_AVAILABILITY = {"exit_on_end": _EXIT_ON_END, "exit_on_skipped": _EXIT_ON_FAILURE}
_SHUTDOWN = {
    "parent_only": "the whole tree is always ended",
    "send_keys": "a stop is a signal; a stopCommand can do more, such as pmtui send ID TEXT",
}
_LOG_ANYWAY = {"add_timestamp", "disable_json", "flush_each_line", "no_color"}
_WATCH = {
    "cascade": "only the process itself is restarted",
    "max_entries": "there is no such limit",
    "disable_default_excludes": "what is always ignored is in the documentation of watchIgnore",
}


def convert_policy(
    entry: ProcessBuilder, text: TemplateText, origin: ImportContext, shell: Shell, hidden: Collection[str]
) -> None:
    _terminal(entry)
    if _is_on(entry.pop("disabled")) or _is_on(entry.pop("is_disabled")):
        entry.set_fields("disabled", autostart=False)
    _availability(entry)
    _schedule(entry)
    _shutdown(entry, text, shell, hidden)
    _log(entry)
    _dependencies(entry)
    _watching(entry, text, origin)
    codes = entry.pop("success_exit_codes")
    if isinstance(codes, list) and codes:
        entry.set_fields("success_exit_codes", successExitCodes=sorted({0, *(whole(code) for code in codes)}))
    replicas = entry.pop("replicas")
    if whole(replicas) > 1:
        reason = "PMTUI_INSTANCE counts from 1, PC_REPLICA_NUM from 0"
        entry.set_fields("replicas", reason, instances=whole(replicas))
    elif replicas is not None:
        entry.add_remark("replicas", "one, as without it")
    if namespace := entry.pop("namespace"):
        _namespace(entry, namespace)
    entry.account_for(_ANYWAY, _LOST)


def _terminal(entry: ProcessBuilder) -> None:
    if any([_is_on(entry.pop("is_tty")), _is_on(entry.peek("is_interactive"))]):
        entry.set_fields("is_tty", tty=True)
    if _is_on(entry.pop("is_foreground")):
        entry.set_fields(
            "is_foreground", "started by hand; pmtui send writes to its terminal", tty=True, autostart=False
        )
    if _is_on(entry.pop("is_daemon")):
        entry.set_fields("is_daemon", "what it leaves in its process tree ends at the stop", detached=True)


def _schedule(entry: ProcessBuilder) -> None:
    values = table(entry.pop("schedule"))
    if not values:
        return
    cron, interval, zone = (values.pop(name, None) for name in ("cron", "interval", "timezone"))
    entry.set_fields("schedule", schedule=str(cron or f"every {interval}"))
    if entry.fields["restart"] == "always":
        entry.set_fields("schedule", restart="never")
    if zone:
        entry.set_fields("schedule.timezone", timezone=str(zone))
    if _is_on(values.pop("run_on_start", False)):
        entry.add_loss("schedule.run_on_start", "a job runs at its times only; pmtui start runs it at once")
    if whole(values.pop("max_concurrent", 1), 1) > 1:
        entry.add_loss("schedule.max_concurrent", "one run at a time: see overlap")
    for key in values:
        entry.add_loss(f"schedule.{key}", "pmtui knows no such field")


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
        entry.add_loss("availability.restart", f"exit_on_failure: {_EXIT_ON_FAILURE}")
    most, backoff = whole(values.pop("max_restarts", 0)), max(1, whole(values.pop("backoff_seconds", 1), 1))
    if policy in ("always", "on-failure"):
        reason = "failures in a row; process-compose counts all restarts" if most else ""
        entry.set_fields("availability.max_restarts", reason, maxRetries=most or -1)
        entry.set_fields("availability.backoff_seconds", "constant", backoff=f"{backoff}s", maxBackoff=f"{backoff}s")
    elif {"http", "command"} & entry.fields.get("health", {}).keys():
        entry.set_fields("availability.restart", "an unhealthy process is stopped and not restarted", maxRetries=0)
    for key, value in values.items():
        if not is_off(value):
            entry.add_loss(
                f"availability.{key}", _AVAILABILITY.get(key, "pmtui knows no such field").format(id=entry.id)
            )


def _shutdown(entry: ProcessBuilder, text: TemplateText, shell: Shell, hidden: Collection[str]) -> None:
    given = table(entry.pop("shutdown"))
    values = {key: value if key == "command" else text.expand_values(value) for key, value in given.items()}
    entry.set_fields("shutdown.timeout_seconds", stopTimeout=f"{whole(values.pop('timeout_seconds', None), 10) or 10}s")
    if command := values.pop("command", None):
        words = shell.argv(text.command(str(command), hidden))
        entry.set_fields("shutdown.command", "the signal follows when it has ended", stopCommand=words)
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
            entry.add_loss(f"shutdown.{key}", _SHUTDOWN.get(key, "pmtui knows no such field"))


def _log(entry: ProcessBuilder) -> None:
    values = table(entry.pop("log_configuration"))
    rotation = table(values.pop("rotation", None))
    for key, field, size in (("max_size_mb", "maxSize", 1 << 20), ("max_backups", "keep", 1)):
        if number := whole(rotation.pop(key, None)):
            entry.set_table_fields(f"log_configuration.rotation.{key}", "log", **{field: number * size})
    lost = [*(f"rotation.{key}" for key, value in rotation.items() if not is_off(value)), *values]
    for key in lost:
        if key not in _LOG_ANYWAY:
            entry.add_loss(f"log_configuration.{key}", "logs are in .pmtui/logs, each line with its time")


def _dependencies(entry: ProcessBuilder) -> None:
    given = entry.pop("depends_on")
    if not isinstance(given, dict) or not given:
        return
    wanted: dict[str, str] = {}
    for name, how in given.items():
        word = str((how.get("condition") if isinstance(how, dict) else how) or "process_started")
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
    folder = str(entry.fields.get("cwd", ""))
    found = [
        os.path.normpath(os.path.join(folder, path)) if folder else origin.path(path)
        for path in (text.expand_now(str(path["path"])) for path in paths if path.get("path"))
    ]
    entry.set_fields("watch.paths", devMode=True, **({"watchPaths": found} if found else {}))
    ignored = [pattern for path in paths for pattern in split_words(path.get("exclude") or [])]
    if ignored:
        entry.set_fields("watch.paths.exclude", watchIgnore=ignored)
    if any(path.get("include") for path in paths):
        entry.add_loss("watch.paths.include", "all files of a folder are watched, but for watchIgnore")
    debounce = given.pop("debounce", None)
    entry.set_fields("watch.debounce", watchDebounce=str(debounce or "300ms"))
    entry.add_remark(
        "watch: what it ignores", "also vendor, target, dist, build and bin there: add them to watchIgnore"
    )
    for key, value in given.items():
        if not is_off(value):
            entry.add_loss(f"watch.{key}", _WATCH.get(key, "pmtui knows no such field"))

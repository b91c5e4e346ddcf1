"""Translate when supervisord restarts, stops and logs."""

from pmtui.importers.builder import ProcessBuilder, UnsupportedFileError
from pmtui.text.units import parse_size

_ON = {"1", "yes", "true", "on"}
_OFF = {"0", "no", "false", "off"}
_ANYWAY = {
    "stopasgroup": "the whole tree is always stopped",
    "killasgroup": "the whole tree is always killed",
    "stdout_events_enabled": "every line is in pmtui logs -f",
    "stderr_events_enabled": "every line is in pmtui logs -f",
}
_LOST = {
    "priority": "the order of the start is dependsOn",
    "stdout_capture_maxbytes": "capture mode is not supported",
    "stderr_capture_maxbytes": "capture mode is not supported",
    "stdout_syslog": "logs go to files; --no-ui bridges them to stdout, and so to the journal",
    "stderr_syslog": "logs go to files; --no-ui bridges them to stdout, and so to the journal",
    "serverurl": "the API address is in .pmtui/instance.json",
}


def convert_policy(entry: ProcessBuilder) -> None:
    """Raises UnsupportedFileError if supervisord would refuse a value."""
    if not _switch(entry, "autostart", True):
        entry.set_fields("autostart", autostart=False)
    _restarts(entry)
    _stops(entry)
    _logs(entry)
    for key in ("stopasgroup", "killasgroup"):
        if key in entry.remaining():
            tell = entry.add_remark if _switch(entry, key, True) else entry.add_loss
            tell(key, _ANYWAY[key])
    entry.account_for(_ANYWAY, _LOST)


def _restarts(entry: ProcessBuilder) -> None:
    given = entry.pop("autorestart")
    word = (given or "unexpected").lower()
    policy = "always" if word in _ON else "never" if word in _OFF else "on-failure"
    if policy == "on-failure" and word != "unexpected":
        raise UnsupportedFileError(f"autorestart is {word}: expected true, false or unexpected")
    entry.set_fields("autorestart" if given else "supervisor's default of autorestart", restart=policy)
    if codes := entry.pop("exitcodes"):
        numbers = [int(code) for code in codes.replace(",", " ").split() if code.isdecimal() and int(code) < 256]
        entry.set_fields("exitcodes", successExitCodes=numbers)
    entry.set_fields("startretries", "quick failures in a row", maxRetries=_number(entry, "startretries", 3))
    reason = "pmtui waits 1s, 2s, 4s between the tries, supervisord 1s, 2s, 3s"
    entry.set_fields("startsecs", reason, healthyAfter=f"{max(1, _number(entry, 'startsecs', 1))}s")


def _stops(entry: ProcessBuilder) -> None:
    signal = entry.pop("stopsignal")
    if signal and signal.upper().removeprefix("SIG") != "TERM":
        entry.set_fields("stopsignal", stopSignal=f"SIG{signal.upper().removeprefix('SIG')}")
    elif signal:
        entry.add_remark("stopsignal", "SIGTERM")
    entry.set_fields("stopwaitsecs", stopTimeout=f"{_number(entry, 'stopwaitsecs', 10)}s")


def _logs(entry: ProcessBuilder) -> None:
    if _switch(entry, "redirect_stderr", False):
        entry.add_remark("redirect_stderr", "each line knows its stream; views show both merged")
    files = {stream: entry.pop(f"{stream}_logfile") for stream in ("stdout", "stderr")}
    for stream, file in files.items():
        match (file or "AUTO").upper():
            case "AUTO":
                pass
            case "NONE" | "/DEV/NULL" if files["stdout"] == files["stderr"]:
                entry.set_table_fields(f"{stream}_logfile", "log", file=False)
            case "NONE" | "/DEV/NULL":
                entry.add_loss(f"{stream}_logfile", "both streams are logged, or neither")
            case path if path.startswith(("/DEV/", "/PROC/")):
                entry.add_remark(f"{stream}_logfile", "pmtui --no-ui bridges all logs to its stdout")
            case _:
                entry.add_loss(f"{stream}_logfile", "logs are in .pmtui/logs")
        _rotation(entry, stream)


def _rotation(entry: ProcessBuilder, stream: str) -> None:
    most, keep = entry.pop(f"{stream}_logfile_maxbytes"), entry.pop(f"{stream}_logfile_backups")
    if most is not None:
        size = _size(most, stream)
        if size:
            entry.set_table_fields(f"{stream}_logfile_maxbytes", "log", maxSize=size)
        else:
            entry.add_remark(f"{stream}_logfile_maxbytes", "0 is for what is not a file")
    if keep is not None and keep.isdecimal():
        entry.set_table_fields(f"{stream}_logfile_backups", "log", keep=int(keep))


def _size(text: str, stream: str) -> int:
    try:
        return parse_size(text.strip() if not text.strip().isdecimal() else int(text))
    except ValueError:
        raise UnsupportedFileError(f"{stream}_logfile_maxbytes is not a size") from None


def _switch(entry: ProcessBuilder, key: str, default: bool) -> bool:
    word = str(entry.pop(key) or default).lower()
    if word not in _ON | _OFF:
        raise UnsupportedFileError(f"{key} is {word}: expected true or false")
    return word in _ON


def _number(entry: ProcessBuilder, key: str, default: int) -> int:
    text = str(entry.pop(key) or default).strip()
    if not text.isdecimal():
        raise UnsupportedFileError(f"{key} is {text}: expected a number")
    return int(text)

"""Translate when supervisord restarts, stops and logs."""

import signal

from pmtui.importers.builder import ProcessBuilder, UnsupportedFileError
from pmtui.text.units import parse_size

_NO_FILE = {"NONE", "OFF", "/DEV/NULL"}
_ON = {"1", "yes", "true", "on"}
_OFF = {"0", "no", "false", "off"}
_ANYWAY = {
    "stopasgroup": "the whole tree is always stopped",
    "killasgroup": "the whole tree is always killed",
    "stdout_events_enabled": "every line is in pmtui logs -f",
    "stderr_events_enabled": "every line is in pmtui logs -f",
}
_LOST = {
    "priority": "the order of the start is dependsOn: it waits for what it needs",
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
    if entry.peek("priority") == "999":
        entry.pop("priority")
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
        numbers = [int(code) if code.strip().isdecimal() else 256 for code in codes.split(",")]
        if max(numbers) > 255:
            raise UnsupportedFileError(f"exitcodes is {codes}: expected numbers up to 255 with commas")
        entry.set_fields("exitcodes", successExitCodes=numbers)
    entry.set_fields("startretries", "quick failures in a row", maxRetries=_number(entry, "startretries", 3))
    reason = "pmtui waits 1s, 2s, 4s between the tries, supervisord 1s, 2s, 3s"
    startsecs = _number(entry, "startsecs", 1)
    entry.set_fields("startsecs", reason, healthyAfter=f"{max(1, startsecs)}s")
    if not startsecs and policy != "never":
        entry.add_loss("startsecs", "0: a run under 1s is a failure here, and startretries of them are the end")


def _stops(entry: ProcessBuilder) -> None:
    given = entry.pop("stopsignal")
    if given and (name := _signal(given)) != "SIGTERM":
        entry.set_fields("stopsignal", stopSignal=name)
    elif given:
        entry.add_remark("stopsignal", "SIGTERM")
    entry.set_fields("stopwaitsecs", stopTimeout=f"{_number(entry, 'stopwaitsecs', 10)}s")


def _signal(text: str) -> str:
    """Return the name of a signal that is given by number, or by name with or without SIG."""
    text = text.strip().upper()
    try:
        if text.isdecimal():
            return signal.Signals(int(text)).name
        return signal.Signals[f"SIG{text.removeprefix('SIG')}"].name
    except (KeyError, ValueError):
        raise UnsupportedFileError(f"stopsignal is {text}: not a signal") from None


def _logs(entry: ProcessBuilder) -> None:
    is_merged = _switch(entry, "redirect_stderr", False)
    if is_merged:
        entry.add_remark("redirect_stderr", "each line knows its stream; views show both merged")
    files = {stream: (entry.pop(f"{stream}_logfile") or "AUTO").strip() for stream in ("stdout", "stderr")}
    has_none = {stream for stream, file in files.items() if file.upper() in _NO_FILE}
    if is_merged and "stdout" in has_none:
        has_none.add("stderr")
    for stream, file in files.items():
        match file.upper():
            case "AUTO":
                pass
            case _ if stream in has_none and len(has_none) == 2:
                entry.set_table_fields(f"{stream}_logfile", "log", file=False)
            case _ if stream in has_none and (stream == "stdout" or not is_merged):
                entry.add_loss(f"{stream}_logfile", "both streams are logged, or neither")
            case "SYSLOG":
                entry.add_loss(f"{stream}_logfile", _LOST["stdout_syslog"])
            case path if path.startswith(("/DEV/", "/PROC/")):
                entry.add_remark(f"{stream}_logfile", "pmtui --no-ui bridges all logs to its stdout")
            case _ if stream == "stdout" or not is_merged:
                entry.add_loss(f"{stream}_logfile", "logs are in .pmtui/logs")
        _rotation(entry, stream, file)


def _rotation(entry: ProcessBuilder, stream: str, file: str) -> None:
    most, keep = entry.pop(f"{stream}_logfile_maxbytes"), entry.pop(f"{stream}_logfile_backups")
    if most is not None:
        size = _size(most, stream)
        if size or not file.startswith("/dev/"):
            _set_log(entry, f"{stream}_logfile_maxbytes", "maxSize", size)
        else:
            entry.add_remark(f"{stream}_logfile_maxbytes", "0 is for what is not a file")
    if keep is not None:
        if not keep.strip().isdecimal():
            raise UnsupportedFileError(f"{stream}_logfile_backups is {keep}: expected a number")
        _set_log(entry, f"{stream}_logfile_backups", "keep", int(keep))


def _set_log(entry: ProcessBuilder, source: str, field: str, value: int) -> None:
    if entry.fields.get("log", {}).get(field, value) != value:
        entry.add_loss(source, f"both streams have the same log.{field}")
    else:
        entry.set_table_fields(source, "log", **{field: value})


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

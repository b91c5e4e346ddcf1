"""When supervisord restarts, stops and logs, in our words."""

from pmtui.importers.builder import Entry, ForeignFileError
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
    "stdout_capture_maxbytes": "there is no capture mode",
    "stderr_capture_maxbytes": "there is no capture mode",
    "stdout_syslog": "logs go to files; --no-ui bridges them to stdout, and so to the journal",
    "stderr_syslog": "logs go to files; --no-ui bridges them to stdout, and so to the journal",
    "serverurl": "the API is told in .pmtui/instance.json",
}


def put_policy(entry: Entry) -> None:
    """Raises ForeignFileError where a value is none that supervisord would take."""
    if not _switch(entry, "autostart", True):
        entry.put("autostart", autostart=False)
    _restarts(entry)
    _stops(entry)
    _logs(entry)
    for key in ("stopasgroup", "killasgroup"):
        if key in entry.left():
            tell = entry.remark if _switch(entry, key, True) else entry.lose
            tell(key, _ANYWAY[key])
    entry.settle(_ANYWAY, _LOST)


def _restarts(entry: Entry) -> None:
    given = entry.take("autorestart")
    word = (given or "unexpected").lower()
    policy = "always" if word in _ON else "never" if word in _OFF else "on-failure"
    if policy == "on-failure" and word != "unexpected":
        raise ForeignFileError(f"autorestart is {word}: expected true, false or unexpected")
    entry.put("autorestart" if given else "supervisor's default of autorestart", restart=policy)
    if codes := entry.take("exitcodes"):
        numbers = [int(code) for code in codes.replace(",", " ").split() if code.isdecimal() and int(code) < 256]
        entry.put("exitcodes", successExitCodes=numbers)
    entry.put("startretries", "quick failures in a row", maxRetries=_number(entry, "startretries", 3))
    reason = "pmtui waits 1s, 2s, 4s between the tries, supervisord 1s, 2s, 3s"
    entry.put("startsecs", reason, healthyAfter=f"{_number(entry, 'startsecs', 1)}s")


def _stops(entry: Entry) -> None:
    signal = entry.take("stopsignal")
    if signal and signal.upper().removeprefix("SIG") != "TERM":
        entry.put("stopsignal", stopSignal=f"SIG{signal.upper().removeprefix('SIG')}")
    elif signal:
        entry.remark("stopsignal", "SIGTERM")
    entry.put("stopwaitsecs", stopTimeout=f"{_number(entry, 'stopwaitsecs', 10)}s")


def _logs(entry: Entry) -> None:
    if _switch(entry, "redirect_stderr", False):
        entry.remark("redirect_stderr", "each line knows its stream; views show both merged")
    files = {stream: entry.take(f"{stream}_logfile") for stream in ("stdout", "stderr")}
    for stream, file in files.items():
        match (file or "AUTO").upper():
            case "AUTO":
                pass
            case "NONE" | "/DEV/NULL" if files["stdout"] == files["stderr"]:
                entry.part(f"{stream}_logfile", "log", file=False)
            case "NONE" | "/DEV/NULL":
                entry.lose(f"{stream}_logfile", "both streams are logged, or neither")
            case path if path.startswith(("/DEV/", "/PROC/")):
                entry.remark(f"{stream}_logfile", "pmtui --no-ui bridges all logs to its stdout")
            case _:
                entry.lose(f"{stream}_logfile", "logs are in .pmtui/logs")
        _rotation(entry, stream)


def _rotation(entry: Entry, stream: str) -> None:
    most, keep = entry.take(f"{stream}_logfile_maxbytes"), entry.take(f"{stream}_logfile_backups")
    if most is not None:
        size = _size(most, stream)
        if size:
            entry.part(f"{stream}_logfile_maxbytes", "log", maxSize=size)
        else:
            entry.remark(f"{stream}_logfile_maxbytes", "0 is for what is no file")
    if keep is not None and keep.isdecimal():
        entry.part(f"{stream}_logfile_backups", "log", keep=int(keep))


def _size(text: str, stream: str) -> int:
    try:
        return parse_size(text.strip() if not text.strip().isdecimal() else int(text))
    except ValueError:
        raise ForeignFileError(f"{stream}_logfile_maxbytes is no size") from None


def _switch(entry: Entry, key: str, default: bool) -> bool:
    word = str(entry.take(key) or default).lower()
    if word not in _ON | _OFF:
        raise ForeignFileError(f"{key} is {word}: expected true or false")
    return word in _ON


def _number(entry: Entry, key: str, default: int) -> int:
    text = str(entry.take(key) or default).strip()
    if not text.isdecimal():
        raise ForeignFileError(f"{key} is {text}: expected a number")
    return int(text)

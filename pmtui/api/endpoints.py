"""Every endpoint of the API, once: routes, the OpenAPI document and docs/rest-api.md are made from this table."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, get_args

from pmtui.api.errors import ErrorAnswer
from pmtui.api.parameters import LAST_EVENT_ID, NewProcess, Selection
from pmtui.api.responses import Done
from pmtui.control import (
    MAX_EVENTS,
    MAX_LINES,
    MAX_POINTS,
    ConfigChanges,
    Detail,
    Graph,
    JobRun,
    LogFileInfo,
    LogLine,
    ManagerInfo,
    Operation,
    PastEvent,
    ProcessEvent,
    Results,
    Snapshot,
    Stream,
    TerminalScreen,
    TerminalSize,
    UsageHistory,
)

BYTES = bytes
JSON, TEXT, EVENTS = "application/json", "text/plain", "text/event-stream"
Json = dict[str, Any]


class Endpoint(NamedTuple):
    """One operation: `handler` is a room of routes and one of its methods, such as `logs.stream_logs`.

    `answer` is the type of the JSON body, or of each event of a stream; None for plain text.
    """

    method: str
    path: str
    handler: str
    summary: str
    answer: Any = None
    media: Sequence[str] = (JSON,)
    parameters: Sequence[Json] = ()
    body: Any = None
    is_open: bool = False
    status: int = 200

    @property
    def operation_id(self) -> str:
        first, *others = self.handler.partition(".")[2].split("_")
        return first + "".join(map(str.capitalize, others))

    @property
    def refusals(self) -> Iterator[int]:
        """The statuses with which it may be refused."""
        if not self.is_open:
            yield 401
        if "{id}" in self.path:
            yield 404
        if self.handler in CONFLICTING or ("{id}" in self.path and self.method == "POST"):
            yield 409
        if self.body and self.body not in (BYTES, TerminalSize):
            yield 422
        yield from COMMON_REFUSALS


def _query(name: str, text: str, **schema: Any) -> Json:
    return {"name": name, "in": "query", "description": text, "schema": schema or {"type": "string"}}


def _path(name: str, text: str) -> Json:
    return {"name": name, "in": "path", "required": True, "description": text, "schema": {"type": "string"}}


def _last_event_id(text: str) -> Json:
    return {"name": LAST_EVENT_ID, "in": "header", "description": text, "schema": {"type": "string"}}


def _time(name: str, text: str) -> Json:
    return _query(name, text, type="string", pattern=TIME_PATTERN)


def _flag(name: str, default: bool, text: str) -> Json:
    return _query(name, text, type="boolean", default=default)


REFUSALS = {
    400: "The request is invalid; the message says what was expected.",
    401: "The token is missing or wrong.",
    403: "Host or Origin does not belong to this server.",
    404: "No such process.",
    408: "The request took too long to arrive.",
    409: "Not possible in the current status, or the awaited status was not reached.",
    413: "The body is too large.",
    422: "The body has the wrong shape.",
    431: "Too many headers, or headers too large.",
    500: "Internal error.",
    503: "The manager is shutting down, or all streams are taken.",
}
CONFLICTING = ("adhoc.add_process", "adhoc.remove_process", "terminals.screen")
"""What may be refused because of the status or origin of a process, besides every operation on one."""
_DATE = "[1-9][0-9]{3}-((0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])|(0[13-9]|1[0-2])-(29|30)|(0[13578]|1[02])-31)"
_CLOCK = "([01][0-9]|2[0-3]):[0-5][0-9]"
_DURATION = r"([0-9]{1,9}(\.[0-9]{1,3})?(ms|s|m|h|d)){1,4}"
TIME_PATTERN = rf"^({_DURATION}|{_DATE}T{_CLOCK}:[0-5][0-9](\.[0-9]{{3}})?(Z|[+-]{_CLOCK}))?$"
"""What clients should write: a duration, an RFC 3339 time, or nothing. Other ways to write them are understood, too."""
COMMON_REFUSALS = (400, 403, 408, 413, 431, 500, 503)

ID = _path("id", "Id of a process, not a pattern. If it has the name of a route, percent-encode a letter: %6Cist.")
EVENTS_SINCE = _time("since", "Only events from this time on: RFC 3339, or a duration before now such as 1d.")
UNTIL = _time("until", "The end of the time, in the same format (default: now).")
EVENT_LIMIT = _query(
    "limit", "Maximum number of events.", type="integer", minimum=0, maximum=MAX_EVENTS, default=MAX_EVENTS
)
USAGE_SINCE = _time("since", "Where to begin: RFC 3339, or a duration before now (default: 1h).")
POINTS = _query(
    "points", "Maximum number of values per list.", type="integer", minimum=1, maximum=MAX_POINTS, default=300
)
LINES = (
    _query("lines", "Maximum number of lines.", type="integer", minimum=0, maximum=MAX_LINES, default=100),
    _query("stream", "Only this stream.", type="string", enum=[*get_args(Stream)]),
    _time("since", "Only lines from this time on: RFC 3339, or a duration before now such as 5m."),
    _time("until", "Only lines up to this time, in the same format."),
    _query(
        "grep",
        "Only lines that match this regular expression (RE2: no look-around or back-references; \\d, \\w and \\b are "
        "ASCII-only).",
    ),
    _query("field", "Only JSON or logfmt lines with this field, as key=value; `*` matches any text. May be repeated."),
    _query("search", 'Only lines that match this search: words, "phrases", !not, re:…, key=value, level:warn, -5m.'),
    _query("run", "Only lines of this run: current, previous or its number."),
    _query(
        "level",
        "Only lines of this level or a more severe one.",
        enum=["trace", "debug", "info", "warn", "error", "fatal"],
    ),
    _query("before", "Only lines with a lower seq than this.", type="integer"),
    _flag(
        "raw",
        False,
        "Include the original bytes of each line in `data`, in base64. The stream of a process with a terminal is then "
        "its output as it comes.",
    ),
)
AFTER = _query(
    "after",
    "Only lines with a higher seq than this; the first `lines` of them are returned, to read forwards.",
    type="integer",
)
RATE = _query(
    "rate",
    "Maximum number of lines per second in the long run; lines skipped for it are reported as missed.",
    type="integer",
    minimum=1,
    maximum=MAX_LINES,
)
FORMAT = _query("format", "Format of the response.", type="string", enum=["json", "text"], default="json")
IDS = _query("ids", "Comma-separated ids, globs and @groups (default: all processes).")
LAST_EVENT = _last_event_id(
    "Id of the last event received; the stream continues after it. Ids name the manager: "
    "after an id of an earlier one, everything of this one is sent."
)
DRY_RUN = _flag("dryRun", False, "Only report what would change.")
NOW = _flag("now", False, "Kill the process tree immediately.")
ROLLING = _flag("rolling", False, "Start the new run beside the old one, which ends only when the new one is ready.")
SIGNAL = _path("name", "Name or number of the signal: SIGHUP, HUP or 1.")
EOF = _flag("eof", False, "Then end stdin: close a pipe, or type Ctrl-D on a terminal.")
VIEWER = _query(
    "viewer", "Name of a viewer of the terminal, chosen by itself. The one who typed last decides the size."
)
ANSWER = _flag("answer", False, "The input is a terminal's answer to the program; ignored unless this viewer decides.")
SCREEN_FORMAT = _query("format", "ansi: plain text with colours.", type="string", enum=["json", "ansi"], default="json")
ONE = "/api/pm/{id}"


def _operations() -> Iterator[Endpoint]:
    for name in get_args(Operation):
        path, summary = f"/api/pm/{name}", f"{name.capitalize()} all processes that match; return a result for each."
        wait = _flag("wait", name == "stop", "Respond when the outcome of each is known.")
        yield Endpoint("POST", path, f"processes.{name}_many", summary, Results, (JSON,), [wait], body=Selection)


def _operations_on_one() -> Iterator[Endpoint]:
    for name in get_args(Operation):
        wait = _flag("wait", name == "stop", "Respond when it is done, or with 409 if it cannot be done.")
        more = {"stop": [NOW], "restart": [ROLLING]}
        parameters = [ID, wait, *more.get(name, [])]
        yield Endpoint(
            "POST", f"{ONE}/{name}", f"processes.{name}", f"{name.capitalize()} a process.", Done, (JSON,), parameters
        )


ENDPOINTS = (
    Endpoint("GET", "/api/health", "manager.health", "Check that the API answers.", ErrorAnswer, is_open=True),
    Endpoint("GET", "/metrics", "manager.metrics", "Return metrics in the Prometheus text format.", None, (TEXT,)),
    Endpoint("GET", "/openapi.json", "manager.openapi", "Return this description.", dict[str, Any]),
    Endpoint(
        "POST", "/api/pm", "adhoc.add_process", "Add a process that is not in the config, and start it.",
        Done, body=NewProcess, status=201,
    ),
    Endpoint("GET", "/api/pm/list", "processes.list", "List all processes in config order.", list[Snapshot]),
    Endpoint(
        "GET", "/api/pm/events", "events.stream_events", "Stream every change of status.",
        ProcessEvent, (EVENTS,), [LAST_EVENT],
    ),
    Endpoint(
        "GET", "/api/pm/logs/stream", "logs.stream_logs_of_many", "Stream the log lines of several processes.",
        LogLine, (EVENTS,), [IDS, *LINES, RATE, LAST_EVENT],
    ),
    Endpoint("GET", "/api/pm/config", "manager.config", "Return where the config is, and its errors.", ManagerInfo),
    Endpoint("GET", "/api/pm/graph", "manager.graph", "Return the dependency graph.", Graph),
    Endpoint(
        "POST", "/api/pm/reload", "manager.reload", "Reload the config and apply what has changed.",
        ConfigChanges, (JSON,), [DRY_RUN],
    ),
    *_operations(),
    Endpoint("GET", ONE, "processes.get", "Return the details of a process.", Detail, (JSON,), [ID]),
    Endpoint("DELETE", ONE, "adhoc.remove_process", "End and remove an added process.", Done, (JSON,), [ID]),
    *_operations_on_one(),
    Endpoint("POST", f"{ONE}/lease", "adhoc.renew_lease", "Renew the lease of an added process.", Done, (JSON,), [ID]),
    Endpoint(
        "POST", f"{ONE}/signal/{{name}}", "processes.signal", "Send a signal to the main process.",
        Done, (JSON,), [ID, SIGNAL],
    ),
    Endpoint(
        "GET", f"{ONE}/events", "events.events",
        "Return the last 100 changes of status; with a parameter, also those that earlier managers recorded.",
        list[PastEvent], (JSON,), [ID, EVENTS_SINCE, UNTIL, EVENT_LIMIT],
    ),
    Endpoint(
        "GET", f"{ONE}/history", "events.history",
        "Return CPU, memory and probe latency over time, and the events of that time.",
        UsageHistory, (JSON,), [ID, USAGE_SINCE, UNTIL, POINTS],
    ),
    Endpoint(
        "GET", f"{ONE}/runs", "events.runs", "Return the last 50 runs of a job that have ended, newest first.",
        list[JobRun], (JSON,), [ID],
    ),
    Endpoint(
        "GET", f"{ONE}/logs", "logs.logs", "Return the last log lines that match, oldest first.",
        list[LogLine], (JSON, TEXT), [ID, *LINES, AFTER, FORMAT],
    ),
    Endpoint(
        "DELETE", f"{ONE}/logs", "logs.clear_logs", "Clear the log, in memory and on disk.", Done, (JSON,), [ID]
    ),
    Endpoint(
        "GET", f"{ONE}/logs/files", "logs.log_files", "List the log files, newest first.",
        list[LogFileInfo], (JSON,), [ID],
    ),
    Endpoint(
        "GET", f"{ONE}/logs/stream", "logs.stream_logs", "Stream the log lines of a process.",
        LogLine, (EVENTS,), [ID, *LINES, RATE, LAST_EVENT, VIEWER],
    ),
    Endpoint(
        "POST", f"{ONE}/input", "terminals.send_input", "Write the body, raw bytes, to stdin.",
        Done, (JSON,), [ID, EOF, VIEWER, ANSWER], body=BYTES,
    ),
    Endpoint(
        "POST", f"{ONE}/size", "terminals.resize", "Set the size of the terminal.",
        Done, (JSON,), [ID, VIEWER], body=TerminalSize,
    ),
    Endpoint(
        "GET", f"{ONE}/screen", "terminals.screen", "Return what the terminal shows.",
        TerminalScreen, (JSON, TEXT), [ID, SCREEN_FORMAT],
    ),
)  # fmt: skip

"""The API described for programs: OpenAPI 3.1, with the schemas of the very structs that are answered."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple, get_args

import msgspec

from pmtui.api.errors import ErrorAnswer
from pmtui.api.parameters import LAST_EVENT_ID, Selection
from pmtui.api.responses import Done, Results
from pmtui.control import (
    MAX_LINES,
    ConfigChanges,
    Detail,
    DroppedLines,
    Graph,
    LogFileInfo,
    LogLine,
    ManagerInfo,
    Operation,
    ProcessEvent,
    Snapshot,
    Stream,
)

JSON, TEXT, EVENTS = "application/json", "text/plain", "text/event-stream"
Json = dict[str, Any]


class Endpoint(NamedTuple):
    """One operation. `answer` is what a JSON body has, or each event of a stream; None where it is plain text."""

    method: str
    path: str
    name: str
    summary: str
    answer: Any = None
    media: Sequence[str] = (JSON,)
    parameters: Sequence[Json] = ()
    body: Any = None
    is_open: bool = False

    @property
    def refusals(self) -> Iterator[int]:
        """The statuses with which it may be refused."""
        if not self.is_open:
            yield 401
        if "{id}" in self.path:
            yield 404
        if "{id}" in self.path and self.method == "POST":
            yield 409
        if self.body:
            yield 422
        yield from COMMON_REFUSALS


def _query(name: str, text: str, **schema: Any) -> Json:
    return {"name": name, "in": "query", "description": text, "schema": schema or {"type": "string"}}


def _path(name: str, text: str) -> Json:
    return {"name": name, "in": "path", "required": True, "description": text, "schema": {"type": "string"}}


def _last_event_id(text: str) -> Json:
    return {"name": LAST_EVENT_ID, "in": "header", "description": text, "schema": {"type": "string"}}


def _flag(name: str, default: bool, text: str) -> Json:
    return _query(name, text, type="boolean", default=default)


REFUSALS = {
    400: "What is asked for makes no sense; the message says what would.",
    401: "The token is missing or wrong.",
    403: "Host or Origin is not this server's.",
    404: "There is no such process.",
    408: "The request was not sent in time.",
    409: "The process is in no state for that, or did not come to what was waited for.",
    413: "The body is too large.",
    422: "The body has another shape.",
    431: "There are too many headers, or they are too large.",
    500: "The manager met an error of its own.",
    503: "The manager is leaving, or all places are taken.",
}
COMMON_REFUSALS = (400, 403, 408, 413, 431, 500, 503)

ID = _path("id", "The id of a process; no pattern. One that is called as a route is: with an encoded letter, %6Cist.")
ENUM = {"type": "string", "enum": [*get_args(Stream)]}
LINES = (
    _query("lines", "The last so many.", type="integer", minimum=0, maximum=MAX_LINES, default=100),
    _query("stream", "One of the two.", **ENUM),
    _query("since", "RFC 3339, or a duration before now such as 5m."),
    _query("until", "The same."),
    _query("grep", "A regular expression without look-around and back-references."),
    _query("run", "current, previous, or the number of a run."),
    _query("level", "That one and all that are worse.", enum=["trace", "debug", "info", "warn", "error", "fatal"]),
    _query("before", "Only lines before that number.", type="integer"),
    _flag("raw", False, "Each line has its bytes in `data`, too, in base64."),
)
NOW = _flag("now", False, "Kills the whole tree at once, without grace.")
IDS = _query("ids", "Ids, globs and @groups with commas between them; all where it is left out.")
PROCESS_PATH = "/api/pm/{id}"

ENDPOINTS = (
    Endpoint("GET", "/api/health", "health", "Whether the API answers.", ErrorAnswer, is_open=True),
    Endpoint("GET", "/metrics", "metrics", "Figures in the text format of Prometheus.", media=(TEXT,)),
    Endpoint("GET", "/openapi.json", "openapi", "This description.", dict[str, Any]),
    Endpoint("GET", "/api/pm/list", "list", "All processes in config order.", list[Snapshot]),
    Endpoint(
        "GET", "/api/pm/events", "streamEvents", "Every change of state as it comes.", ProcessEvent, (EVENTS,),
        [_last_event_id("The id of the last event that was taken: the stream goes on behind it.")],
    ),
    Endpoint(
        "GET", "/api/pm/logs/stream", "streamLogsOfMany", "The lines of several processes as they come.", LogLine,
        (EVENTS,), [IDS, *LINES, _last_event_id("The id of the last event that was taken, such as web=12,worker=7.")],
    ),
    Endpoint("GET", "/api/pm/config", "config", "Where the config is, and what is wrong with it.", ManagerInfo),
    Endpoint("GET", "/api/pm/graph", "graph", "Who needs whom.", Graph),
    Endpoint(
        "POST", "/api/pm/reload", "reload", "Reads the config again, and carries out what has changed.", ConfigChanges,
        parameters=[_flag("dryRun", False, "Only tells what it would do.")],
    ),
    *(
        Endpoint(
            "POST", f"/api/pm/{name}", f"{name}Many", f"To {name} all that match; a result for each.", Results,
            body=Selection,
        )
        for name in get_args(Operation)
    ),
    Endpoint("GET", PROCESS_PATH, "get", "One process and all that explains it.", Detail, parameters=[ID]),
    *(
        Endpoint(
            "POST", f"{PROCESS_PATH}/{name}", name, f"To {name} a process.", Done,
            parameters=[ID, _flag("wait", name == "stop", "Answers when it is done; 409 where it cannot be."), *more],
        )
        for name, more in (("start", []), ("stop", [NOW]), ("restart", []))
    ),
    Endpoint(
        "POST", f"{PROCESS_PATH}/signal/{{name}}", "signal", "Sends a signal to the main process.", Done,
        parameters=[ID, _path("name", "SIGHUP, HUP or 1.")],
    ),
    Endpoint(
        "GET", f"{PROCESS_PATH}/events", "events", "The last 100 changes of state.", list[ProcessEvent],
        parameters=[ID],
    ),
    Endpoint(
        "GET", f"{PROCESS_PATH}/logs", "logs", "The last lines, oldest first.", list[LogLine], (JSON, TEXT),
        [ID, *LINES, _query("format", "How to answer.", type="string", enum=["json", "text"], default="json")],
    ),
    Endpoint("DELETE", f"{PROCESS_PATH}/logs", "clearLogs", "Forgets all lines.", Done, parameters=[ID]),
    Endpoint(
        "GET", f"{PROCESS_PATH}/logs/files", "logFiles", "The log files, newest first.", list[LogFileInfo],
        parameters=[ID],
    ),
    Endpoint(
        "GET", f"{PROCESS_PATH}/logs/stream", "streamLogs", "The lines of a process as they come.", LogLine, (EVENTS,),
        [ID, *LINES, _last_event_id("The id of the last event that was taken, a number.")],
    ),
)  # fmt: skip


@cache
def document(version: str) -> Json:
    """All of it."""
    types = [one.answer for one in ENDPOINTS if one.answer] + [Selection, ErrorAnswer, DroppedLines]
    schemas, components = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    known = {str(kind): schema for kind, schema in zip(types, schemas, strict=True)}
    paths: dict[str, Json] = {}
    for one in ENDPOINTS:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one, known)
    return {
        "openapi": "3.1.0",
        "info": {"title": "pmtui", "version": version, "description": "The manager of this config, and its processes."},
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": dict(components),
            "responses": {str(status): _refusal(text, known) for status, text in REFUSALS.items()},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(one: Endpoint, known: Mapping[str, Json]) -> Json:
    content = {media: {"schema": _schema(one, media, known)} for media in one.media}
    refusals = {str(status): {"$ref": f"#/components/responses/{status}"} for status in one.refusals}
    described: Json = {
        "operationId": one.name,
        "summary": one.summary,
        "parameters": [*one.parameters],
        "responses": {"200": {"description": _description(one), "content": content}, **refusals},
    }
    if one.body:
        described["requestBody"] = {"required": True, "content": {JSON: {"schema": known[str(one.body)]}}}
    if one.is_open:
        described["security"] = []
    return described


def _refusal(text: str, known: Mapping[str, Json]) -> Json:
    return {"description": text, "content": {JSON: {"schema": known[str(ErrorAnswer)]}}}


def _schema(one: Endpoint, media: str, known: Mapping[str, Json]) -> Json:
    return known[str(one.answer)] if media == JSON else {"type": "string"}


def _description(one: Endpoint) -> str:
    if EVENTS not in one.media:
        return "It was done."
    told = one.answer.__name__
    return f"Each event is a {told}; one of kind `missed` tells how many are lost, one of kind `error` is the last."

"""The API as an OpenAPI 3.1 document, with schemas made from the structs of the responses."""

from collections.abc import Mapping
from functools import cache

import msgspec

from pmtui.api.endpoints import BYTES, ENDPOINTS, EVENTS, JSON, REFUSALS, Endpoint, Json
from pmtui.api.errors import ErrorAnswer
from pmtui.api.parameters import NewProcess, Selection
from pmtui.control import DroppedLines, TerminalSize


@cache
def document(version: str) -> Json:
    bodies = [Selection, NewProcess, TerminalSize]
    types = [one.answer for one in ENDPOINTS if one.answer] + [*bodies, ErrorAnswer, DroppedLines]
    schemas, components = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    known = {str(kind): schema for kind, schema in zip(types, schemas, strict=True)}
    paths: dict[str, Json] = {}
    for one in ENDPOINTS:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one, known)
    return {
        "openapi": "3.1.0",
        "info": {"title": "pmtui", "version": version, "description": "The manager of one config and its processes."},
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
        "operationId": one.operation_id,
        "summary": one.summary,
        "parameters": [*one.parameters],
        "responses": {str(one.status): {"description": _description(one), "content": content}, **refusals},
    }
    if one.body:
        described["requestBody"] = {"required": True, "content": _body(one, known)}
    if one.is_open:
        described["security"] = []
    return described


def _body(one: Endpoint, known: Mapping[str, Json]) -> Json:
    if one.body is BYTES:
        return {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
    return {JSON: {"schema": known[str(one.body)]}}


def _refusal(text: str, known: Mapping[str, Json]) -> Json:
    return {"description": text, "content": {JSON: {"schema": known[str(ErrorAnswer)]}}}


def _schema(one: Endpoint, media: str, known: Mapping[str, Json]) -> Json:
    return known[str(one.answer)] if media == JSON else {"type": "string"}


def _description(one: Endpoint) -> str:
    if EVENTS not in one.media:
        return "Success."
    told = one.answer.__name__
    return f"Each event is a {told}. An event `missed` reports how many were lost; an event `error` is the last one."

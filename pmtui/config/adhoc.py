"""Validate a process that is not in the config: the same fields, the same errors."""

import os
from collections.abc import Container, Mapping
from typing import Any

from pmtui.config.model import ProcessConfig
from pmtui.config.parsing.dependencies import ConfigEntry
from pmtui.config.parsing.entries import read_entries
from pmtui.config.parsing.parser import Document
from pmtui.config.parsing.problems import Problems, join

PLACE = "process"


class _Request:
    """A process as it was requested, with paths relative to `directory`."""

    place = PLACE

    def __init__(self, fields: Mapping[str, Any], directory: str) -> None:
        self._fields = fields
        self.document = Document(os.path.join(directory, "request.json"), "foreign")

    def merged(self) -> dict[str, Any]:
        return dict(self._fields)


def read_process(
    fields: Mapping[str, Any], directory: str, known: Container[str]
) -> tuple[ProcessConfig | None, list[str]]:
    """Return the process, or None and all errors. It may depend on the `known` ids."""
    problems = Problems()
    entries = read_entries([_Request(fields, directory)], directory, problems)
    for entry in entries:
        _check(entry, known, problems)
    errors = [str(problem).removeprefix(f"{PLACE}.") for problem in problems.found if not problem.warning]
    return (entries[0].config, []) if entries and not errors else (None, errors)


def _check(entry: ConfigEntry, known: Container[str], problems: Problems) -> None:
    if entry.config and entry.config.instances > 1:
        problems.error(f"{PLACE}.instances", "a process outside the config has one instance; add several")
    for name in entry.depends_on:
        if name not in known:
            problems.error(join(f"{PLACE}.dependsOn", name), "no process has this id")

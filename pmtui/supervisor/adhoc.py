"""Processes that were requested while the manager runs, and are not in the config."""

import os
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from pmtui.config.adhoc import read_process
from pmtui.config.load import Loaded
from pmtui.config.parsing.problems import Problem
from pmtui.control import ConflictError, RejectedError, Status
from pmtui.supervisor import events
from pmtui.supervisor.process import Process
from pmtui.supervisor.supervisor import Supervisor

COMING_STATES = frozenset({Status.WAITING, Status.STARTING, Status.RUNNING})


def add(supervisor: Supervisor, fields: Mapping[str, Any]) -> Process:
    """Register a process, and start it unless `autostart` is false. Raises RejectedError with all errors."""
    supervisor.require_running()
    config, errors = read_process(fields, directory(supervisor), supervisor.processes)
    if config is None:
        raise RejectedError("; ".join(errors))
    if config.id in supervisor.processes:
        raise ConflictError(f"There already is a process '{config.id}'; choose another id.")
    supervisor.register(config, origin="adhoc")
    process = supervisor.processes[config.id]
    if process.status in COMING_STATES:  # not one whose program is missing: it has had its start
        supervisor.request("start", [config.id])  # with what it depends on
    return process


async def remove(supervisor: Supervisor, process_id: str) -> None:
    """End the process tree, and forget the process. Raises ConflictError if the config has it."""
    process = require_adhoc(supervisor, process_id)
    process.handle(events.Remove("removed by user"))
    await supervisor.wait_until(lambda: supervisor.processes.get(process_id) is not process)


def require_adhoc(supervisor: Supervisor, process_id: str) -> Process:
    process = supervisor.find(process_id)
    if process.origin == "config":
        raise ConflictError(f"Process '{process_id}' belongs to the config; remove it there and reload.")
    return process


def refuse_taken(loaded: Loaded, processes: Iterable[Process]) -> Loaded:
    """Return the config with an error for each entry whose id an ad-hoc process has."""
    taken = {process.id for process in processes if process.origin == "adhoc"}
    clashes = [config.id for config in loaded.processes if config.id in taken]
    if not clashes:
        return loaded
    text = "an ad-hoc process has this id; remove that one or choose another id"
    problems = [Problem(f"{loaded.entry_paths[name]}.id", f"{name}: {text}") for name in clashes]
    return msgspec.structs.replace(loaded, problems=(*loaded.problems, *problems))


def directory(supervisor: Supervisor) -> str:
    """Return the directory that relative paths start from: that of the config."""
    path = supervisor.source.loaded.path if supervisor.source else None
    return str(path.parent) if path else os.getcwd()

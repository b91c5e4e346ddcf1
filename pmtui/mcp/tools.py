"""What the tools do. Each returns text within its budget; errors are those of `Control`."""

import asyncio
import os
import shutil
from collections.abc import Callable, Mapping, Sequence

from pmtui.client.adhoc import command_fields, name_of
from pmtui.client.discovery import ManagerAddress, ManagerUnavailableError, NoManagerError
from pmtui.client.http_client import split_url
from pmtui.client.remote_control import RemoteControl
from pmtui.config.model import MIN_HEALTHY_UPTIME
from pmtui.control import (
    IDLE_STATES,
    ConflictError,
    ControlError,
    InvalidError,
    NotFoundError,
    Operation,
    Snapshot,
    Status,
)
from pmtui.mcp.budget import DEFAULT_CHARS, fill
from pmtui.mcp.explain import explanation, row_text, selected
from pmtui.mcp.logs import format_line, read_page

GOOD_STATES = IDLE_STATES - {Status.FAILED} | {Status.RUNNING}
MAX_WAIT = 600.0
"""Seconds that one call waits, at most."""
OPERATION_TIMEOUT = 30.0
POLL_INTERVAL = 0.1
MAX_NAMES = 100
FIRST_LINES, FIRST_CHARS = 8, 1000
"""The output that `run` shows."""
LOOPBACK = ("127.0.0.1", "::1", "localhost")

Locate = Callable[[], ManagerAddress]


class Tools:
    """The tools over the manager that `locate` finds. It is never started."""

    def __init__(self, locate: Locate, check: Callable[[], str]) -> None:
        self._locate = locate
        self._check = check
        self._control = RemoteControl(locate)

    # reading

    async def list_processes(self, id: str = "*", maxChars: int = DEFAULT_CHARS) -> str:
        rows = await self._rows()
        return fill([row_text(row) for row in selected(rows, id)] or [f"no process matches '{id}'"], maxChars)

    async def explain(self, id: str = "*", maxChars: int = DEFAULT_CHARS) -> str:
        rows = await self._rows()
        chosen = [rows[id]] if id in rows else selected(rows, id)
        if not chosen:
            raise unknown(id, rows)
        if len(chosen) > 1:
            troubled = [row for row in chosen if row.status not in GOOD_STATES or row.health == "unhealthy"]
            if not troubled:
                return fill(["no problems:", *map(row_text, chosen)], maxChars)
            chosen = troubled
        parts = [[*explanation(await self._control.get(row.id), rows)] for row in chosen]
        return fill([line for part in parts for line in ("", *part)][1:], maxChars)

    async def read_logs(
        self, id: str, cursor: str | int = "", grep: str = "", level: str = "", maxChars: int = DEFAULT_CHARS
    ) -> str:
        self._require_manager()
        try:
            return await read_page(self._control.logs, id, str(cursor), grep, level, maxChars)
        except NotFoundError:
            raise unknown(id, await self._rows()) from None

    async def wait(self, id: str = "*", timeout: float = 60) -> str:
        rows = await self._rows()
        ids = [row.id for row in selected(rows, id)]
        if not ids:
            raise unknown(id, rows)
        return await self._settled(ids, timeout, lambda row: row.status in IDLE_STATES | {Status.RUNNING})

    async def check_config(self, maxChars: int = DEFAULT_CHARS) -> str:
        text = await asyncio.to_thread(self._check)
        try:
            self._locate()
        except (NoManagerError, ManagerUnavailableError) as error:
            text += f"\n{error}"
        return fill(text.splitlines(), maxChars)

    # control

    async def start(self, id: str, timeout: float = OPERATION_TIMEOUT) -> str:
        return await self._operate("start", id, timeout)

    async def stop(self, id: str, timeout: float = OPERATION_TIMEOUT) -> str:
        return await self._operate("stop", id, timeout)

    async def restart(self, id: str, timeout: float = OPERATION_TIMEOUT) -> str:
        return await self._operate("restart", id, timeout)

    async def reload(self, maxChars: int = DEFAULT_CHARS) -> str:
        self._require_manager()
        changes = await self._control.reload()
        if changes.errors:
            return fill(["nothing changed, because of errors:", *changes.errors], maxChars)
        kinds = {kind: getattr(changes, kind) for kind in ("added", "removed", "changed")}
        lines = [f"{kind}: {', '.join(ids)}" for kind, ids in kinds.items() if ids]
        return fill([*lines, *changes.notes] or ["nothing changed"], maxChars)

    async def run(self, command: list[str], name: str = "", timeout: float = OPERATION_TIMEOUT) -> str:
        """Add a process whose lease is this server, so it never outlives the agent."""
        address = self._require_manager()
        if split_url(address.url)[1].hostname not in LOOPBACK:
            raise ConflictError("run needs a manager on this machine: the process is to end with this server.")
        if not command:
            raise InvalidError("command must not be empty.")
        process_id = await self._add(command, name)
        text = await self._settled([process_id], timeout, has_started)
        lines = await self._control.logs(process_id, run="current", lines=FIRST_LINES)
        end = [f"cursor: {lines[-1].seq}"] if lines else []
        return fill([text, *(format_line(line) for line in lines), *end], FIRST_CHARS)

    async def send_input(self, id: str, text: str, enter: bool = True) -> str:
        self._require_manager()
        await self._control.send_input(id, text.encode() + b"\n" * enter)
        return f"sent to {id}"

    async def close(self) -> None:
        await self._control.close()

    async def _add(self, command: Sequence[str], name: str) -> str:
        fields = command_fields(command, os.getcwd())
        if len(command) == 1 and " " in command[0] and shutil.which(command[0]) is None:
            fields |= {"command": command[0], "shell": True}  # a command line, as one would type it
        base = name or name_of(command[0].split()[0])
        for number in range(1, MAX_NAMES):
            process_id = base if number == 1 else f"{base}-{number}"
            try:
                return await self._control.add({"id": process_id, **fields}, os.getpid())
            except ConflictError:
                if name and not await self._removed(name):
                    raise
                if name:
                    return await self._control.add({"id": name, **fields}, os.getpid())
        raise ConflictError(f"Too many processes are named {base}; give it a name.")

    async def _removed(self, process_id: str) -> bool:
        """Remove an added process that has ended, and return whether it was one."""
        row = (await self._rows()).get(process_id)
        if row is None or row.origin != "adhoc" or row.status not in IDLE_STATES:
            return False
        await self._control.remove(process_id)
        return True

    async def _operate(self, operation: Operation, pattern: str, timeout: float) -> str:
        self._require_manager()
        results = await self._control.bulk(operation, [pattern], wait=False)
        if failed := [result.message for result in results if not result.ok]:
            raise NotFoundError(failed[0])
        is_settled = has_stopped if operation == "stop" else has_started
        return await self._settled([result.id for result in results], timeout, is_settled)

    async def _settled(self, ids: Sequence[str], timeout: float, is_settled: Callable[[Snapshot], bool]) -> str:
        """Return the processes once their outcome is known, or as they are after the timeout."""
        deadline = asyncio.get_running_loop().time() + min(max(timeout, 0.0), MAX_WAIT)
        while True:
            rows = await self._rows()
            chosen = [rows[name] for name in ids if name in rows]
            open_rows = [row for row in chosen if not is_settled(row)]
            if not open_rows or asyncio.get_running_loop().time() >= deadline:
                late = [f"timeout: {len(open_rows)} still without outcome"] if open_rows else []
                return fill([*late, *map(row_text, chosen)], DEFAULT_CHARS)
            await asyncio.sleep(POLL_INTERVAL)

    async def _rows(self) -> Mapping[str, Snapshot]:
        self._require_manager()
        return {row.id: row for row in await self._control.list()}

    def _require_manager(self) -> ManagerAddress:
        try:
            return self._locate()
        except (NoManagerError, ManagerUnavailableError) as error:
            raise ControlError(str(error)) from None


def has_started(row: Snapshot) -> bool:
    """Return whether the outcome of a start is known: without a health check, once it has run for a second."""
    if row.status is Status.RUNNING:
        return row.health is not None or row.uptime_seconds >= MIN_HEALTHY_UPTIME
    return row.status in IDLE_STATES or row.status is Status.CRASHED


def has_stopped(row: Snapshot) -> bool:
    return row.status in IDLE_STATES


def unknown(pattern: str, rows: Mapping[str, Snapshot]) -> NotFoundError:
    return NotFoundError(f"Process '{pattern}' not found; processes: {', '.join(rows) or 'none'}.")

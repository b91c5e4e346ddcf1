"""What the tools do. Each returns text within its budget; errors are those of `Control`."""

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence

from pmtui.client.adhoc import command_fields, name_of
from pmtui.client.discovery import ManagerAddress, ManagerUnavailableError, NoManagerError
from pmtui.client.http_client import split_url
from pmtui.client.remote_control import RemoteControl
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
from pmtui.mcp.logs import read_page

SETTLED_STATES = IDLE_STATES | {Status.RUNNING}
MAX_WAIT = 600.0
"""Seconds that one call waits, at most."""
OPERATION_TIMEOUT = 30.0
POLL_INTERVAL = 0.1
MAX_NAMES = 100
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

    async def explain(self, id: str, maxChars: int = DEFAULT_CHARS) -> str:
        rows = await self._rows()
        return fill(explanation(await self._control.get(id), rows), maxChars)

    async def read_logs(
        self, id: str, cursor: str | int = "", grep: str = "", level: str = "", maxChars: int = DEFAULT_CHARS
    ) -> str:
        self._require_manager()
        return await read_page(self._control.logs, id, str(cursor), grep, level, maxChars)

    async def wait(self, id: str = "*", timeout: float = 60) -> str:
        rows = await self._rows()
        ids = [row.id for row in selected(rows, id)]
        if not ids:
            raise NotFoundError(f"No process matches '{id}'.")
        return await self._settled(ids, timeout)

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
        return await self._settled([process_id], timeout)

    async def send_input(self, id: str, text: str, enter: bool = True) -> str:
        self._require_manager()
        await self._control.send_input(id, text.encode() + b"\n" * enter)
        return f"sent to {id}"

    async def close(self) -> None:
        await self._control.close()

    async def _add(self, command: Sequence[str], name: str) -> str:
        fields = command_fields(command, os.getcwd())
        base = name or name_of(command[0])
        for number in range(1, MAX_NAMES):
            process_id = base if number == 1 else f"{base}-{number}"
            try:
                return await self._control.add({"id": process_id, **fields}, os.getpid())
            except ConflictError:
                if name:
                    raise
        raise ConflictError(f"Too many processes are named {base}; give it a name.")

    async def _operate(self, operation: Operation, pattern: str, timeout: float) -> str:
        self._require_manager()
        results = await self._control.bulk(operation, [pattern], wait=False)
        if failed := [result.message for result in results if not result.ok]:
            raise NotFoundError(failed[0])
        return await self._settled([result.id for result in results], timeout)

    async def _settled(self, ids: Sequence[str], timeout: float) -> str:
        """Return the processes once their outcome is known, or as they are after the timeout."""
        deadline = asyncio.get_running_loop().time() + min(max(timeout, 0.0), MAX_WAIT)
        while True:
            rows = await self._rows()
            chosen = [rows[name] for name in ids if name in rows]
            open_rows = [row for row in chosen if row.status not in SETTLED_STATES]
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

"""The server on stdio: which tools there are, and how they are described. Imports the SDK, which is an extra."""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations

from pmtui.control import ControlError
from pmtui.mcp.tools import Tools
from pmtui.version import __version__

INSTRUCTIONS = (
    "Processes of this project under pmtui. Ask `explain` first if something does not work; follow logs with the "
    "cursor of the last answer; use `wait` instead of polling. id may be a glob or @group where several are possible."
)
READING = ToolAnnotations(read_only_hint=True, open_world_hint=False)
CHANGING = ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=False)
DESTRUCTIVE = ToolAnnotations(read_only_hint=False, destructive_hint=True, open_world_hint=False)

READ_TOOLS = {
    "list_processes": "List processes with status, uptime, addresses and reason.",
    "explain": "Why a process is in its state: dependencies, failed checks, last exits and last words; without "
    "`id`, of all that have a problem.",
    "read_logs": "Newest log lines, or those after `cursor` (`start`: the oldest). `grep` is an RE2 regex, "
    "`level` the lowest level (trace to fatal). The last line of the answer is the next cursor; ! marks stderr.",
    "wait": "Wait until processes are healthy or have ended, at most `timeout` seconds (up to 600).",
    "check_config": "Errors and warnings of the config file, with lines.",
}
CONTROL_TOOLS = {
    "start": ("Start processes and what they depend on; wait for the outcome.", CHANGING),
    "stop": ("Stop processes; wait until their trees are gone.", DESTRUCTIVE),
    "restart": ("Restart processes; wait for the outcome.", DESTRUCTIVE),
    "reload": ("Read the config again and apply what has changed.", DESTRUCTIVE),
    "run": (
        "Run a command (program and arguments, or one shell command line) as a process with logs, e.g. a dev server; "
        "it ends with this session. Returns its first output; a name can be used again once it has ended.",
        DESTRUCTIVE,
    ),
    "send_input": ("Write text to the stdin of a process, then a newline if `enter`.", DESTRUCTIVE),
}


def build_server(tools: Tools, *, allow_control: bool) -> MCPServer[Any]:
    """Return a server with the tools that read, and with `allow_control` those that change something."""
    server = MCPServer[Any]("pmtui", instructions=INSTRUCTIONS, version=__version__, log_level="ERROR")
    chosen = {name: (text, READING) for name, text in READ_TOOLS.items()} | (CONTROL_TOOLS if allow_control else {})
    for name, (text, annotations) in chosen.items():
        server.add_tool(
            _with_tool_errors(getattr(tools, name)),
            name=name,
            description=text,
            annotations=annotations,
            structured_output=False,
        )
    return server


def _with_tool_errors(tool: Callable[..., Awaitable[str]]) -> Callable[..., Awaitable[str]]:
    """Pass errors of the manager on to the agent as the result of the call."""

    @wraps(tool)
    async def call(*args: Any, **kwargs: Any) -> str:
        try:
            return await tool(*args, **kwargs)
        except ControlError as error:
            raise ToolError(str(error)) from None

    return call

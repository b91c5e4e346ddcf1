"""`pmtui mcp`: serve the Model Context Protocol on stdio, for coding agents."""

import argparse
import os
from collections.abc import Sequence
from functools import partial
from importlib.util import find_spec

from pmtui.cli.base import FAILURE, fail, load
from pmtui.cli.session import verb_parser


def parser() -> argparse.ArgumentParser:
    command = verb_parser(
        "mcp",
        "Serve the Model Context Protocol on stdin and stdout: an agent lists processes, reads logs, waits and asks "
        "why something failed. It only reads unless --allow-control is given. Requires: pip install 'pmtui[mcp]'.",
        "pmtui mcp",
        "pmtui mcp --allow-control             also start, stop, restart, reload, run and send_input",
    )
    command.add_argument("--allow-control", action="store_true", help="offer tools that change something, too")
    return command


def run(argv: Sequence[str]) -> int:
    options = parser().parse_args(argv)
    if find_spec("mcp") is None:
        return fail("the mcp package is missing; install it with: pip install 'pmtui[mcp]'", FAILURE)
    import asyncio

    asyncio.run(serve(options))
    return 0


async def serve(options: argparse.Namespace) -> None:
    from pmtui.client.discovery import locate_manager
    from pmtui.mcp.server import build_server
    from pmtui.mcp.tools import Tools

    tools = Tools(partial(locate_manager, options.config, options.url, os.environ), partial(check_text, options))
    try:
        await build_server(tools, allow_control=options.allow_control).run_stdio_async()
    finally:
        await tools.close()


def check_text(options: argparse.Namespace) -> str:
    from pmtui.config.check import check, report
    from pmtui.importers.foreign import foreign_reader

    loaded = load(options.config)
    if loaded.path is None:
        return "no config in this directory or above"
    return report(check(loaded, os.environ, read=foreign_reader(loaded.path)))

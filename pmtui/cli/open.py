"""`pmtui open`: the web page in the browser, signed in."""

import argparse
import html
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from pmtui.cli.base import DONE, FAILURE, fail
from pmtui.cli.output import as_json
from pmtui.cli.session import verb_parser, with_client
from pmtui.client.http_client import HttpClient
from pmtui.control import ManagerInfo, NotFoundError

BROWSER_VARIABLES = ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY")
"""Without any of them there is no browser to open, only ones that would take the terminal."""
REDIRECT_LIFETIME = 30
"""Seconds after which the file that hands over the token is removed."""


def parser() -> argparse.ArgumentParser:
    command = verb_parser(
        "open",
        "Print the address of the manager's web page and open it in the browser. The address signs in: anyone who has "
        "it can do what you can.",
        "pmtui open",
        "ssh -L 9615:127.0.0.1:9615 HOST pmtui open     print an address for the browser on this machine",
    )
    command.add_argument("--json", action="store_true", help="print an object with the url, and open nothing")
    return command


def run(argv: Sequence[str]) -> int:
    options = parser().parse_args(argv)
    return with_client(options, lambda client: open_page(client, options))


def open_page(client: HttpClient, options: argparse.Namespace) -> int:
    client.get("/api/pm/config", ManagerInfo)
    try:
        client.read("GET", "/")
    except NotFoundError:
        return fail("this manager serves no web page; start it without --no-web (or with web = true)", FAILURE)
    address = f"{client.url}/#token={quote(client.token, safe='')}"
    if options.json:
        sys.stdout.write(as_json({"url": address}) + "\n")
        return DONE
    sys.stdout.write(f"{address}\n")
    sys.stdout.flush()
    if any(os.environ.get(name) for name in BROWSER_VARIABLES):
        open_browser(address)
    return DONE


def open_browser(address: str) -> None:
    """Open a private file that leads on to the address: command lines can be read by every user of the machine."""
    import webbrowser

    redirect = write_redirect(address)
    subprocess.Popen(
        ["/bin/sh", "-c", f'sleep {REDIRECT_LIFETIME}; rm -f -- "$0"', redirect],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    webbrowser.open(redirect.as_uri())


def write_redirect(address: str) -> Path:
    """A page of mode 0600 that leads on to the address at once."""
    target = html.escape(address)
    descriptor, name = tempfile.mkstemp(prefix="pmtui-", suffix=".html")
    with os.fdopen(descriptor, "w") as file:
        file.write(
            f'<!doctype html><meta charset="utf-8"><title>pmtui</title>'
            f'<meta http-equiv="refresh" content="0;url={target}"><a href="{target}">pmtui</a>\n'
        )
    return Path(name)

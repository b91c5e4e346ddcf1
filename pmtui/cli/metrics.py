"""`pmtui metrics`: figures for a monitor."""

import argparse
import sys
from collections.abc import Sequence

from pmtui.cli.base import DONE
from pmtui.cli.session import verb_parser, with_client
from pmtui.client.http_client import HttpClient


def parser() -> argparse.ArgumentParser:
    return verb_parser(
        "metrics",
        "What GET /metrics answers: restarts by reason, CPU, memory, uptime and logs, as Prometheus reads them.",
        "pmtui metrics | grep pmtui_restarts",
    )


def run(argv: Sequence[str]) -> int:
    def show(client: HttpClient) -> int:
        sys.stdout.write(client.read("GET", "/metrics").decode())
        return DONE

    return with_client(parser().parse_args(argv), show)

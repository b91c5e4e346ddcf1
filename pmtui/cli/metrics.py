"""`pmtui metrics`: print metrics for a monitoring system."""

import argparse
import sys
from collections.abc import Sequence

from pmtui.cli.base import DONE
from pmtui.cli.session import verb_parser, with_client
from pmtui.client.http_client import HttpClient


def parser() -> argparse.ArgumentParser:
    return verb_parser(
        "metrics",
        "Print what GET /metrics returns: restarts by reason, CPU, memory, uptime and log sizes, in the Prometheus "
        "text format.",
        "pmtui metrics | grep pmtui_process_restarts",
    )


def run(argv: Sequence[str]) -> int:
    def show(client: HttpClient) -> int:
        sys.stdout.write(client.read("GET", "/metrics").decode())
        return DONE

    return with_client(parser().parse_args(argv), show)

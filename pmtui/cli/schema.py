"""`pmtui schema`: print the JSON Schema of the config."""

import argparse
import sys
from collections.abc import Sequence

from pmtui.cli.base import DONE, command_parser


def parser() -> argparse.ArgumentParser:
    return command_parser(
        "schema",
        "Print the JSON Schema (2020-12) of the config, for editors that complete and check it as you type. It holds "
        'for JSON, YAML and TOML; the config may name it as "$schema", or as "#:schema FILE" in TOML.',
        "pmtui schema > pmtui.schema.json",
        codes="exit codes: 0 printed, 2 bad usage",
    )


def run(argv: Sequence[str]) -> int:
    parser().parse_args(argv)
    import msgspec

    from pmtui.config.schema import config_schema

    sys.stdout.write(msgspec.json.format(msgspec.json.encode(config_schema())).decode() + "\n")
    return DONE

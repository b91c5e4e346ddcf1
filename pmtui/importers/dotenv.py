"""How other programs read a `.env` file: what they would make of it otherwise than pmtui, which follows godotenv."""

import re
import shlex
from collections.abc import Mapping

from pmtui.config.envfile import env_file_values, read_env_file
from pmtui.importers.builder import ConfigBuilder

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FOREMAN = re.compile(r"([A-Za-z_0-9]+)=(.*)")
_EXTENSION = re.compile(r"(?<!\\)\$\{[A-Za-z_]\w*:[-?]", re.ASCII)


def report_differences(
    draft: ConfigBuilder, path: str, readers: Mapping[str, Mapping[str, str]], process: str = "", source: str = ".env"
) -> None:
    """Add a loss for each variable to which a program gives another value; `readers` has theirs. Tells no value.

    Raises ConfigError if pmtui cannot read the file.
    """
    ours = env_file_values(path, draft.context.environment)
    names = dict.fromkeys([*ours, *(name for values in readers.values() for name in values)])
    for name in names:
        programs = [program for program, values in readers.items() if values.get(name) != ours.get(name)]
        if programs:
            verb = "gives it another value" if len(programs) == 1 else "give it another value"
            advice = "put it in single quotes to mean the same everywhere"
            draft.add_loss(process, f"{source}: {name}", f"{' and '.join(programs)} {verb} than pmtui; {advice}")


def foreman_values(text: str) -> dict[str, str]:
    """The values by the rules of foreman: no comments behind values, nothing is expanded, quotes hold for a line."""
    values: dict[str, str] = {}
    for line in text.replace("\r\n", "\n").split("\n"):
        if found := _FOREMAN.fullmatch(line):
            values[found[1]] = _foreman_value(found[2])
    return values


def _foreman_value(text: str) -> str:
    if len(text) > 1 and text[0] == text[-1] == "'":
        return text[1:-1]
    if len(text) > 1 and text[0] == text[-1] == '"':
        return re.sub(r"\\(.)", r"\1", text[1:-1].replace("\\n", "\n"))
    return text


def honcho_values(text: str) -> dict[str, str]:
    """The values by the rules of honcho: each line as a shell would split it, its words joined."""
    values: dict[str, str] = {}
    for line in text.splitlines():
        try:
            tokens = list(shlex.shlex(line, posix=True))
        except ValueError:
            continue
        if len(tokens) > 2 and tokens[1] == "=" and _NAME.match(tokens[0]):
            values[tokens[0]] = "".join(tokens[2:]).replace("\\n", "\n").replace("\\t", "\t")
    return values


def godotenv_values(path: str) -> dict[str, str]:
    """The values by the rules of godotenv itself: it knows the variables of the file alone, and no defaults.

    Raises ConfigError.
    """
    known: dict[str, str] = {}
    for assignment in read_env_file(path):
        text = assignment.text if assignment.is_literal else _EXTENSION.sub(_without_default, assignment.text)
        known[assignment.name], _ = assignment._replace(text=text).expand(known)
    return known


def _without_default(found: re.Match[str]) -> str:
    """`${NAME:-` as godotenv takes it: a reference without a closing brace, and text."""
    name, mark = found[0][2:-2], found[0][-2:]
    return f"${{{name}}}{mark}" if name.isupper() else f"\\{found[0]}"

"""Evaluate ecosystem files that are programs by running them in node."""

import json
import os
import re
import shutil
import subprocess
from typing import Any

from pmtui.importers.builder import UnsupportedFileError

NODE_TIMEOUT = 20.0
"""Seconds; a file that listens or waits is not a config."""

_ERROR = re.compile(r"\w*Error\b.*: ")
_MODULE = re.compile(r"Cannot find (?:module|package) '([^'./][^']*)'")
_MARK = "\x1epmtui\x1e"
_PROGRAM = """
const shown = (key, value) => typeof value === "function" || value instanceof RegExp ? String(value) : value;
import(require("url").pathToFileURL(process.argv[1])).then((module) => {
  process.stdout.write(process.argv[2] + JSON.stringify(module.default ?? {...module}, shown), () => process.exit(0));
});
"""


def evaluate(path: str) -> Any:
    """Return what the file exports, as JSON. Raises UnsupportedFileError if node is missing or the file fails."""
    node = shutil.which("node")
    if node is None:
        name = os.path.basename(path)
        raise UnsupportedFileError(f"is a program, and node is not installed; install node, or convert {name} to JSON")
    try:
        done = subprocess.run(
            [node, "-e", _PROGRAM, path, _MARK],
            cwd=os.path.dirname(path),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=NODE_TIMEOUT,
        )
    except subprocess.TimeoutExpired:
        raise UnsupportedFileError(f"does not come to an end within {NODE_TIMEOUT:g} s under node") from None
    _, mark, told = done.stdout.decode(errors="replace").rpartition(_MARK)
    if done.returncode or not mark:
        raise UnsupportedFileError(f"node cannot run it: {_error(done.stderr.decode(errors='replace'), path)}")
    return json.loads(told) if told != "undefined" else None


def _error(text: str, path: str) -> str:
    """Return the error that node's output names, with the line of the file, and what helps."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    message = next((line for line in lines if _ERROR.match(line)), lines[-1] if lines else "it says nothing")
    place = re.search(rf"{re.escape(path)}:(\d+)", text)
    if found := _MODULE.search(message):
        message = f"the module '{found[1]}' is not installed: run npm install in its directory"
    return f"line {place[1]}: {message}" if place else message

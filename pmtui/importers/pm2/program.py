"""Translate what pm2 runs, and by which interpreter."""

import os
import shutil
from typing import Any

from pmtui.importers.builder import ImportContext, ProcessBuilder, UnsupportedFileError, table
from pmtui.importers.shell_words import argv_fields, shell_fields, split_words

_NODE = {".js", ".mjs", ".cjs"}
_OURS = {*_NODE, ".py", ".ts", ".mts"}
_INTERPRETERS = {
    ".coffee": "coffee",
    ".ls": "lsc",
    ".php": "php",
    ".pl": "perl",
    ".rb": "ruby",
    ".sh": "bash",
    ".tsx": "bun",
}
_COMMANDS = {
    "bash",
    "bun",
    "bunx",
    "deno",
    "docker",
    "go",
    "node",
    "npm",
    "npx",
    "pnpm",
    "python",
    "python3",
    "uv",
    "yarn",
}
"""Names that are commands even where they are not installed."""
_PEEKED_BYTES = 512


def convert_program(entry: ProcessBuilder, origin: ImportContext) -> bool:
    """Set what is run; return whether node runs it. Raises UnsupportedFileError if there is nothing to run."""
    given = {key: entry.pop(key) for key in ("script", "cmd", "command")}
    source = next((key for key, value in given.items() if value), None)
    if source is None:
        raise UnsupportedFileError("it has no script")
    script = str(given[source]).strip()
    interpreter = str(entry.pop("interpreter") or entry.pop("exec_interpreter") or "")
    options = [word for key in ("interpreter_args", "node_args", "interpreterArgs") for word in _words(entry, key)]
    args = _words(entry, "args")
    if script == "serve":
        _serve(entry, args)
        return False
    if " " in script:
        entry.set_fields(source, "has blanks: pm2 runs it by bash", **shell_fields(script, "bash"))
        for name, value in (("args", args), ("interpreter", interpreter not in ("", "none"))):
            if value:
                entry.add_loss(name, "pm2 has none for a script with blanks, which it runs by bash")
        return False
    interpreter = interpreter or _interpreter(entry, script, origin)
    if interpreter == "none":
        _command(entry, source, script, args, origin)
        if options:
            entry.add_loss("interpreter_args", "a command has no interpreter")
        return False
    _script(entry, source, script, interpreter, options, args)
    return os.path.basename(interpreter) == "node" or os.path.splitext(script)[1] in _NODE


def _interpreter(entry: ProcessBuilder, script: str, origin: ImportContext) -> str:
    """Return the interpreter that pm2 takes: by the ending, else node for any text, none for a binary."""
    ending = os.path.splitext(script)[1]
    if ending in _OURS:
        return "auto"
    if ending in _INTERPRETERS:
        return _INTERPRETERS[ending]
    path = _path(entry, script, origin)
    if os.path.isfile(path):
        return "none" if _is_binary(path) else "node"
    if "/" not in script and (script in _COMMANDS or shutil.which(script, path=origin.environment.get("PATH"))):
        return "none"
    entry.add_remark(
        "interpreter", "node: pm2 runs a file without a known ending by node; interpreter none means a command"
    )
    return "node"


def _path(entry: ProcessBuilder, script: str, origin: ImportContext) -> str:
    return os.path.join(origin.source, str(entry.peek("cwd") or ""), os.path.expanduser(script))


def _is_binary(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            return b"\0" in file.read(_PEEKED_BYTES)
    except OSError:
        return False


def _command(entry: ProcessBuilder, source: str, script: str, args: list[str], origin: ImportContext) -> None:
    if "/" not in script and os.path.isfile(_path(entry, script, origin)):
        script = f"./{script}"
    command = argv_fields([script, *args])
    entry.set_fields(source, **command)
    if args:
        entry.set_fields("args", **{name: command[name] for name in command.keys() - {"command"} or command})


def _script(
    entry: ProcessBuilder, source: str, script: str, interpreter: str, options: list[str], args: list[str]
) -> None:
    entry.set_fields(source, script=script)
    if "@" in interpreter:
        entry.add_loss("interpreter", f"{interpreter}: nvm chooses a version; write the path of that node")
        interpreter = "auto" if script.endswith(tuple(_NODE)) else "node"
    if interpreter != "auto":
        entry.set_fields("interpreter", interpreter=interpreter)
    elif script.endswith(".ts"):
        entry.add_remark("interpreter", "tsx or ts-node of the project, else node; pm2 takes bun")
    if options:
        entry.set_fields("interpreter_args", interpreterArgs=options)
    if args:
        entry.set_fields("args", args=args)


def _serve(entry: ProcessBuilder, args: list[str]) -> None:
    """Serve files by Python, as far as it does what the server of pm2 does."""
    env: dict[str, Any] = table(entry.peek("env"))
    folder, port, host = (*args, None, None, None)[:3]
    folder = str(env.get("PM2_SERVE_PATH") or folder or ".")
    port = str(env.get("PM2_SERVE_PORT") or port or 8080)
    host = str(env.get("PM2_SERVE_HOST") or host or "0.0.0.0")
    words = ["python3", "-m", "http.server", port, "--bind", host, "--directory", folder]
    entry.set_fields("script", "serve is pm2's own server of files: Python's serves them", **argv_fields(words))
    if str(env.get("PM2_SERVE_FTP", "")).lower() != "true":
        entry.add_loss("script", "serve: a folder without index.html is listed, which pm2 does not do")
    for name, what in (
        ("PM2_SERVE_SPA", "unknown paths are 404 here, not the first page"),
        ("PM2_SERVE_BASIC_AUTH", "no password is asked for"),
        ("PM2_SERVE_HOMEPAGE", "the first page is index.html"),
    ):
        if str(env.get(name) or "false").lower() != "false":
            entry.add_loss(f"env.{name}", f"{what}: use a web server such as caddy")


def _words(entry: ProcessBuilder, key: str) -> list[str]:
    value = entry.pop(key)
    return split_words(value) if value not in (None, "", []) else []

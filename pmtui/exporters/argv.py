"""Return what to execute when the target machine is not known yet."""

import os

from pmtui.config.interpreter import split_command
from pmtui.config.model import ProcessConfig

CONTAINER_ROOT = "/app"
"""Where an image holds the config's folder."""

_INTERPRETERS = {".py": "python3", ".js": "node", ".mjs": "node", ".cjs": "node", ".sh": "sh"}


def local_argv(config: ProcessConfig) -> list[str]:
    """Return the argv with names that are looked up where it starts; an existing venv of the script is used."""
    if config.script is None:
        return _command(config)
    interpreter = config.interpreter
    if interpreter == "auto":
        interpreter = _INTERPRETERS.get(os.path.splitext(config.script)[1], "")
        venvs = [f"{name}/bin/python" for name in (".venv", "venv")]
        if interpreter == "python3":
            interpreter = next((name for name in venvs if os.path.exists(os.path.join(config.cwd, name))), interpreter)
    return _script(config, interpreter)


def container_argv(config: ProcessConfig, folder: str) -> list[str]:
    """Return the argv inside an image: its own interpreters, and /app for the config's directory."""
    if config.script is None:
        return [_within(word, folder) for word in _command(config)]
    ending = os.path.splitext(config.script)[1]
    interpreter = config.interpreter if config.interpreter != "auto" else _INTERPRETERS.get(ending, "")
    if ending in (".ts", ".mts") and not interpreter:
        return ["npx", "tsx", *_script(config, "")]
    if "/venv/" in f"/{interpreter}" or "/.venv/" in f"/{interpreter}":
        interpreter = "python3"
    return [_within(word, folder) for word in _script(config, interpreter)]


def stop_argv(config: ProcessConfig) -> list[str]:
    """Return what `stopCommand` executes."""
    command = config.stop_command
    if isinstance(command, str):
        return ["/bin/sh", "-c", command] if config.shell else split_command(command)
    return command or []


def container_directory(config: ProcessConfig, folder: str) -> str:
    return _within(config.cwd, folder)


def _script(config: ProcessConfig, interpreter: str) -> list[str]:
    script = config.script or ""
    if not os.path.isabs(script) and not os.path.exists(os.path.join(config.cwd, script)):
        script = os.path.relpath(os.path.join(config.folder, script), config.cwd)
    if not interpreter and "/" not in script:
        script = f"./{script}"
    return [*([interpreter] if interpreter else []), *config.interpreter_args, script, *config.args]


def _command(config: ProcessConfig) -> list[str]:
    command = config.command or ""
    if config.shell:
        return ["/bin/sh", "-c", command]
    return [command, *config.args] if config.args else split_command(command)


def _within(word: str, folder: str) -> str:
    if word == folder or word.startswith(f"{folder}/"):
        return f"{CONTAINER_ROOT}{word[len(folder) :]}"
    return word

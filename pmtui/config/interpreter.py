"""Resolve a script or a command to the argv to execute, without running anything."""

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from itertools import islice

import msgspec

from pmtui.config.model import ConfigError, ProcessConfig
from pmtui.config.virtualenv import describe_virtualenv, find_virtualenv, searched_directories

_PYTHON = ("bin", "python")
_BLANKS = re.compile(r"[ \t\r\n]+")
_QUOTES = frozenset("'\"\\")
_MAX_FOLDERS = 4
_MAX_NAMES = 1000
_AUTOMATIC = 'with install = "auto", .venv is made before the first start'
SHELL_OPERATORS = {"&&", "||", "|", ";", "&", ">", ">>", "<", "2>&1"}
_NODE = {".js", ".mjs", ".cjs"}
_TYPESCRIPT = {".ts", ".mts"}


class Command(msgspec.Struct, frozen=True):
    """What is executed. `interpreter` is its path, if any; `found` says where it was found."""

    argv: list[str]
    interpreter: str | None
    found: str


def resolve(config: ProcessConfig, environment: Mapping[str, str]) -> Command:
    """Return the argv of a process; names are looked up on the PATH of its `environment`.

    Raises ConfigError if cwd, script, interpreter or command is missing; the message lists all places searched.
    """
    check_cwd(config)
    if config.script is None:
        return _command(config, environment)
    script = _script(config, config.script)
    if config.interpreter != "auto":
        interpreter, found = _explicit(config, environment)
    else:
        match os.path.splitext(script)[1]:
            case ".py":
                interpreter, found = _python(config, script, environment)
            case ending if ending in _NODE:
                interpreter, found = _first(config, script, [], ["node"], environment)
            case ending if ending in _TYPESCRIPT:
                interpreter, found = _typescript(config, script, environment)
            case ".sh":
                return _shell(config, script, environment)
            case _:
                return _itself(config, script)
    return Command([interpreter, *config.interpreter_args, script, *config.args], interpreter, found)


def which(name: str, environment: Mapping[str, str], cwd: str) -> str | None:
    """Return the executable of that name on the environment's PATH, as the kernel would find it from `cwd`."""
    for folder in environment.get("PATH", os.defpath).split(os.pathsep):
        path = os.path.join(cwd, folder, name)
        if _is_executable(path):
            return path
    return None


def check_cwd(config: ProcessConfig) -> None:
    if not os.path.isdir(config.cwd or "."):
        wrong = "is not a folder" if os.path.exists(config.cwd) else "does not exist"
        raise ConfigError(f"cwd {config.cwd} {wrong} (cwd of {config.id})", "cwd")
    if not os.access(config.cwd or ".", os.X_OK):
        raise ConfigError(f"cwd {config.cwd} cannot be entered: permission denied (cwd of {config.id})", "cwd")


def _script(config: ProcessConfig, name: str) -> str:
    places = _places(config, name)
    for place in places:
        if os.path.isfile(place):
            return place
    for place in places:
        if os.path.exists(place):
            raise ConfigError(f"script {place} is not a file (script of {config.id})", "script")
    text = f"script {name} does not exist: looked for {_listed(places)} (script of {config.id}){_similar(places)}"
    raise ConfigError(text, "script")


def _similar(places: list[str]) -> str:
    """Return a suggestion if a file of a similar name is beside one of these missing ones."""
    import difflib

    for place in places:
        directory, name = os.path.split(place)
        try:
            with os.scandir(directory) as entries:
                names = [entry.name for entry in islice(entries, _MAX_NAMES)]
        except OSError:
            continue
        if near := difflib.get_close_matches(name, names, n=1):
            return f"; did you mean {near[0]}?"
    return ""


def _places(config: ProcessConfig, name: str) -> list[str]:
    """Return where a relative path may be: in `cwd`, then in the config file's directory."""
    name = os.path.expanduser(name)
    folders = dict.fromkeys([config.cwd or os.getcwd(), config.folder or config.cwd or os.getcwd()])
    return list(dict.fromkeys(os.path.normpath(os.path.join(folder, name)) for folder in folders))


def _explicit(config: ProcessConfig, environment: Mapping[str, str]) -> tuple[str, str]:
    name = os.path.expanduser(config.interpreter)
    if "/" not in name:
        path = which(name, environment, config.cwd)
        if path is None:
            text = f"interpreter {name} is not on the PATH of {config.id}: {_searched(environment)}"
            raise ConfigError(text, "interpreter")
        return path, f"{name} on PATH ({path})"
    path = os.path.join(config.cwd, name)
    try:
        _check_executable(path, f"interpreter of {config.id}")
    except ConfigError as error:
        raise ConfigError(f"{error}{_virtualenv_remedy(config, path)}", "interpreter") from None
    return path, f"the configured {config.interpreter}"


def _virtualenv_remedy(config: ProcessConfig, path: str) -> str:
    """Return how to get a virtual environment if one was to be at the path."""
    home = os.path.dirname(os.path.dirname(path))
    is_python = os.path.basename(os.path.dirname(path)) == "bin" and os.path.basename(path).startswith("python")
    if not is_python or os.path.lexists(path):
        return ""
    return f"; run python3 -m venv {os.path.relpath(home, config.cwd)}, or leave interpreter out: {_AUTOMATIC}"


def _python(config: ProcessConfig, script: str, environment: Mapping[str, str]) -> tuple[str, str]:
    virtualenv = find_virtualenv(config)
    if virtualenv is None:
        return _first(config, script, searched_directories(config), ["python3"], environment)
    path, _ = _first(config, script, [os.path.join(virtualenv, *_PYTHON)], [], environment)
    return path, f"{path}: {describe_virtualenv(virtualenv, config)}"


def _typescript(config: ProcessConfig, script: str, environment: Mapping[str, str]) -> tuple[str, str]:
    local = [os.path.join(config.cwd, "node_modules", ".bin", name) for name in ("tsx", "ts-node")]
    return _first(config, script, local, ["node"], environment)


def _first(
    config: ProcessConfig, script: str, paths: list[str], names: list[str], environment: Mapping[str, str]
) -> tuple[str, str]:
    """Return the first existing path, otherwise the first name on PATH. Raises ConfigError if that one is broken."""
    for path in paths:
        if os.path.lexists(path):
            _check_executable(path, f"for script {script} of {config.id}")
            return path, path
    for name in names:
        path = which(name, environment, config.cwd) or ""
        if path:
            return path, f"{name} on PATH ({path})"
    looked = _listed([*paths, *(f"{name} on PATH" for name in names)])
    raise ConfigError(
        f"no interpreter for {os.path.basename(script)} of {config.id}: looked for {looked}; {_searched(environment)}"
    )


def _check_executable(path: str, role: str) -> None:
    if os.path.islink(path) and not os.path.exists(path):
        gone = f"{path} points to {os.path.realpath(path)}, which does not exist"
        raise ConfigError(f"{gone}: recreate the virtual environment or reinstall it ({role})")
    if not os.path.exists(path):
        raise ConfigError(f"{path} does not exist ({role})")
    if not _is_executable(path):
        raise ConfigError(f"{path} is not an executable file ({role})")


def _shell(config: ProcessConfig, script: str, environment: Mapping[str, str]) -> Command:
    words = [word.rstrip("\r") for word in _shebang(script)]
    if words and os.path.basename(words[0]) == "env":
        words = [word for word in words[1:] if word != "-S"]
    name, *options = words or ["sh"]
    path, found = _first(config, script, [], [os.path.basename(name)], environment)
    return Command([path, *options, *config.interpreter_args, script, *config.args], path, found)


def _itself(config: ProcessConfig, script: str) -> Command:
    if not _is_executable(script):
        hint = "make it executable (chmod +x) or set interpreter"
        raise ConfigError(f"script {script} is not executable: {hint} (script of {config.id})")
    words = _shebang(script)
    if words and not os.path.exists(words[0]):
        hint = ", because the line ends with a carriage return" if words[-1].endswith("\r") else ""
        raise ConfigError(f"the first line of {script} names {words[0]!a}, which does not exist{hint}")
    return Command([script, *config.args], None, f"{script} itself")


def _shebang(script: str) -> list[str]:
    """Return the words after `#!`, if any. A carriage return is kept: the kernel reads it too."""
    try:
        with open(script, "rb") as file:
            line = file.readline(512)
    except OSError as error:
        raise ConfigError(f"script {script} cannot be read: {error.strerror}") from None
    words = os.fsdecode(line[2:]).rstrip("\n").replace("\t", " ").split(" ")
    return [word for word in words if word] if line.startswith(b"#!") else []


def _command(config: ProcessConfig, environment: Mapping[str, str]) -> Command:
    command = config.command or ""
    if config.shell:
        return Command(["/bin/sh", "-c", command], "/bin/sh", "/bin/sh, for shell is true")
    name, *words = split_command(command) if not config.args else [command]
    path = _executable(config, name, environment)
    return Command([path, *words, *config.args], None, path)


def split_command(command: str) -> list[str]:
    """Split a command into words as a POSIX shell would. Raises ConfigError on unclosed quotes or no words."""
    words = [word for word in _BLANKS.split(command) if word]
    if not _QUOTES.isdisjoint(command):
        import shlex

        try:
            words = shlex.split(command)
        except ValueError as error:
            raise ConfigError(f"command cannot be split into words: {str(error).lower()}") from None
    if not words or not words[0]:
        raise ConfigError("command is empty")
    return words


def shell_operator(config: ProcessConfig) -> str:
    """Return the first word of the command that only a shell would understand, if there is no shell; "" if none."""
    if config.shell or config.args or not config.command:
        return ""
    with suppress(ConfigError):
        return next((word for word in split_command(config.command) if word in SHELL_OPERATORS), "")
    return ""


def _executable(config: ProcessConfig, name: str, environment: Mapping[str, str]) -> str:
    if "/" not in name:
        path = which(name, environment, config.cwd)
        if path is None:
            text = f"command {name} is not on the PATH of {config.id}{_command_hint(config, name)}"
            raise ConfigError(f"{text}: {_searched(environment)}", "command")
        return path
    places = _places(config, name)
    found = next((place for place in places if os.path.lexists(place)), None)
    if found is None:
        text = f"command {name} does not exist: looked for {_listed(places)} (command of {config.id}){_similar(places)}"
        raise ConfigError(text, "command")
    _check_executable(found, f"command of {config.id}")
    return found


def _command_hint(config: ProcessConfig, name: str) -> str:
    """Return what may be meant by a command that is not on PATH."""
    if "=" in name:
        return "; set variables in env, or shell to true"
    if os.path.isfile(os.path.join(config.cwd, name)):
        return f'; ./{name} is a file in cwd: use script, or command = "./{name}"'
    return ""


def _is_executable(path: str) -> bool:
    return os.path.isfile(path) and os.access(path, os.X_OK)


def _searched(environment: Mapping[str, str]) -> str:
    folders = list(dict.fromkeys(environment.get("PATH", os.defpath).split(os.pathsep)))
    more = f" and {len(folders) - _MAX_FOLDERS} more" if len(folders) > _MAX_FOLDERS else ""
    return f"PATH is {os.pathsep.join(folders[:_MAX_FOLDERS])}{more}"


def _listed(places: list[str]) -> str:
    return " and ".join([", ".join(places[:-1]), places[-1]]) if len(places) > 1 else places[0]

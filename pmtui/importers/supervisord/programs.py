"""Read the programs of a supervisord.conf."""

import os
from collections.abc import Iterator, Mapping
from typing import Any

from pmtui.importers.builder import (
    ConfigBuilder,
    ImportContext,
    Imported,
    ProcessBuilder,
    UnsupportedFileError,
    literal,
)
from pmtui.importers.shell_words import argv_fields, split_words
from pmtui.importers.supervisord import ini as ini
from pmtui.importers.supervisord.policy import convert_policy

_ELSEWHERE = {
    "unix_http_server": "pmtui has its own REST API",
    "inet_http_server": "pmtui has its own REST API",
    "supervisorctl": "pmtui list, start, stop and logs are its commands",
    "rpcinterface:supervisor": "pmtui has its own REST API",
}
_KINDS = {
    "fcgi-program": "pmtui gives no FastCGI socket as stdin; a command that makes its own, such as spawn-fcgi -n, runs",
    "eventlistener": "pmtui has no such events; hooks call a command on a crash, maxMemory restarts",
}
_PLACE = ("directory", "user", "umask")
_PER_PROCESS = ("command", "environment", "directory", "process_name", "stdout_logfile", "stderr_logfile")
"""Fields that are filled in for each process of a program; the others once."""
_DAEMON = {"environment", "umask", "user", "directory"}


def read_supervisor(text: str, origin: ImportContext) -> Imported:
    """Raises UnsupportedFileError if the text is not an ini file or has no program."""
    draft = ConfigBuilder(origin)
    sections, complaints = ini.parse_sections(text, origin.source, origin.environment)
    if not any(name.startswith("program:") for name in sections):
        raise UnsupportedFileError("; ".join(["no [program:…] in it", *complaints]))
    for complaint in complaints:
        draft.add_loss("", "include", complaint)
    daemon = sections.get("supervisord", {})
    environment = _daemon(draft, daemon)
    groups = _groups(draft, sections)
    for name, values in sections.items():
        kind, _, label = name.partition(":")
        if kind == "program":
            _program(draft, label, values, daemon, environment, groups.get(label))
        elif kind in _KINDS:
            draft.add_loss(label, name, f"the program is left out: {_KINDS[kind]}")
        elif name in _ELSEWHERE:
            draft.add_note("", name, "(as always)", _ELSEWHERE[name])
        elif name not in ("supervisord",) and kind != "group":
            draft.add_loss("", name, "pmtui knows no such section")
    return draft.build("supervisord")


def _daemon(draft: ConfigBuilder, values: Mapping[str, str]) -> dict[str, str]:
    """Add what all programs get; return the variables that their values may refer to, as far as they are known."""
    own = sorted(key for key in values if key not in _DAEMON and not key.startswith("\0"))
    if own:
        draft.add_note("", f"supervisord: {', '.join(own)}", "(as always)", "about supervisord itself")
    text, names = values.get("environment", ""), ini.base_names(draft.context.source)
    try:
        env = _environment(text, names, draft.context.environment)
    except UnsupportedFileError as error:
        draft.add_loss("", "supervisord.environment", str(error))
        return dict(draft.context.environment)
    if env:
        draft.settings["env"] = env
        draft.add_note("", "supervisord.environment", "settings.env")
    return {**draft.context.environment, **_plain(text, names, draft.context.environment)}


def _environment(text: str, names: Mapping[str, Any], environment: Mapping[str, str]) -> dict[str, str]:
    """Return values for `env`; a variable that was set before is the one of supervisord's own environment."""
    env: dict[str, str] = {}
    for name, value in ini.pairs(ini.fill(text, names)).items():
        env[name] = ini.template(value, env.keys(), environment)
    return env


def _groups(draft: ConfigBuilder, sections: ini.Sections) -> dict[str, str]:
    """Return the group of each program that has one."""
    groups: dict[str, str] = {}
    for name, values in sections.items():
        if name.startswith("group:"):
            listed = ini.fill(values.get("programs", ""), ini.base_names(draft.context.source))
            for program in (word.strip() for word in ini.known(listed, draft.context.environment).split(",")):
                groups[program] = name[6:]
                if f"program:{program}" not in sections and f"fcgi-program:{program}" not in sections:
                    draft.add_loss("", name, f"there is no program {program}")
            if values.get("priority", "999") != "999":
                draft.add_loss("", f"{name}: priority", "the order of the start is dependsOn")
    return groups


def _program(
    draft: ConfigBuilder,
    label: str,
    values: Mapping[str, str],
    daemon: Mapping[str, str],
    environment: Mapping[str, str],
    group: str | None,
) -> None:
    here = values.get("\0here", draft.context.source)
    common = ini.base_names(here) | {"program_name": label, "group_name": group or label}
    own = {key: value for key, value in values.items() if not key.startswith("\0")}
    try:
        own = {
            key: value if key in _PER_PROCESS else ini.known(ini.fill(value, common), environment)
            for key, value in own.items()
        }
        copies = list(_copies(draft, label, own, common))
    except UnsupportedFileError as error:
        draft.add_loss(label, f"program:{label}", f"the process is left out: {error}")
        return
    for names, instances in copies:
        entry = draft.add_process(str(names["name"]), own)
        try:
            _fill(entry, common | names, environment, draft.context)
            _place(entry, daemon, draft.context)
            if instances > 1:
                entry.set_fields("numprocs", "see PMTUI_INSTANCE", instances=instances)
            if group:
                entry.set_fields(f"group:{group}", group=group)
            convert_policy(entry)
            entry.close()
        except UnsupportedFileError as error:
            draft.drop_process(entry, f"program:{label}", str(error))


def _copies(
    draft: ConfigBuilder, label: str, values: Mapping[str, str], common: Mapping[str, Any]
) -> Iterator[tuple[dict[str, Any], int]]:
    """Return the names of each process of a program, and its number of instances. Raises UnsupportedFileError."""
    count, first = _whole(values, "numprocs", 1), _whole(values, "numprocs_start", 0)
    names: dict[str, Any] = {"program_name": label, "numprocs": count}
    told = [text for key, text in values.items() if key in ("command", "environment", "directory")]
    process_name = values.get("process_name", "%(program_name)s")
    if count > 1 and "%(process_num)" not in process_name:
        reason = "supervisord requires %(process_num)s in it where numprocs is more than 1"
        draft.add_note(label, "process_name", "(as always)", reason)
        process_name = "%(program_name)s-%(process_num)d"
    if count < 2 or not any("%(process_num)" in text for text in told):
        yield names | {"name": label, "process_num": first}, count
        return
    for number in range(first, first + min(count, 1000)):
        own = names | {"process_num": number}
        name = ini.known(ini.fill(process_name, {**common, **own}), draft.context.environment)
        yield own | {"name": f"{label}-{number}" if name in (label, f"{number}") else name}, 1
    draft.add_note(label, "numprocs", "a process each", "the number of the process is in its command or environment")


def _whole(values: Mapping[str, str], key: str, default: int) -> int:
    text = values.get(key, str(default)).strip()
    if not text.isdecimal():
        raise UnsupportedFileError(f"{key} is {text}: expected a number")
    return int(text)


def _fill(
    entry: ProcessBuilder, names: Mapping[str, Any], environment: Mapping[str, str], origin: ImportContext
) -> None:
    if entry.pop("process_name"):
        entry.add_remark("process_name", "a process is known by its id, instances by id-1 to id-n")
    for key in ("numprocs", "numprocs_start"):
        entry.pop(key)
    text = entry.pop("environment") or ""
    env = _environment(text, names, environment)
    current = {**environment, **_plain(text, names, environment)}
    _command(entry, ini.fill(entry.pop("command") or "", names), current)
    if env:
        entry.set_fields("environment", env=env)
    if folder := entry.pop("directory"):
        entry.set_fields("directory", cwd=origin.path(ini.known(ini.fill(folder, names), current)))
    for stream in ("stdout", "stderr"):
        if file := entry.pop(f"{stream}_logfile"):
            entry.put_back(f"{stream}_logfile", ini.known(ini.fill(file, names), current))


def _plain(text: str, names: Mapping[str, Any], environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that a value sets, as far as they are known now."""
    return {
        name: ini.known(value, environment)
        for name, value in ini.pairs(ini.fill(text, names)).items()
        if all(found in environment for found in ini.marked(value))
    }


def _command(entry: ProcessBuilder, text: str, current: Mapping[str, str]) -> None:
    words = split_words(ini.mark_lists(text, current))
    if not words:
        raise UnsupportedFileError("it has no command")
    if ini.has_marks(text):
        line = ini.shell_line(words)
        entry.set_fields("command", "a shell fills in the variables at each start", command=line, shell=True)
    else:
        entry.set_fields("command", **argv_fields(words))


def _place(entry: ProcessBuilder, daemon: Mapping[str, str], origin: ImportContext) -> None:
    """Convert directory, user and umask."""
    names = ini.base_names(origin.source)
    daemon = {key: ini.known(ini.fill(daemon[key], names), origin.environment) for key in _PLACE if key in daemon}
    folder = daemon.get("directory")
    if "cwd" not in entry.fields and folder:
        entry.set_fields("supervisord.directory", cwd=origin.path(folder))
    elif "cwd" not in entry.fields and origin.source != origin.target:
        entry.set_fields("folder of the file", "where supervisord is started from, most likely", cwd=origin.source)
    user = entry.pop("user") or daemon.get("user")
    if user == "root" and os.geteuid() == 0:
        entry.add_remark("user", "root, as pmtui is")
    elif user:
        entry.set_fields("user", "pmtui has to run as root for that", user=literal(user))
    umask = entry.pop("umask") or daemon.get("umask")
    if umask:
        entry.set_fields("umask", umask=str(umask))

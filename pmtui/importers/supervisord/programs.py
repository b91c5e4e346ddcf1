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
_DAEMON = {"environment", "umask", "user", "directory"}


def read_supervisor(text: str, origin: ImportContext) -> Imported:
    """Raises UnsupportedFileError if the text is not an ini file or has no program."""
    draft = ConfigBuilder(origin)
    sections, complaints = ini.parse_sections(text, origin.source)
    if not any(name.startswith("program:") for name in sections):
        raise UnsupportedFileError("; ".join(["no [program:…] in it", *complaints]))
    for complaint in complaints:
        draft.add_loss("", "include", complaint)
    daemon = sections.get("supervisord", {})
    _daemon(draft, daemon)
    groups = _groups(draft, sections)
    for name, values in sections.items():
        kind, _, label = name.partition(":")
        if kind == "program":
            _program(draft, label, values, daemon, groups.get(label))
        elif kind in ("fcgi-program", "eventlistener"):
            draft.add_loss(label, name, "pmtui has none of that kind; the program is left out")
        elif name in _ELSEWHERE:
            draft.add_note("", name, "(as always)", _ELSEWHERE[name])
        elif name not in ("supervisord",) and kind != "group":
            draft.add_loss("", name, "pmtui knows no such section")
    return draft.build("supervisord")


def _daemon(draft: ConfigBuilder, values: Mapping[str, str]) -> None:
    own = sorted(key for key in values if key not in _DAEMON and not key.startswith("\0"))
    if own:
        draft.add_note("", f"supervisord: {', '.join(own)}", "(as always)", "about supervisord itself")
    try:
        env = ini.pairs(ini.fill(values.get("environment", ""), ini.base_names(draft.context.source)))
    except UnsupportedFileError as error:
        draft.add_loss("", "supervisord.environment", str(error))
        return
    if env:
        draft.settings["env"] = {name: ini.template(value) for name, value in env.items()}
        draft.add_note("", "supervisord.environment", "settings.env")


def _groups(draft: ConfigBuilder, sections: ini.Sections) -> dict[str, str]:
    """Return the group of each program that has one."""
    groups: dict[str, str] = {}
    for name, values in sections.items():
        if name.startswith("group:"):
            groups |= {program.strip(): name[6:] for program in values.get("programs", "").split(",")}
            if "priority" in values:
                draft.add_loss("", f"{name}: priority", "the order of the start is dependsOn")
    return groups


def _program(
    draft: ConfigBuilder, label: str, values: Mapping[str, str], daemon: Mapping[str, str], group: str | None
) -> None:
    here = values.get("\0here", draft.context.source)
    for names, instances in _copies(draft, label, values):
        own = {key: value for key, value in values.items() if not key.startswith("\0")}
        entry = draft.add_process(str(names["name"]), own)
        try:
            _fill(entry, {"here": here, "group_name": group or label, **names}, draft.context)
            _place(entry, daemon, draft.context)
            if instances > 1:
                entry.set_fields("numprocs", "see PMTUI_INSTANCE", instances=instances)
            if group:
                entry.set_fields(f"group:{group}", group=group)
            convert_policy(entry)
            entry.close()
        except UnsupportedFileError as error:
            draft.drop_process(entry, f"program:{label}", str(error))


def _copies(draft: ConfigBuilder, label: str, values: Mapping[str, str]) -> Iterator[tuple[dict[str, Any], int]]:
    """Return the names of each process of a program, and its number of instances."""
    count = int(values["numprocs"]) if values.get("numprocs", "").isdecimal() else 1
    first = int(values["numprocs_start"]) if values.get("numprocs_start", "").isdecimal() else 0
    names: dict[str, Any] = {"program_name": label, "numprocs": count}
    told = [text for key, text in values.items() if key in ("command", "environment", "directory")]
    if count < 2 or not any("%(process_num)" in text for text in told):
        yield names | {"name": label, "process_num": first}, count
        return
    for number in range(first, first + min(count, 1000)):
        own = names | {"process_num": number, "group_name": label, "here": "", "host_node_name": ""}
        name = ini.fill(values.get("process_name", "%(program_name)s-%(process_num)d"), own)
        yield own | {"name": f"{label}-{number}" if name in (label, f"{number}") else name}, 1
    draft.add_note(label, "numprocs", "a process each", "the number of the process is in its command or environment")


def _fill(entry: ProcessBuilder, names: Mapping[str, Any], origin: ImportContext) -> None:
    if entry.pop("process_name"):
        entry.add_remark("process_name", "a process is known by its id, instances by id-1 to id-n")
    for key in ("numprocs", "numprocs_start"):
        entry.pop(key)
    names = ini.base_names(origin.source) | dict(names)
    _command(entry, ini.fill(entry.pop("command") or "", names))
    if text := entry.pop("environment"):
        env = ini.pairs(ini.fill(text, names))
        entry.set_fields("environment", env={name: ini.template(value) for name, value in env.items()})
    if folder := entry.pop("directory"):
        entry.set_fields("directory", cwd=origin.path(ini.known(ini.fill(folder, names), origin.environment)))


def _command(entry: ProcessBuilder, text: str) -> None:
    words = split_words(text)
    if not words:
        raise UnsupportedFileError("it has no command")
    if ini.has_marks(text):
        line = " ".join(ini.quoted(word) for word in words)
        entry.set_fields("command", "a shell fills in the variables at each start", command=f"exec {line}", shell=True)
    else:
        entry.set_fields("command", **argv_fields(words))


def _place(entry: ProcessBuilder, daemon: Mapping[str, str], origin: ImportContext) -> None:
    """Convert directory, user and umask."""
    folder = daemon.get("directory")
    if "cwd" not in entry.fields and folder:
        filled = ini.known(ini.fill(folder, ini.base_names(origin.source)), origin.environment)
        entry.set_fields("supervisord.directory", cwd=origin.path(filled))
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

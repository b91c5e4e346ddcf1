"""supervisord.conf."""

import os
from collections.abc import Iterator, Mapping
from typing import Any

from pmtui.importers.builder import Draft, Entry, ForeignFileError, Imported, Origin, literal
from pmtui.importers.shell_words import by_words, split
from pmtui.importers.supervisord import ini as ini
from pmtui.importers.supervisord.policy import put_policy

_ELSEWHERE = {
    "unix_http_server": "pmtui has its own REST API",
    "inet_http_server": "pmtui has its own REST API",
    "supervisorctl": "pmtui list, start, stop and logs are its commands",
    "rpcinterface:supervisor": "pmtui has its own REST API",
}
_DAEMON = {"environment", "umask", "user", "directory"}


def read_supervisor(text: str, origin: Origin) -> Imported:
    """Raises ForeignFileError where the text is no ini file or names no program."""
    draft = Draft(origin)
    sections, complaints = ini.parse_sections(text, origin.source)
    if not any(name.startswith("program:") for name in sections):
        raise ForeignFileError("; ".join(["no [program:…] in it", *complaints]))
    for complaint in complaints:
        draft.lose("", "include", complaint)
    daemon = sections.get("supervisord", {})
    _daemon(draft, daemon)
    groups = _groups(draft, sections)
    for name, values in sections.items():
        kind, _, label = name.partition(":")
        if kind == "program":
            _program(draft, label, values, daemon, groups.get(label))
        elif kind in ("fcgi-program", "eventlistener"):
            draft.lose(label, name, "pmtui has none of that kind; the program is left out")
        elif name in _ELSEWHERE:
            draft.note("", name, "(as always)", _ELSEWHERE[name])
        elif name not in ("supervisord",) and kind != "group":
            draft.lose("", name, "pmtui knows no such section")
    return draft.finish("supervisord")


def _daemon(draft: Draft, values: Mapping[str, str]) -> None:
    own = sorted(key for key in values if key not in _DAEMON and not key.startswith("\0"))
    if own:
        draft.note("", f"supervisord: {', '.join(own)}", "(as always)", "about supervisord itself")
    try:
        env = ini.pairs(ini.fill(values.get("environment", ""), ini.places_of(draft.origin.source)))
    except ForeignFileError as error:
        draft.lose("", "supervisord.environment", str(error))
        return
    if env:
        draft.settings["env"] = {name: ini.template(value) for name, value in env.items()}
        draft.note("", "supervisord.environment", "settings.env")


def _groups(draft: Draft, sections: ini.Sections) -> dict[str, str]:
    """The group of each program that has one."""
    groups: dict[str, str] = {}
    for name, values in sections.items():
        if name.startswith("group:"):
            groups |= {program.strip(): name[6:] for program in values.get("programs", "").split(",")}
            if "priority" in values:
                draft.lose("", f"{name}: priority", "the order of the start is dependsOn")
    return groups


def _program(draft: Draft, label: str, values: Mapping[str, str], daemon: Mapping[str, str], group: str | None) -> None:
    here = values.get("\0here", draft.origin.source)
    for names, instances in _copies(draft, label, values):
        own = {key: value for key, value in values.items() if not key.startswith("\0")}
        entry = draft.entry(str(names["name"]), own)
        try:
            _fill(entry, {"here": here, "group_name": group or label, **names}, draft.origin)
            _place(entry, daemon, draft.origin)
            if instances > 1:
                entry.put("numprocs", "PMTUI_INSTANCE tells which", instances=instances)
            if group:
                entry.put(f"group:{group}", group=group)
            put_policy(entry)
            entry.close()
        except ForeignFileError as error:
            draft.drop(entry, f"program:{label}", str(error))


def _copies(draft: Draft, label: str, values: Mapping[str, str]) -> Iterator[tuple[dict[str, Any], int]]:
    """The names of each process of a program, and how many instances of it there are."""
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
    draft.note(label, "numprocs", "a process each", "the number of the process is in its command or environment")


def _fill(entry: Entry, names: Mapping[str, Any], origin: Origin) -> None:
    if entry.take("process_name"):
        entry.remark("process_name", "a process is known by its id, instances by id-1 to id-n")
    for key in ("numprocs", "numprocs_start"):
        entry.take(key)
    names = ini.places_of(origin.source) | dict(names)
    _command(entry, ini.fill(entry.take("command") or "", names))
    if text := entry.take("environment"):
        env = ini.pairs(ini.fill(text, names))
        entry.put("environment", env={name: ini.template(value) for name, value in env.items()})
    if folder := entry.take("directory"):
        entry.put("directory", cwd=origin.path(ini.known(ini.fill(folder, names), origin.environment)))


def _command(entry: Entry, text: str) -> None:
    words = split(text)
    if not words:
        raise ForeignFileError("it has no command")
    if ini.has_marks(text):
        line = " ".join(ini.quoted(word) for word in words)
        entry.put("command", "a shell fills in the variables at each start", command=f"exec {line}", shell=True)
    else:
        entry.put("command", **by_words(words))


def _place(entry: Entry, daemon: Mapping[str, str], origin: Origin) -> None:
    """What a program has from supervisord: its folder, its user, its umask."""
    folder = daemon.get("directory")
    if "cwd" not in entry.fields and folder:
        filled = ini.known(ini.fill(folder, ini.places_of(origin.source)), origin.environment)
        entry.put("supervisord.directory", cwd=origin.path(filled))
    elif "cwd" not in entry.fields and origin.source != origin.target:
        entry.put("folder of the file", "where supervisord is started from, most likely", cwd=origin.source)
    user = entry.take("user") or daemon.get("user")
    if user == "root" and os.geteuid() == 0:
        entry.remark("user", "root, as pmtui is")
    elif user:
        entry.put("user", "pmtui has to run as root for that", user=literal(user))
    umask = entry.take("umask") or daemon.get("umask")
    if umask:
        entry.put("umask", umask=str(umask))

"""Names of fields in other process managers, and what does the same here.

The keys are in lower case, without `_` and `-`. They are those of pm2, supervisord, process-compose, Docker Compose,
systemd, mprocs and circus, and what people guess.
"""

from collections.abc import Collection

import msgspec


class Alias(msgspec.Struct, frozen=True):
    """Our fields that do the same; `note` is a sentence about the difference. Without fields, the note says it all."""

    fields: tuple[str, ...]
    note: str = ""


def find_alias(kind: str, name: str, known: Collection[str]) -> Alias | None:
    """Return what a name stands for in a part of the config: "process", "health", "log", "settings" or "file"."""
    word = _normal(name)
    alias = _TABLES.get(kind, {}).get(word)
    if alias is not None and all(field in known for field in alias.fields):
        return alias
    return next((Alias((field,)) for field in known if _normal(field) == word), None)


def alias_text(alias: Alias) -> str:
    """Return the end of the message about an unknown field."""
    if not alias.fields:
        return f"; {alias.note}"
    names = " and ".join(alias.fields)
    return f", did you mean {names}?{' ' if alias.note else ''}{alias.note}"


def _normal(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower()


_RESTART = 'Its values are "always", "on-failure" and "never"'
_FLAT = "It is one number; pmtui doubles it after each failure, up to maxBackoff"
_PORTS = "With sockets, several instances share one port"
_LOG = "The output is written to .pmtui/logs; log has maxSize, keep and file"
_HEALTH = "It is a table with http, tcp, command or log, such as { http = URL }"
_CONTAINER = 'that describes containers, and pmtui runs processes; command = "docker compose up NAME" runs one'
_TREE = "it is not needed, because the whole process tree is always stopped"
_PROFILE = "variables of one environment belong in [profile.NAME.process.ID]"

_BY_FIELD = {
    "args": "arguments argv parameters",
    "autostart": "autorun enable enabled",
    "backoff": "delay restartdelay restartsec respawndelay",
    "command": "cmd cmdline commandline exec execstart program run start",
    "cwd": "chdir dir directory folder path pwd workdir workingdir workingdirectory",
    "dependsOn": "after bindsto dependencies depends needs priority requires requiresdependson wants",
    "devMode": "autoreload dev hotreload live reload",
    "env": "environ environment envs envvars vars",
    "envFile": "dotenv environmentfile envpath",
    "group": "namespace",
    "healthyAfter": "minuptime startsecs startseconds warmupdelay",
    "id": "appname containername label name processname title",
    "instances": "count numprocesses numprocs replicas scale workers",
    "interpreterArgs": "interpreterargs nodeargs nodeoptions pythonargs",
    "interpreter": "execinterpreter python runtime venv virtualenv",
    "labels": "tags",
    "limits": "limitcore limitcpu limitnofile rlimits ulimit ulimits",
    "log": "logs",
    "maxBackoff": "maxdelay maxrestartdelay restartmaxdelaysec",
    "maxMemory": "maxmemory maxmemoryrestart maxrss memlimit memory memorymax memorylimit",
    "maxRetries": "maxrestart maxrestarts maxretry retries startlimitburst startretries",
    "schedule": "cron cronpattern interval oncalendar timer",
    "script": "entry file main scriptpath",
    "stopCommand": "execstop poststop shutdowncommand",
    "stopSignal": "killsignal signal",
    "stopTimeout": "gracefultimeout killtimeout shutdowntimeout stopgraceperiod stopwaitsecs timeoutstopsec",
    "successExitCodes": "exitcodes stopexitcodes successexitstatus",
    "tty": "isforeground isinteractive istty pty terminal",
    "user": "isolateduser runas uid username",
    "watchDebounce": "debounce watchdelay",
    "watchIgnore": "ignore ignorewatch",
    "watchPaths": "watchdirs watchfiles",
}
_LOG_WORDS = (
    "combinelogs disablelogs errfile errorfile errorlog logconfiguration logdatefmt logdateformat logfile loglocation "
    "mergelogs outfile outlog stderrlogfile stderrlogfilebackups stderrlogfilemaxbytes stdoutlogfile "
    "stdoutlogfilebackups stdoutlogfilemaxbytes time"
)
_PROCESS: dict[str, Alias] = {word: Alias((field,)) for field, words in _BY_FIELD.items() for word in words.split()}
_PROCESS |= {
    "autorestart": Alias(("restart",), _RESTART),
    "availability": Alias(("restart", "backoff", "maxRetries"), _RESTART),
    "respawn": Alias(("restart",), _RESTART),
    "restartpolicy": Alias(("restart",), _RESTART),
    "restart": Alias(("restart",), _RESTART),
    "expbackoffrestartdelay": Alias(("backoff",), _FLAT),
    "cronrestart": Alias(("schedule",), "It starts a process at these times; there is no restart by the clock"),
    "watch": Alias(("devMode",), "It is true or false; watchPaths and watchIgnore say what is watched"),
    "execmode": Alias(("instances",), _PORTS),
    "waitready": Alias(("health",), "With { notify = true }, the program says when it is ready"),
    "watchdogsec": Alias(("health",), "With { notify = true }, pmtui obeys WATCHDOG=1"),
    "listentimeout": Alias(("health",), "Its startPeriod is how long a start may take"),
    "readylogline": Alias(("health",), 'It is { log = "regular expression" }'),
    "shutdown": Alias(("stopSignal", "stopTimeout", "stopCommand")),
    "shutdownwithmessage": Alias(("stopCommand",)),
    "disabled": Alias(("autostart",), "It is the opposite: autostart = false"),
    "isdaemon": Alias(("detached",), "It is for commands that start something in the background and end"),
    "daemon": Alias(("detached",), "It is for commands that start something in the background and end"),
    "venvpath": Alias(("interpreter",), ".venv and venv are found without it"),
    "redirectstderr": Alias((), "it is not needed, because 'pmtui logs' merges both streams"),
    "entrypoint": Alias(("command",), "It is one string, or a program with args"),
    "deploy": Alias((), _CONTAINER),
}
_PROCESS |= dict.fromkeys(("healthcheck", "livenessprobe", "readinessprobe", "probe"), Alias(("health",), _HEALTH))
_PROCESS |= dict.fromkeys(("build", "image", "networks", "volumes"), Alias((), _CONTAINER))
_PROCESS |= dict.fromkeys(("killasgroup", "killmode", "stopasgroup", "treekill"), Alias((), _TREE))
_PROCESS |= dict.fromkeys(("envdevelopment", "envproduction", "envstaging", "profiles"), Alias((), _PROFILE))
_PROCESS |= dict.fromkeys(_LOG_WORDS.split(), Alias(("log",), _LOG))
_HEALTH_FIELDS = {
    "command": "cmd exec script test",
    "failureThreshold": "maxfailures maxretries retries",
    "file": "path",
    "http": "endpoint httpget uri url",
    "interval": "every periodseconds",
    "log": "logline pattern readylogline regex",
    "startPeriod": "delay graceperiod initialdelay initialdelayseconds startdelay",
    "tcp": "host port socket tcpsocket",
    "timeout": "timeoutseconds",
}
_LOG_FIELDS = {"keep": "backups files maxfile maxfiles retain", "maxSize": "maxbytes size", "file": "disable enabled"}
_SETTINGS_FIELDS = {
    "dataDir": "data datadirectory directory logdir logs statedir",
    "env": "environment vars",
    "port": "apiport httpport",
    "host": "address bind listen",
}
_FILE: dict[str, Alias] = {
    "apps": Alias((), "that is a config of pm2: 'pmtui import FILE' converts it"),
    "procs": Alias((), "that is a config of mprocs: 'pmtui import FILE' converts it"),
    "services": Alias((), _CONTAINER),
    "default": Alias(("defaults",)),
    "profiles": Alias(("profile",), "Each is a table [profile.NAME.process.ID]"),
    "environment": Alias(("settings",), "[settings.env] holds variables for all processes"),
    "env": Alias(("settings",), "[settings.env] holds variables for all processes"),
    "vars": Alias(("settings",), "[settings.env] holds variables for all processes"),
    "includes": Alias(("include",)),
}


def _table(words_by_field: dict[str, str]) -> dict[str, Alias]:
    return {word: Alias((field,)) for field, words in words_by_field.items() for word in words.split()}


_TABLES: dict[str, dict[str, Alias]] = {
    "process": _PROCESS,
    "health": _table(_HEALTH_FIELDS),
    "log": _table(_LOG_FIELDS),
    "settings": _table(_SETTINGS_FIELDS),
    "file": _FILE,
}

"""What may help after a failure: who holds the port, and what to do about a program that ends well each time."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from pmtui.config.model import ProcessConfig
from pmtui.config.package_managers import package_manager
from pmtui.supervisor.state import State

MIN_GOOD_ENDS = 2
"""Runs in a row that did not last, from which exit code 0 looks like the end of the work."""
QUICK_END = 2.0
"""Seconds within which a run ends whose likely cause is a closed stdin."""
IN_USE = re.compile(
    r"address (is )?already in use|EADDRINUSE|port \S+ (is|was) (already )?(in use|used|taken)|"
    r"port is already (in use|allocated)|only one usage of each socket address",
    re.IGNORECASE,
)
_NO_PYTHON_MODULE = re.compile(r"\bNo module named '?([A-Za-z_]\w*)")
_NO_NODE_MODULE = re.compile(r"\bCannot find (?:module|package) '((?:@[\w.-]+/)?\w[\w.-]*)'")
_NUMBER = re.compile(r"(?<![\w.])(?:[^\s()'\"/]*:)?(\d{2,5})\b(?![.\w])")
_ERROR_NUMBER = re.compile(r"(errno|os error|code)[ :=-]*\d+", re.IGNORECASE)


def exit_hint(state: State, config: ProcessConfig, env: Mapping[str, str], output: Sequence[str]) -> str:
    """Return a hint about the end of a run, whose last lines are `output`; "" if there is none."""
    if state.exit is None:
        return ""
    if state.exit.code == 0:
        return good_end_hint(state, config)
    return port_hint(config, env, output) or module_hint(config, env, output)


def good_end_hint(state: State, config: ProcessConfig) -> str:
    """Return what to set if the process ends with 0 again and again and is always restarted."""
    if state.failures < MIN_GOOD_ENDS or config.restart not in (None, "always") or config.schedule:
        return ""
    if hint := application_hint(config):
        return hint
    hint = 'ends with 0 each time: set restart = "on-failure" if it is done then'
    reads_nothing = config.stdin == "null" and not config.tty
    if reads_nothing and state.lifetime < QUICK_END:
        return f'{hint}, or try stdin = "open" if it reads input'
    return hint


def application_hint(config: ProcessConfig) -> str:
    """Return how to run the web application that the script defines, but does not serve."""
    if config.script is None or not config.script.endswith(".py"):
        return ""
    from pmtui.importers.scan.python import find_unserved  # late: hardly any process needs it

    found = find_unserved(Path(config.cwd, config.script))
    if found is None:
        return ""
    command = found.fields["command"].replace("${port}", str(found.port))
    return f'{found.origin.partition(",")[0]}, but does not serve it; try command = "{command}"'


def port_hint(config: ProcessConfig, env: Mapping[str, str], output: Sequence[str]) -> str:
    if not any(map(IN_USE.search, output)):
        return ""
    from pmtui.spawner.usage import port_holder  # late: most runs never need it

    for port in dict.fromkeys([*ports_in(output), *likely_ports(config, env)]):
        if holder := port_holder(port):
            return f"port {port} is used by {holder}"
    return ""


def module_hint(config: ProcessConfig, env: Mapping[str, str], output: Sequence[str]) -> str:
    """Return how to install the module that a Python or Node program misses."""
    for line in reversed(output):
        if found := _NO_PYTHON_MODULE.search(line):
            return _python_module_hint(config, env.get("VIRTUAL_ENV", ""), found[1])
        if found := _NO_NODE_MODULE.search(line):
            manager = package_manager(config.cwd).name
            return f"{found[1]} is not installed; run {manager} {'install' if manager == 'npm' else 'add'} {found[1]}"
    return ""


def _python_module_hint(config: ProcessConfig, virtualenv: str, module: str) -> str:
    is_local = any(os.path.exists(os.path.join(config.cwd, name)) for name in (module, f"{module}.py"))
    if is_local:
        return ""
    if virtualenv:
        place = os.path.relpath(virtualenv, config.cwd)
        return f'{module} is not installed in {place}; install it there, or by install = "auto" and requirements.txt'
    return f"{module} is not installed; run python3 -m venv .venv && .venv/bin/pip install {module}"


def ports_in(output: Sequence[str]) -> Iterator[int]:
    """Yield the numbers in lines about an address in use, then those in the lines around them."""
    about = [line for line in output if IN_USE.search(line)]
    for line in [*about, *(line for line in output if line not in about)]:
        for number in map(int, _NUMBER.findall(_ERROR_NUMBER.sub("", line))):
            if 0 < number < 65536:
                yield number


def likely_ports(config: ProcessConfig, env: Mapping[str, str]) -> Iterator[int]:
    """Yield the ports that the environment and the health check name."""
    with suppress(ValueError):
        yield int(env.get("PORT", ""))
    if config.health:
        found = re.search(r":(\d+)(/|$)", config.health.tcp or config.health.http or "")
        if found:
            yield int(found[1])

"""Turn a configuration into argv, environment, user and limits. Runs at each start, so files are read again."""

import grp
import os
import pwd
import resource
from collections.abc import Mapping, Sequence

import msgspec

from pmtui.config.environment import build_environment, injected_environment
from pmtui.config.interpreter import Command, check_cwd, resolve, shell_operator
from pmtui.config.model import ConfigError, ProcessConfig, Settings
from pmtui.config.requirements import requirement_hint
from pmtui.config.secrets import Secret
from pmtui.spawner.client import Launch
from pmtui.spawner.stdio import StdinKind

RLIMITS = {
    "nofile": resource.RLIMIT_NOFILE,
    "core": resource.RLIMIT_CORE,
    "cpu": resource.RLIMIT_CPU,
    "address_space": resource.RLIMIT_AS,
}


class PreparedLaunch(msgspec.Struct, frozen=True):
    """What one start needs; `warnings` and `hint` (why it may fail) are for people."""

    launch: Launch
    env: Mapping[str, str]  # of the launch, with secrets marked, for display
    command: Command
    config: ProcessConfig  # without references to ports
    warnings: list[str]
    hint: str = ""


def prepare(
    config: ProcessConfig,
    settings: Settings,
    base: Mapping[str, str],
    run: str,
    fetched: Mapping[str, Secret] | None = None,
    extra: Mapping[str, str] | None = None,
) -> PreparedLaunch:
    """Prepare the run of that name; `base` is the manager's environment, `fetched` the values of `env_sources`,
    `extra` what else is injected.

    Raises ConfigError, which names what is missing and where it was searched.
    """
    injected = injected_environment(config, settings, run) | dict(extra or {})
    env, warnings = build_environment(config, settings, base, injected, fetched)
    command = resolve(config, env)
    options = user_options(config) | limit_options(config) | ({"detached": True} if config.detached else {})
    plain = {name: str(value) for name, value in env.items()} if fetched else env
    launch = Launch(command.argv, config.cwd, plain, options, stdin_kind(config))
    hint = requirement_hint(config, env) or operator_hint(config)
    return PreparedLaunch(launch, env, command, config, warnings, hint)


def operator_hint(config: ProcessConfig) -> str:
    operator = shell_operator(config)
    return f"{operator} is passed to the program, because there is no shell; set shell = true" if operator else ""


def with_sockets(prepared: PreparedLaunch, descriptors: Sequence[int]) -> PreparedLaunch:
    """Pass these listening sockets on, in the order of the config."""
    if not descriptors:
        return prepared
    launch = msgspec.structs.replace(prepared.launch, sockets=descriptors, socket_names=[*prepared.config.sockets])
    return msgspec.structs.replace(prepared, launch=launch)


def stdin_kind(config: ProcessConfig) -> StdinKind:
    if config.tty:
        return "terminal"
    return "null" if config.stdin == "null" else "pipe"


def prepare_helper(
    config: ProcessConfig, settings: Settings, base: Mapping[str, str], run: str, argv: Sequence[str]
) -> Launch:
    """Prepare a program that runs on behalf of the process: same directory, environment and user, but no limits."""
    env, _ = build_environment(config, settings, base, injected_environment(config, settings, run))
    check_cwd(config)
    return Launch(argv, config.cwd, env, user_options(config))


def user_options(config: ProcessConfig) -> dict[str, object]:
    """Return umask, user and groups. Raises ConfigError if the user is unknown or cannot be assumed."""
    options: dict[str, object] = {}
    if config.umask is not None:
        options["umask"] = config.umask
    if config.user is None:
        return options
    if os.geteuid() != 0:
        raise ConfigError(f"user {config.user} requires a manager that runs as root (user of {config.id})")
    name, _, group = config.user.partition(":")
    try:
        account = pwd.getpwnam(name)
        gid = grp.getgrnam(group).gr_gid if group else account.pw_gid
    except KeyError as error:
        raise ConfigError(f"{error.args[0]} (user of {config.id})") from None
    return options | {"user": account.pw_uid, "group": gid, "extra_groups": os.getgrouplist(name, gid)}


def limit_options(config: ProcessConfig) -> dict[str, object]:
    wanted = [(limit, getattr(config.limits, name)) for name, limit in RLIMITS.items()]
    found = [(limit, value) for limit, value in wanted if value is not None]
    options: dict[str, object] = {"limits": found} if found else {}
    return options | ({"nice": config.limits.nice} if config.limits.nice else {})

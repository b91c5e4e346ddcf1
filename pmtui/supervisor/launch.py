"""From a process's configuration to what is executed: argv, environment, user and limits, read again at each start."""

import grp
import os
import pwd
import resource
from collections.abc import Mapping, Sequence

import msgspec

from pmtui.config.environment import build_environment, injected_environment
from pmtui.config.interpreter import Command, resolve
from pmtui.config.model import ConfigError, ProcessConfig, Settings
from pmtui.config.requirements import requirement_hint
from pmtui.spawner.client import Launch

RLIMITS = {
    "nofile": resource.RLIMIT_NOFILE,
    "core": resource.RLIMIT_CORE,
    "cpu": resource.RLIMIT_CPU,
    "address_space": resource.RLIMIT_AS,
}


class PreparedLaunch(msgspec.Struct, frozen=True):
    """All that one start needs, and what people may want to know of it; `hint`: why it may fail."""

    launch: Launch
    command: Command
    warnings: list[str]
    hint: str = ""


def prepare(config: ProcessConfig, settings: Settings, base: Mapping[str, str], run: str) -> PreparedLaunch:
    """What to execute for the run of that name; `base` is the manager's environment.

    Raises ConfigError, which names what is missing and where it was looked for.
    """
    env, warnings = build_environment(config, settings, base, injected_environment(config, settings, run))
    check_cwd(config)
    command = resolve(config, env)
    options = user_options(config) | limit_options(config)
    return PreparedLaunch(
        Launch(command.argv, config.cwd, env, options), command, warnings, requirement_hint(config, env)
    )


def prepare_helper(
    config: ProcessConfig, settings: Settings, base: Mapping[str, str], run: str, argv: Sequence[str]
) -> Launch:
    """The same for a program that is run for the process: in its folder and environment, by its user, unlimited."""
    env, _ = build_environment(config, settings, base, injected_environment(config, settings, run))
    check_cwd(config)
    return Launch(argv, config.cwd, env, user_options(config))


def check_cwd(config: ProcessConfig) -> None:
    if not os.path.isdir(config.cwd):
        problem = "is not a folder" if os.path.exists(config.cwd) else "does not exist"
        raise ConfigError(f"cwd {config.cwd} {problem} (cwd of {config.id})")


def user_options(config: ProcessConfig) -> dict[str, object]:
    """Who the process is to be; a user that cannot be had is an error, never ignored."""
    options: dict[str, object] = {}
    if config.umask is not None:
        options["umask"] = config.umask
    if config.user is None:
        return options
    if os.geteuid() != 0:
        raise ConfigError(f"user {config.user} needs a manager that runs as root (user of {config.id})")
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

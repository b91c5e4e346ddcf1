"""Compare a configuration read again with what runs: added, removed and changed processes."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

import msgspec

from pmtui.config.envfile import MAX_FILE_BYTES
from pmtui.config.environment import env_files
from pmtui.config.files import read_bytes
from pmtui.config.load import Loaded
from pmtui.config.model import ConfigError, ProcessConfig, Settings
from pmtui.control import ConfigChanges

NEEDS_RESTART = ("host", "port", "data_dir", "history")
IRRELEVANT = (*NEEDS_RESTART, "watch_polling", "on_idle")
"""Settings that do not affect the processes themselves."""


class ConfigSource(msgspec.Struct, frozen=True):
    """Where the processes come from, how to read it again, and the address of the manager's API.

    `origins` finds the file and line of each field of each process; it blocks on the disk.
    """

    read: Callable[[], Loaded]
    loaded: Loaded
    searched: Sequence[str] = ()
    url: str | None = None
    origins: Callable[[], Mapping[str, Mapping[str, str]]] = dict


def fingerprint(config: ProcessConfig, settings: Settings) -> str:
    """Hash everything that affects a start: the process's configuration, shared settings, and its env files."""
    shared = msgspec.structs.replace(settings, **{name: getattr(Settings(), name) for name in IRRELEVANT})
    digest = hashlib.sha256(repr((config, shared)).encode("utf-8", "surrogatepass"))
    for path in env_files(config):
        with suppress(ConfigError):
            digest.update(read_bytes(path, MAX_FILE_BYTES))
    return digest.hexdigest()


def diff(fingerprints: Mapping[str, str], settings: Settings, loaded: Loaded) -> ConfigChanges:
    """Compare the running processes, by fingerprint, with `loaded`. If it has errors, nothing is to change."""
    if loaded.errors:
        errors = [problem.located for problem in loaded.errors]
        return ConfigChanges(added=[], removed=[], changed=[], unchanged=[*fingerprints], errors=errors)
    wanted = {config.id: fingerprint(config, loaded.settings) for config in loaded.processes}
    moved = [name for name in NEEDS_RESTART if getattr(settings, name) != getattr(loaded.settings, name)]
    return ConfigChanges(
        added=[name for name in wanted if name not in fingerprints],
        removed=[name for name in fingerprints if name not in wanted],
        changed=[name for name in wanted if fingerprints.get(name, wanted[name]) != wanted[name]],
        unchanged=[name for name in wanted if fingerprints.get(name) == wanted[name]],
        errors=[],
        notes=[f"settings.{name} takes effect after a restart of the manager" for name in moved],
    )

"""The config read again: which processes it adds, removes and changes."""

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

NEEDS_RESTART = ("host", "port", "data_dir")


class ConfigSource(msgspec.Struct, frozen=True):
    """Where the processes come from, how to read that again, and under which address the manager is found."""

    read: Callable[[], Loaded]
    loaded: Loaded
    searched: Sequence[str] = ()
    url: str | None = None


def fingerprint(config: ProcessConfig, settings: Settings) -> str:
    """Equal as long as a start would give the same: the process's own words, what holds for all, its env files."""
    shared = msgspec.structs.replace(settings, **{name: getattr(Settings(), name) for name in NEEDS_RESTART})
    found = hashlib.sha256(repr((config, shared)).encode("utf-8", "surrogatepass"))
    for path in env_files(config):
        with suppress(ConfigError):
            found.update(read_bytes(path, MAX_FILE_BYTES))
    return found.hexdigest()


def diff(digests: Mapping[str, str], settings: Settings, loaded: Loaded) -> ConfigChanges:
    """What `loaded` means for the processes that have these digests: with errors nothing."""
    if loaded.errors:
        errors = [str(problem) for problem in loaded.errors]
        return ConfigChanges(added=[], removed=[], changed=[], unchanged=[*digests], errors=errors)
    wanted = {config.id: fingerprint(config, loaded.settings) for config in loaded.processes}
    moved = [name for name in NEEDS_RESTART if getattr(settings, name) != getattr(loaded.settings, name)]
    return ConfigChanges(
        added=[name for name in wanted if name not in digests],
        removed=[name for name in digests if name not in wanted],
        changed=[name for name in wanted if digests.get(name, wanted[name]) != wanted[name]],
        unchanged=[name for name in wanted if digests.get(name) == wanted[name]],
        errors=[],
        notes=[f"settings.{name} takes effect when the manager is started again" for name in moved],
    )

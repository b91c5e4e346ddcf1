"""How restart policies and dependencies fit together: defaults, and settings that do not do what they say."""

from collections.abc import Iterable, Iterator, Mapping

from msgspec.structs import replace

from pmtui.config.model import (
    MIN_CHECK_INTERVAL,
    MIN_HEALTHY_UPTIME,
    MIN_RESTART_DELAY,
    Condition,
    ProcessConfig,
    RestartPolicy,
)
from pmtui.config.parsing.problems import Problems, join

END_CONDITIONS: tuple[Condition, ...] = ("completed", "succeeded")


def default_restart(config: ProcessConfig, awaited: set[str]) -> RestartPolicy:
    if config.schedule:
        return "never"
    return "on-failure" if config.id in awaited else "always"


def awaited_ends(configs: Iterable[ProcessConfig]) -> set[str]:
    """Return the ids of the processes whose end another one waits for."""
    return {
        target for config in configs for target, condition in config.depends_on.items() if condition in END_CONDITIONS
    }


def set_default_restarts(configs: Iterable[ProcessConfig]) -> list[ProcessConfig]:
    configs = [*configs]
    awaited = awaited_ends(configs)
    return [
        config if config.restart else replace(config, restart=default_restart(config, awaited)) for config in configs
    ]


def warn_of_policies(configs: Iterable[ProcessConfig], places: Mapping[str, str], problems: Problems) -> None:
    """Warn of limits that are not obeyed as they are written, and of conditions that never hold."""
    by_id = {config.id: config for config in configs}
    for config in by_id.values():
        if config.instance in (None, 1):
            place = places[config.id]
            for path, message in (*_limits(config), *_conditions(config, by_id)):
                problems.warn(f"{place}.{path}", message)


def _limits(config: ProcessConfig) -> Iterator[tuple[str, str]]:
    if config.healthy_after < MIN_HEALTHY_UPTIME:
        yield "healthyAfter", f"acts as {MIN_HEALTHY_UPTIME:g}s: a shorter run always counts as a failure"
    for name, delay in (("backoff", config.backoff), ("maxBackoff", config.max_backoff)):
        if delay < MIN_RESTART_DELAY:
            yield name, f"acts as {MIN_RESTART_DELAY * 1000:g}ms: a process is not started more than ten times a second"
    if config.health and min(config.health.interval, config.health.silence or 1) < MIN_CHECK_INTERVAL:
        yield "health", f"is checked every {MIN_CHECK_INTERVAL * 1000:g}ms, not more often"


def _conditions(config: ProcessConfig, by_id: Mapping[str, ProcessConfig]) -> Iterator[tuple[str, str]]:
    for name, condition in config.depends_on.items():
        target = by_id[name]
        if condition in END_CONDITIONS and target.detached:
            yield join("dependsOn", name), f"never holds: {name} is detached, so it runs until it is stopped"
        elif condition == "succeeded" and not target.success_exit_codes:
            yield join("dependsOn", name), f"never holds: {name} has no successExitCodes"
        elif condition in END_CONDITIONS and target.restart == "always":
            text = f"{name} is started again after each end; leave out restart there, or set it to on-failure or never"
            yield join("dependsOn", name), text

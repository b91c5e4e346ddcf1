"""The monitors that every manager has, in the order in which they hear of a change."""

from collections.abc import Sequence

from pmtui.monitors.cascades import Cascades
from pmtui.monitors.health.checks import HealthMonitor
from pmtui.monitors.history import HistoryMonitor
from pmtui.monitors.hooks import Hooks
from pmtui.monitors.install import Installer
from pmtui.monitors.jobs.scheduler import JobScheduler
from pmtui.monitors.leases import LeaseMonitor
from pmtui.monitors.log_disk import LogDiskMonitor
from pmtui.monitors.memory import MemoryMonitor
from pmtui.monitors.monitor import Monitor
from pmtui.monitors.notify import NotifyMonitor
from pmtui.monitors.stop_command import StopCommands
from pmtui.monitors.watch.reloader import FileReloader

MONITORS: Sequence[type[Monitor]] = (
    HealthMonitor,
    Installer,
    StopCommands,
    JobScheduler,
    MemoryMonitor,
    FileReloader,
    Hooks,
    HistoryMonitor,
    NotifyMonitor,
    Cascades,
    LeaseMonitor,
    LogDiskMonitor,
)

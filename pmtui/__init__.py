"""A small, honest process manager with a terminal dashboard and a REST API.

manager = Manager()
manager.register(ProcessConfig(id="agent", script="agent.py"))
await manager.run()
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pmtui.config.load import load_config
    from pmtui.config.model import ProcessConfig
    from pmtui.supervise.manager import Manager

__version__ = "0.1.0"
__all__ = ["Manager", "ProcessConfig", "__version__", "load_config"]
HOMES = {
    "Manager": "pmtui.supervise.manager",
    "ProcessConfig": "pmtui.config.model",
    "load_config": "pmtui.config.load",
}


def __getattr__(name: str) -> Any:
    """Loads what is asked for, and only then: the command line starts processes before it needs the rest."""
    if name not in HOMES:
        raise AttributeError(f"module 'pmtui' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(HOMES[name]), name)

"""A small, honest process manager with a terminal dashboard and a REST API.

manager = Manager()
manager.register(ProcessConfig(id="agent", script="agent.py"))
await manager.run()
"""

from pmtui.version import __version__

TYPE_CHECKING = False  # `typing` is not imported: the guardian loads this module too
if TYPE_CHECKING:
    from pmtui.config.load import load_config
    from pmtui.config.model import ProcessConfig
    from pmtui.manager import Manager

__all__ = ["Manager", "ProcessConfig", "__version__", "load_config"]
_EXPORTS = {
    "Manager": "pmtui.manager",
    "ProcessConfig": "pmtui.config.model",
    "load_config": "pmtui.config.load",
}


def __getattr__(name: str) -> object:
    """Import exports on first use, so that the command line starts processes before it loads the rest."""
    if name not in _EXPORTS:
        raise AttributeError(f"module 'pmtui' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(_EXPORTS[name]), name)

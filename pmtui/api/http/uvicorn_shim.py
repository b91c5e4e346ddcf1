"""Import uvicorn without its command line, reloader and workers, which cost 2.4 MB and 30 ms.

The package's `__init__` imports them for `uvicorn.run`; here it runs at the first access to one of its names.
"""

import importlib
import importlib.util
import sys
from typing import Any


def _import_lazily(package: str) -> None:
    """Register a package whose `__init__` runs at the first access to one of its names."""
    spec = importlib.util.find_spec(package)
    if package in sys.modules or spec is None or spec.loader is None:
        return
    module, loader = importlib.util.module_from_spec(spec), spec.loader

    def load(name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name == "Config":  # the only name that uvicorn's own modules use
            return importlib.import_module(f"{package}.config").Config
        vars(module).pop("__getattr__", None)
        loader.exec_module(module)
        return getattr(module, name)

    vars(module)["__getattr__"] = load
    sys.modules[package] = module


_import_lazily("uvicorn")

from uvicorn.config import Config  # noqa: E402
from uvicorn.protocols.http.h11_impl import STATUS_PHRASES, H11Protocol  # noqa: E402
from uvicorn.server import Server  # noqa: E402

__all__ = ["STATUS_PHRASES", "Config", "H11Protocol", "Server"]

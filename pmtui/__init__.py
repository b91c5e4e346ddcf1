"""A small, honest process manager with a terminal dashboard and a REST API."""

__version__ = "0.1.0"

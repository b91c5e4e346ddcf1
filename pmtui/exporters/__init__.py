"""The same processes under engines that are made for more than one machine or one terminal."""

from pmtui.exporters.result import Exported, Project

__all__ = ["Exported", "Project"]

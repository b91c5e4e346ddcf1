"""Write the same processes for engines made for more than one machine.

One module per target, each with `export_TARGET(project) -> Exported`; `result` has both types, `argv`, `environment`
and `probe` what the targets share. A setting that a target cannot express is a warning, never silence. To add a target:
a module here and its name in `cli/export.py`.
"""

from pmtui.exporters.result import Exported, Project

__all__ = ["Exported", "Project"]

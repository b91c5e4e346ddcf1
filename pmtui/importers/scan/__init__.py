"""Find what can be run in a project by its usual files, for `pmtui init`. Nothing is run.

`project` looks at the directory and two levels below it, and settles ids, ports and what processes have in common.
`python` and `node` recognize programs and frameworks, `compose` the containers beside them.
"""

from pmtui.importers.scan.found import FoundProcess
from pmtui.importers.scan.project import Scan, scan_project

__all__ = ["FoundProcess", "Scan", "scan_project"]

"""The PATH that a process gets: that of the tests, without the virtual environment they run in."""

import os
import sys


def path_of_processes() -> str:
    own = os.path.join(sys.prefix, "bin")
    return os.pathsep.join(place for place in os.environ["PATH"].split(os.pathsep) if place != own)

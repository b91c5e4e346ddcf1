"""A worker with a child, one in its own session, and a daemon with an empty environment; each writes its pid to a file.

Usage: family.py FOLDER [stubborn]; stubborn ones ignore SIGTERM. The daemon has closed all files and double-forked:
only the kernel knows where it came from.
"""

import os
import signal
import sys
import time

LIFE = 120


def note(folder: str, name: str) -> None:
    with open(f"{folder}/{name}.new", "w") as file:
        file.write(str(os.getpid()))
    os.rename(f"{folder}/{name}.new", f"{folder}/{name}")


def daemon(folder: str, manner: str) -> None:
    os.setsid()
    if os.fork():
        os._exit(0)
    os.closerange(0, 256)
    os.execve(sys.executable, [sys.executable, "-S", __file__, folder, manner, "daemon"], {})


def main(folder: str, manner: str = "obedient", role: str = "leader") -> None:
    if manner == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if role == "leader":
        if os.fork() == 0:
            role = "child"
        elif os.fork() == 0:
            role = "session"
            os.setsid()
        elif (middle := os.fork()) == 0:
            daemon(folder, manner)
        else:
            os.waitpid(middle, 0)
    note(folder, role)
    time.sleep(LIFE)


if __name__ == "__main__":
    main(*sys.argv[1:])

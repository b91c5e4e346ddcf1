"""Write to a terminal that belongs to others, without waiting for it; standard library only.

Flags such as O_NONBLOCK belong to the open file, which the shell shares: setting one, and being killed before it is
unset, would make the shell's next read fail. So a terminal is opened again.
"""

import os
import select
import stat


def reopen(descriptor: int) -> int:
    """Open the same terminal or pipe again, non-blocking. Raises OSError."""
    return os.open(f"/proc/self/fd/{descriptor}", os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)


def write_without_waiting(descriptor: int, data: bytes) -> int:
    """Write as much as is taken at once, and return how many bytes that was. Raises OSError."""
    if stat.S_ISREG(os.fstat(descriptor).st_mode):  # it never waits, and opened again it starts at 0
        return os.write(descriptor, data)
    try:
        own = reopen(descriptor)
    except OSError:  # a socket, or a terminal of another user
        poll = select.poll()
        poll.register(descriptor, select.POLLOUT)
        return os.write(descriptor, data[: select.PIPE_BUF]) if poll.poll(0) else 0
    try:
        return os.write(own, data)
    finally:
        os.close(own)

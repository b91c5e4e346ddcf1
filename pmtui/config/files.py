"""Read text files written by others: whole, without blocking, and never more than expected."""

import os
import stat

from pmtui.config.model import ConfigError

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def read_bytes(path: str, most: int) -> bytes:
    """Return the content of a regular file of at most that many bytes. Raises ConfigError that names the file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        raise ConfigError(_unreadable(path, error)) from None
    try:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            raise ConfigError(f"{path} is {_KINDS.get(stat.S_IFMT(mode), 'something else')}, not a file")
        content = _read(descriptor, most + 1)
    except OSError as error:
        raise ConfigError(_unreadable(path, error)) from None
    finally:
        os.close(descriptor)
    if len(content) > most:
        raise ConfigError(f"{path} is larger than {most >> 10} KiB, the most that is read")
    return content


def _read(descriptor: int, most: int) -> bytes:
    chunks: list[bytes] = []
    while most > 0 and (chunk := os.read(descriptor, most)):
        chunks.append(chunk)
        most -= len(chunk)
    return b"".join(chunks)


def _unreadable(path: str, error: OSError | ValueError) -> str:
    match error:
        case FileNotFoundError() if os.path.islink(path):
            return f"{path} points to {os.readlink(path)}, which does not exist"
        case FileNotFoundError():
            return f"{path} does not exist"
        case OSError():
            return f"{path} cannot be read: {error.strerror}"
        case _:
            return f"{path!a} is not a file name: {error}"

"""Names of signals, as people write them."""

import signal


def signal_number(name: str) -> int:
    """`SIGHUP`, `hup` or `1`; ValueError for what is no signal."""
    if name.isdecimal() and len(name) < 4 and int(name) in {*signal.valid_signals()}:
        return int(name)
    word = name.upper()
    try:
        return signal.Signals[word if word.startswith("SIG") else f"SIG{word}"]
    except KeyError:
        raise ValueError(f"Unknown signal '{name}'.") from None

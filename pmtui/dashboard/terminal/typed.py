"""What was typed, together with the bytes it was read from."""

from codecs import getincrementaldecoder
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Literal

from textual._parser import ParseError
from textual._xterm_parser import XTermParser
from textual.events import Key, Paste
from textual.message import Message

from pmtui.terminal.keyboard import Input

OnInput = Callable[[Sequence[Input]], object]
MAX_BURST = 3
"""Characters that may arrive at once outside of an input field; more are a paste, and no commands."""


class Typed(Message, bubble=False):
    """A key or a paste. In a `burst`, which a person does not type, the first character may open a terminal."""

    def __init__(self, event: Key | Paste, data: bytes) -> None:
        super().__init__()
        self.event, self.data = event, data
        self.burst: Literal["", "first", "later"] = ""


class Redirected(Message, bubble=False):
    """What was typed while all input is redirected."""

    def __init__(self, on_input: OnInput, inputs: Sequence[Input]) -> None:
        super().__init__()
        self.on_input, self.inputs = on_input, inputs


class InputParser:
    """Turns bytes into Textual's messages, keys and pastes into `Typed`."""

    def __init__(self, debug: bool) -> None:
        self._debug = debug
        self._start()

    def _start(self) -> None:
        self._parser = XTermParser(self._debug)
        self._decode = getincrementaldecoder("utf-8")("replace").decode
        self._unfinished = bytearray()

    def feed(self, data: bytes) -> Sequence[Message]:
        found: list[Message] = []
        for number in data:  # one by one, to know which bytes a key consists of
            self._unfinished.append(number)
            if text := self._decode(bytes((number,))):
                with suppress(ParseError):
                    found += self._typed(self._parser.feed(text))
        mark_burst(found)
        return found

    def tick(self) -> Sequence[Message]:
        """Return what was held back for too long to be the beginning of a longer sequence."""
        return [*self._typed(self._parser.tick())]

    def take_unfinished(self) -> bytes:
        """Return the bytes that are no message yet, and begin again without them."""
        taken = bytes(self._unfinished)
        if taken:
            self._start()
        return taken

    def _typed(self, messages: Iterable[Message]) -> Iterable[Message]:
        for message in messages:
            data = bytes(self._unfinished)
            self._unfinished.clear()
            yield Typed(message, data) if isinstance(message, Key | Paste) else message


def mark_burst(messages: Sequence[Message]) -> None:
    """Mark what was pasted into a terminal that does not mark a paste: different characters at once.

    A held key repeats one character, and `/` or `:` begins a text.
    """
    keys = [message for message in messages if isinstance(message, Typed) and isinstance(message.event, Key)]
    characters = [key for key in keys if isinstance(key.event, Key) and key.event.is_printable]
    texts = [key.event.character for key in characters if isinstance(key.event, Key)]
    if len(texts) <= MAX_BURST or len({*texts}) == 1 or texts[0] in ("/", ":"):
        return
    for key in keys:
        key.burst = "first" if key is characters[0] else "later"

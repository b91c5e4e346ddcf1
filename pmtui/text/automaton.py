"""Searches a text in one pass, whatever the pattern: a program of instructions, run as an automaton made on the way."""

import time
from collections.abc import Callable
from re import _compiler, _constants, _parser  # type: ignore[attr-defined]
from typing import Any

_MAX_INSTRUCTIONS = 2000  # instructions of a program
_MAX_STATES = 2000

Nodes = Any  # a parsed pattern of `re`: pairs of an operation and its arguments
Test = Callable[[str], object]
SINGLE = (_constants.LITERAL, _constants.NOT_LITERAL, _constants.ANY, _constants.IN)

REFUSED = {
    _constants.ASSERT: "look-around such as (?=...) or (?<=...)",
    _constants.ASSERT_NOT: "look-around such as (?!...) or (?<!...)",
    _constants.GROUPREF: r"a back-reference such as \1",
    _constants.GROUPREF_EXISTS: "a condition such as (?(1)...)",
    _constants.ATOMIC_GROUP: "an atomic group (?>...)",
    _constants.POSSESSIVE_REPEAT: "a possessive repeat such as a*+",
}
"""What no automaton can search for in one pass."""
INSTEAD = "write the text itself, with . [a-z] * + ? {2,3} ( | ) ^ $ and \\b"


class PatternError(ValueError):
    """The pattern is not valid, or asks for what cannot be searched in a bounded time."""


class PatternTimeout(PatternError):
    """The search would have taken too long."""


class Instruction:
    """A place in a program. `test` None: no character is read here; then `next` are all the ways on."""

    __slots__ = ("assertion", "next", "test")

    def __init__(self, test: Test | None = None, assertion: Any = None) -> None:
        self.test = test
        self.assertion = assertion
        self.next: list[Instruction] = []


class Program:
    """Builds the instructions of a pattern; `accept` is where it has matched."""

    def __init__(self) -> None:
        self.size = 0
        self.accept = Instruction()
        self.start = self.accept

    def new(self, test: Test | None = None, assertion: Any = None, *ways: Instruction) -> Instruction:
        self.size += 1
        if self.size > _MAX_INSTRUCTIONS:
            raise PatternError("is too large: use smaller counts in { }")
        made = Instruction(test, assertion)
        made.next.extend(ways)
        return made

    def sequence(self, nodes: Nodes, flags: int, after: Instruction) -> Instruction:
        """What matches the nodes and goes on at `after`; built from its end."""
        for operation, arguments in reversed(nodes):
            after = self.node(operation, arguments, flags, after)
        return after

    def node(self, operation: Any, arguments: Any, flags: int, after: Instruction) -> Instruction:
        if operation in SINGLE:
            return self.new(_test_of((operation, arguments), flags), None, after)
        if operation is _constants.AT:
            return self.new(None, arguments, after)
        if operation is _constants.SUBPATTERN:
            _, added, removed, nodes = arguments
            return self.sequence(nodes, (flags | added) & ~removed, after)
        if operation is _constants.BRANCH:
            return self.new(None, None, *[self.sequence(branch, flags, after) for branch in arguments[1]])
        if operation in (_constants.MAX_REPEAT, _constants.MIN_REPEAT):
            least, most, repeated = arguments
            return self.repeat(least, most, repeated, flags, after)
        raise PatternError(f"uses {REFUSED.get(operation, str(operation))}, which is not supported: {INSTEAD}")

    def repeat(self, least: int, most: int, nodes: Nodes, flags: int, after: Instruction) -> Instruction:
        if most is _constants.MAXREPEAT:
            loop = self.new(None, None, after)
            loop.next.append(self.sequence(nodes, flags, loop))
            after = loop
        else:
            end = after
            for _ in range(most - least):
                after = self.new(None, None, end, self.sequence(nodes, flags, after))
        for _ in range(least):
            after = self.sequence(nodes, flags, after)
        return after


def compile_nodes(nodes: Nodes) -> Program:
    program = Program()
    program.start = program.sequence(nodes, nodes.state.flags, program.accept)
    return program


class _State(dict[str, "_State"]):
    """Where matches in progress can stand after some text: maps the next character to the state after it."""

    def __init__(self, automaton: "Automaton", places: frozenset[Instruction], before: str) -> None:
        self.automaton = automaton
        self.places = places
        self.before = before

    def __missing__(self, character: str) -> "_State":
        return self.automaton.step(self, character)


class Automaton:
    """Finds out whether a text holds a match of a program, in one pass."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._states: dict[tuple[frozenset[Instruction], str], _State] = {}
        self._deadline = 0.0
        self._found = _State(self, frozenset(), "")

    def search(self, text: str, deadline: float) -> bool:
        self._deadline = deadline
        state = self._state(frozenset(), "")
        for character in text:
            state = state[character]
            if state is self._found:
                return True
        return self._program.accept in self._closure(state, "")

    def step(self, state: _State, character: str) -> _State:
        """The state after that character: remembered in `state`, so the same is asked once only."""
        if time.monotonic() > self._deadline:
            raise PatternTimeout("the search took too long")
        closure = self._closure(state, character)
        if self._program.accept in closure:
            after = self._found
        else:
            reading = [place for place in closure if place.test and place.test(character)]
            places = frozenset(following for place in reading for following in place.next)
            after = self._state(places, "w" if _is_word(character) else "-")
        state[character] = after
        return after

    def _state(self, places: frozenset[Instruction], before: str) -> _State:
        key = (places, before)
        known = self._states.get(key)
        if known is not None:  # one that was not left yet is empty, and no less known
            return known
        if len(self._states) > _MAX_STATES:
            self._states.clear()
        made = self._states[key] = _State(self, places, before)
        return made

    def _closure(self, state: _State, character: str) -> set[Instruction]:
        """All places that can be reached before `character` is read; a match can begin anywhere."""
        waiting = [self._program.start, *state.places]
        reached: set[Instruction] = set()
        while waiting:
            place = waiting.pop()
            if place in reached or not _holds(place.assertion, state.before, character):
                continue
            reached.add(place)
            if not place.test:
                waiting.extend(place.next)
        return reached


def _test_of(node: Any, flags: int) -> Test:
    """Whether a character is matched by that node, as `re` itself sees it."""
    state = _parser.State()
    state.flags = flags
    state.str = ""
    compiled = _compiler.compile(_parser.SubPattern(state, [node]), flags)
    return compiled.fullmatch  # type: ignore[no-any-return]


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"


def _holds(assertion: Any, before: str, after: str) -> bool:
    """`before` is "" at the beginning, "w" after a word character, else "-"; `after` is "" at the end."""
    if assertion is None:
        return True
    if assertion in (_constants.AT_BEGINNING, _constants.AT_BEGINNING_STRING):
        return before == ""
    if assertion in (_constants.AT_END, _constants.AT_END_STRING):
        return after == ""
    is_boundary = (before == "w") != (after != "" and _is_word(after))
    return is_boundary is (assertion is _constants.AT_BOUNDARY)

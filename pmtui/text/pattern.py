"""Regular expressions of strangers, searched in a time that grows with the text and nothing else.

Python's `re` backtracks: `(a+)+$` on forty letters outlives the manager, and it holds the interpreter's lock meanwhile,
so that neither a timeout nor a thread would help. So `re` is asked only where a bound on its steps, found from the
pattern's own structure, is low for a line of that length. All else is searched by an automaton: its states are the sets
of places in the pattern where a match in progress can stand, made when they are first met, so each character costs one
look-up. Look-around and back-references are not regular, and are refused.
"""

import re
import warnings
from re import _constants, _parser  # type: ignore[attr-defined]
from typing import Any, NamedTuple

from pmtui.text.automaton import SINGLE, Automaton, Nodes, PatternError, compile_nodes

MAX_PATTERN_LENGTH = 1000
"""Characters of a pattern."""
MAX_SHOWN = 60
"""Characters of it in an error."""
_MAX_STEPS = 3_000_000  # of `re` on one line: some milliseconds
_ENDLESS = float("inf")


class Pattern:
    """A compiled pattern; raises PatternError when it is not valid."""

    def __init__(self, text: str) -> None:
        if len(text) > MAX_PATTERN_LENGTH:
            raise PatternError(f"a pattern has at most {MAX_PATTERN_LENGTH} characters")
        try:
            with warnings.catch_warnings(action="ignore"):
                nodes = _parser.parse(text)
                self._backtracking = re.compile(text)
            cost = cost_of(nodes)
            self._automaton = Automaton(compile_nodes(nodes))
        except PatternError as error:
            raise PatternError(f"the pattern {shortened(text)} {error}") from None
        except (re.error, RecursionError, OverflowError) as error:
            raise PatternError(f"invalid pattern: {error}") from error
        self._longest = cost.longest(_MAX_STEPS)

    def is_in(self, line: str, deadline: float = _ENDLESS) -> bool:
        """Whether the line holds a match. Raises PatternTimeout after `deadline` on the monotonic clock."""
        if len(line) <= self._longest:
            return self._backtracking.search(line) is not None
        return self._automaton.search(line, deadline)


def shortened(text: str) -> str:
    return repr(text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}...")


class Cost(NamedTuple):
    """A bound on the ways to match at one place of a text of length n: `ways` times n to the power of `degree`."""

    ways: float
    degree: int

    def then(self, other: "Cost") -> "Cost":
        return Cost(self.ways * other.ways, self.degree + other.degree)

    def longest(self, steps: int) -> int:
        """The length of a text on which `re` needs at most so many steps."""
        return int((steps / self.ways) ** (1 / (self.degree + 1))) if self.ways < _ENDLESS else 0


def cost_of(nodes: Nodes) -> Cost:
    total = Cost(max(len(nodes), 1), 0)
    for operation, arguments in nodes:
        total = total.then(_cost_of_node(operation, arguments))
    return total


def _cost_of_node(operation: Any, arguments: Any) -> Cost:
    if operation is _constants.SUBPATTERN:
        return cost_of(arguments[3])
    if operation is _constants.BRANCH:
        costs = [cost_of(branch) for branch in arguments[1]]
        return Cost(sum(cost.ways for cost in costs), max(cost.degree for cost in costs))
    if operation in (_constants.MAX_REPEAT, _constants.MIN_REPEAT):
        least, most, repeated = arguments
        if len(repeated) == 1 and repeated[0][0] in SINGLE:
            return Cost(2, 1) if most is _constants.MAXREPEAT else Cost(most - least + 1, 0)
        inner = cost_of(repeated)
        return Cost(inner.ways + 1, inner.degree) if most == 1 else Cost(_ENDLESS, 0)
    return Cost(1, 0)

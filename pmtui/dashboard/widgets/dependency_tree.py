"""The dependencies and dependents of a process as an indented tree."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.style import Style
from rich.table import Table
from rich.text import Text

from pmtui.control import Edge, Graph, Node, Status
from pmtui.dashboard.style.formats import printable, shorten
from pmtui.dashboard.style.glyphs import STATUS_TONES, Glyphs, Tone
from pmtui.dashboard.style.styles import Styles

MAX_ID_WIDTH = 24


@dataclass(frozen=True, slots=True)
class Branch:
    """A line of the tree: a process, and the dependency it hangs on.

    `trail` holds, for each ancestor's line and this one, whether it is the last of its siblings. `is_repeated` means
    that the children are shown elsewhere in the tree.
    """

    node: Node
    edge: Edge
    trail: tuple[bool, ...]
    is_repeated: bool = False

    def draw(self, glyphs: Glyphs) -> str:
        above = "".join("   " if is_last else f"{glyphs.tabs}  " for is_last in self.trail[:-1])
        return f"{above}{glyphs.corner if self.trail[-1] else glyphs.fork}{glyphs.rule} "


def dependencies_of(graph: Graph, process_id: str) -> list[Branch]:
    """Return what the process needs, directly or indirectly, from the top down."""
    below: dict[str, list[tuple[str, Edge]]] = {}
    for edge in graph.edges:
        below.setdefault(edge.from_, []).append((edge.to, edge))
    return [*_branches(graph, below, process_id)]


def dependents_of(graph: Graph, process_id: str) -> list[Branch]:
    """Return what needs the process, directly or indirectly, from the top down."""
    below: dict[str, list[tuple[str, Edge]]] = {}
    for edge in graph.edges:
        below.setdefault(edge.to, []).append((edge.from_, edge))
    return [*_branches(graph, below, process_id)]


def _branches(graph: Graph, below: Mapping[str, Sequence[tuple[str, Edge]]], root: str) -> Iterator[Branch]:
    """Expand each process only once, so that the tree is never longer than the list of dependencies."""
    nodes = {node.id: node for node in graph.nodes}
    unfolded = {root}
    left = _children(below, root, ())
    while left:
        process_id, edge, trail = left.pop()
        children = _children(below, process_id, trail)
        is_repeated = process_id in unfolded and bool(children)
        yield Branch(nodes[process_id], edge, trail, is_repeated)
        if not is_repeated:
            unfolded.add(process_id)
            left += children


def _children(
    below: Mapping[str, Sequence[tuple[str, Edge]]], process_id: str, trail: tuple[bool, ...]
) -> list[tuple[str, Edge, tuple[bool, ...]]]:
    """Return the children, last one first."""
    children = below.get(process_id, ())
    return [(name, edge, (*trail, edge is children[-1][1])) for name, edge in reversed(children)]


def tree_table(graph: Graph, process_id: str, styles: Styles, glyphs: Glyphs) -> Table | Text:
    """Draw both trees, each line with its condition and the status of the process."""
    up, down = dependencies_of(graph, process_id), dependents_of(graph, process_id)
    if not up and not down:
        return Text("No dependencies and no dependents (dependsOn).", style=styles["dim"])
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, overflow="crop")
    table.add_column(no_wrap=True)
    table.add_column()
    for title, branches in (("needs", up), ("is needed by", down)):
        if branches:
            table.add_row(Text(title, style=styles["accent"]))
        for branch in branches:
            table.add_row(*_cells(branch, styles, glyphs))
    return table


def _cells(branch: Branch, styles: Styles, glyphs: Glyphs) -> tuple[Text, Text, Text]:
    node, edge = branch.node, branch.edge
    repeated = f" {glyphs.ellipsis}" if branch.is_repeated else ""
    name = Text.assemble(
        (branch.draw(glyphs), styles["dim"]),
        _state(node.status, styles, glyphs),
        (f" {shorten(node.id, MAX_ID_WIDTH, glyphs.ellipsis)}", styles["text"]),
        (repeated, styles["dim"]),
    )
    tone: Tone = "dim" if edge.met else "bad" if edge.forever else "warn"
    sign = glyphs.good if edge.met else glyphs.bad if edge.forever else glyphs.status[Status.WAITING]
    return (
        name,
        Text(f"{sign} {edge.condition}", style=styles[tone]),
        _status_text(node, styles["bad" if edge.forever else "text"], glyphs),
    )


def _state(status: Status, styles: Styles, glyphs: Glyphs) -> tuple[str, Style]:
    return glyphs.status[status], styles[STATUS_TONES[status]]


def _status_text(node: Node, tone: Style, glyphs: Glyphs) -> Text:
    """Describe the status on a single line, because a second one would break the lines of the tree."""
    why = f": {node.reason}" if node.reason and node.status is not Status.RUNNING else ""
    said = node.reason if node.status is Status.WAITING and node.reason else f"{node.status}{why}"
    return Text(printable(said), tone, no_wrap=True, overflow="crop" if glyphs.ellipsis.isascii() else "ellipsis")

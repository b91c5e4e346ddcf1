from itertools import pairwise

from pmtui.control import Edge, Graph, Node, Status
from pmtui.dashboard.style.glyphs import UNICODE
from pmtui.dashboard.widgets.dependency_tree import Branch, dependencies_of, dependents_of
from tests.dashboard.stage import stage


def graph(*pairs: str) -> Graph:
    """Of pairs such as `ab`: a needs b."""
    names = sorted({*"".join(pairs)})
    return Graph(
        nodes=[Node(id=name, status=Status.RUNNING, reason="") for name in names],
        edges=[Edge(from_=pair[0], to=pair[1], condition="started", met=True, why="", forever=False) for pair in pairs],
        order=[],
    )


def drawn(branches: list[Branch]) -> list[str]:
    return [f"{one.draw(UNICODE)}{one.node.id}{' …' if one.is_repeated else ''}" for one in branches]


def test_what_is_needed_hangs_on_what_needs_it() -> None:
    assert drawn(dependencies_of(graph("ab", "bc", "bd", "ae"), "a")) == ["├─ b", "│  ├─ c", "│  └─ d", "└─ e"]


def test_what_needs_it_is_a_tree_too() -> None:
    assert drawn(dependents_of(graph("ab", "cb", "da"), "b")) == ["├─ a", "│  └─ d", "└─ c"]


def test_what_is_needed_twice_is_unfolded_once() -> None:
    assert drawn(dependencies_of(graph("ab", "ac", "bd", "cd", "de"), "a")) == [
        "├─ b",
        "│  └─ d",
        "│     └─ e",
        "└─ c",
        "   └─ d …",
    ]


def test_a_ladder_is_as_long_as_its_dependencies_are_many() -> None:
    rungs = [pair for a, b, c in zip("adgj", "behk", "cfil", strict=True) for pair in (a + b, a + c)]
    joints = [pair for b, c, d in zip("beh", "cfi", "dgj", strict=True) for pair in (b + d, c + d)]
    assert len(dependencies_of(graph(*rungs, *joints), "a")) == len(rungs) + len(joints)


def test_a_long_chain_and_a_circle_come_to_an_end() -> None:
    letters = [chr(0x4E00 + number) for number in range(3000)]
    chain = [one + other for one, other in pairwise(letters)]
    assert len(dependencies_of(graph(*chain), letters[0])) == 2999
    assert drawn(dependencies_of(graph("ab", "ba"), "a")) == ["└─ b", "   └─ a …"]


async def test_a_process_alone_says_so() -> None:
    async with stage() as shown:
        await shown.press("j", "d")
        await shown.shows("No dependencies and no dependents")
        await shown.press("d")
        await shown.shows("No output yet")


async def test_what_is_missing_says_why() -> None:
    async with stage(120, 36) as shown:
        shown.app.main.table.select("playground")
        await shown.press("d")
        await shown.shows("└─ ✖ pdf-parser        ✖ completed  failed: ModuleNotFoundError: No module named 'pypdf'")
        await shown.shows("├─ ◌ mailer            ◌ healthy    waits for api to be healthy")

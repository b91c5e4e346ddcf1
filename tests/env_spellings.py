"""Spellings in `.env` files and what becomes of them, here and elsewhere."""

from typing import NamedTuple


class Spelling(NamedTuple):
    """The text of a file, and the value of A (or A-B) in it. None: the file is refused; MISSING: A is not set."""

    text: str
    pmtui: str | None
    godotenv: str | None
    python_dotenv: str | None
    node: str | None
    compose: str | None


MISSING = "(not set)"
SPELLINGS = (
    Spelling("A=two words", "two words", "two words", "two words", "two words", "two words"),
    Spelling("A=x # note", "x", "x", "x", "x", "x"),
    Spelling("A=x#y", "x#y", "x#y", "x#y", "x", "x#y"),
    Spelling("A= # note", "# note", "# note", "", "", "# note"),
    Spelling("A='x # y'", "x # y", "x # y", "x # y", "x # y", "x # y"),
    Spelling('A="x\\ny"', "x\ny", "x\ny", "x\ny", "x\ny", "x\ny"),
    Spelling("A='x\\ny'", "x\\ny", "x\\ny", "x\\ny", "x\\ny", "x\\ny"),
    Spelling('A="x\\ty"', "xty", "xty", "x\ty", "x\\ty", "x\ty"),
    Spelling('A="say \\"hi\\" to"', 'say "hi" to', 'say "hi" to', 'say "hi" to', "say \\", 'say "hi" to'),
    Spelling("A='it\\'s'", "it\\'s", "it\\'s", "it's", "it\\", "it's"),
    Spelling("A=pa$$word", "pa$$word", "pa$$word", "pa$$word", "pa$$word", "pa$word"),
    Spelling("A=PA$$WORD", "PA$", "PA$", "PA$$WORD", "PA$$WORD", "PA$WORD"),
    Spelling("A='PA$$WORD'", "PA$$WORD", "PA$$WORD", "PA$$WORD", "PA$$WORD", "PA$$WORD"),
    Spelling("B=1\nA=$B", "1", "1", "$B", "$B", "1"),
    Spelling("B=1\nA=${B}", "1", "1", "1", "${B}", "1"),
    Spelling("B=1\nA='${B}'", "${B}", "${B}", "1", "${B}", "${B}"),
    Spelling("B=1\nA=\\$B", "$B", "$B", "\\$B", "\\$B", "\\1"),
    Spelling('B=1\nA="\\${B}"', "${B}", "${B}", "\\1", "\\${B}", "${B}"),
    Spelling("b=1\nA=${b}", "${b}", "${b}", "1", "${b}", "1"),
    Spelling("A=$NOT_SET", "", "", "$NOT_SET", "$NOT_SET", ""),
    Spelling("A=${NOT_SET:-x}", "x", ":-x}", "x", "${NOT_SET:-x}", "x"),
    Spelling("A: x", "x", "x", MISSING, MISSING, "x"),
    Spelling("A-B=x", "x", None, "x", "x", "x"),
    Spelling('A="x\ny"', "x\ny", "x\ny", "x\ny", "x\ny", "x\ny"),
    Spelling("A=x\nA=y", "y", "y", "y", "y", "y"),
)
PROGRAMS = {  # the columns of the table in docs/configuration.md
    "pmtui": "pmtui",
    "godotenv": "godotenv 1.5",
    "python_dotenv": "python-dotenv 1",
    "node": "node 20",
    "compose": "docker compose 2",
}


def spelling_rows() -> list[tuple[str, ...]]:
    """The rows of that table: a line break is shown as ⏎, a tab as ⇥."""
    return [
        (_code(spelling.text), *(_shown(getattr(spelling, program)) for program in PROGRAMS)) for spelling in SPELLINGS
    ]


def _shown(value: str | None) -> str:
    if value is None:
        return "error"
    if value == MISSING:
        return "not set"
    return _code(value) if value else "empty"


def _code(text: str) -> str:
    shown = text.replace("\n", " ⏎ " if "=" in text else "⏎").replace("\t", "⇥")
    return f"`` {shown} ``" if "`" in shown else f"`{shown}`"

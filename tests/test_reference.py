"""The documentation says what the code does."""

import re
from pathlib import Path

import pytest

from pmtui.config.load import load_config
from pmtui.config.model import Health, Limits, LogSettings, PocketBase, ProcessConfig, Settings, Struct
from pmtui.config.schema import descriptions
from tests.reference import BLOCK, PAGES, ROOT, TABLES, fields, filled

FENCE = re.compile(r"```(\w*)\n(.*?)```", re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
NAMES = [page.name for page in PAGES]


def configs() -> list[tuple[str, str]]:
    """Return the format and text of every config shown in the documentation."""
    return [block for page in PAGES for block in FENCE.findall(page.read_text()) if block[0] in ("json", "toml")]


def anchors(text: str) -> set[str]:
    """Return the fragments of all headings, as GitHub builds them."""
    headings = HEADING.findall(FENCE.sub("", text))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_its_tables_are_what_the_code_gives(page: Path) -> None:
    assert filled(page.read_text()) == page.read_text(), "run python -m tests.reference"


def test_every_table_is_in_the_documentation_once() -> None:
    assert sorted(found[2] for page in PAGES for found in BLOCK.finditer(page.read_text())) == sorted(TABLES)


@pytest.mark.parametrize(("kind", "text"), configs())
def test_every_config_in_it_is_a_good_one(tmp_path: Path, kind: str, text: str) -> None:
    config = tmp_path / f"pmtui.{kind}"
    config.write_text(text)
    loaded = load_config(config)
    assert loaded.processes
    assert loaded.problems == ()


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CONTRIBUTING.md"], ids=[*NAMES, "CONTRIBUTING.md"])
def test_every_link_and_picture_in_it_exists(page: Path) -> None:
    text = page.read_text()
    for target in LINK.findall(FENCE.sub("", text)):
        path, _, anchor = target.partition("#")
        if "://" in target:
            continue
        linked = page.parent / path if path else page
        assert linked.exists(), target
        assert not anchor or anchor in anchors(linked.read_text()), target


def test_a_field_that_was_added_shows_up_with_its_type_default_and_meaning() -> None:
    row = next(line for line in fields(ProcessConfig).splitlines() if line.startswith("| `stopTimeout` |"))
    assert re.match(r'\| `stopTimeout` \| duration \| `"5s"` \| \w', row)


@pytest.mark.parametrize("kind", [ProcessConfig, Health, Limits, LogSettings, Settings, PocketBase])
def test_every_description_is_a_sentence(kind: type[Struct]) -> None:
    assert [text for text in descriptions(kind).values() if not text.endswith(".")] == []


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "docs/architecture.md"])
def test_files_it_names_exist(page: str) -> None:
    named = re.findall(r"`((?:pmtui/|tests/)?[\w./-]+\.(?:py|js|toml)|[a-z_/]+/)`", (ROOT / page).read_text())
    known = {name for name in named if "NAME" not in name}
    gone = [name for name in sorted(known) if not any(found(name))]
    assert gone == []


def found(name: str) -> list[Path]:
    """Return the files of that name: a path below the root or `pmtui/`, or a file name alone."""
    places = [ROOT / name, ROOT / "pmtui" / name, *ROOT.glob(f"pmtui/**/{name.rstrip('/')}")]
    return [place for place in places if place.exists()]

"""The README says what the code does."""

import re
from pathlib import Path

import pytest

from pmtui.config.load import load_config
from pmtui.config.model import Health, Limits, LogSettings, PocketBase, ProcessConfig, Settings, Struct
from tests.reference import BLOCK, README, TABLES, descriptions, fields, filled


def test_its_tables_are_what_the_code_gives() -> None:
    assert filled(README.read_text()) == README.read_text(), "python -m tests.reference writes them anew"


def test_every_table_is_in_it_once() -> None:
    assert sorted(found[2] for found in BLOCK.finditer(README.read_text())) == sorted(TABLES)


@pytest.mark.parametrize(("kind", "text"), re.findall(r"```(json|toml)\n(.*?)```", README.read_text(), re.DOTALL))
def test_every_config_in_it_is_a_good_one(tmp_path: Path, kind: str, text: str) -> None:
    config = tmp_path / f"pmtui.{kind}"
    config.write_text(text)
    loaded = load_config(config)
    assert loaded.processes
    assert loaded.problems == ()


def test_a_field_that_was_added_shows_up_with_its_type_default_and_meaning() -> None:
    row = next(line for line in fields(ProcessConfig).splitlines() if line.startswith("| `stopTimeout` |"))
    assert re.match(r'\| `stopTimeout` \| duration \| `"5s"` \| \w', row)


@pytest.mark.parametrize("kind", [ProcessConfig, Health, Limits, LogSettings, Settings, PocketBase])
def test_every_description_is_a_sentence(kind: type[Struct]) -> None:
    assert [text for text in descriptions(kind).values() if not text.endswith(".")] == []

"""Whatever a file holds, loading it gives a result, and what is left of it can be started or shown."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pmtui.config.check import check, report
from pmtui.config.load import load_config
from pmtui.config.model import ProcessConfig, Settings
from pmtui.config.secrets import masked_config

FIELDS = [field.encode_name for field in msgspec.structs.fields(ProcessConfig)]
SETTINGS = [field.encode_name for field in msgspec.structs.fields(Settings)]
WORDS = st.sampled_from(["a", "b", "a-1", "", "\0", "\ud800", "1s", "10MB", "auto", "~x/y", "${A", "http://h:1/x", "("])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | WORDS
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS | st.text(max_size=4), inner, max_size=3)
)
PROCESS = st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=5), VALUES, max_size=6)
NEARLY_GOOD = PROCESS.map(lambda fields: fields | {"id": str(fields.get("id", "a"))[:3], "command": "x"})
PARTS = st.dictionaries(st.sampled_from(SETTINGS) | st.text(max_size=5), VALUES, max_size=4)
CONFIG = st.fixed_dictionaries({"settings": PARTS | VALUES, "processes": st.lists(PROCESS | NEARLY_GOOD, max_size=4)})
LINES = [
    *("[process.a]", "[process.a.health]", '[process."a.b"]', "[settings]", "[[process]]", "'''", "x = 1", "id = 'a'"),
    *("command = 'x'", 'args = ["a"]', "env = {A = 1}", "dependsOn = ['b']", "umask = 0o22", "a.b = 1", "n = nan"),
    *("t = 2020-01-01", '"\\u0000" = 1'),
]
HUGE = ["maxRetries = 0x" + "f" * 6000, "stopSignal = 0x" + "f" * 6000]
TOML_LINES = st.lists(st.sampled_from(LINES + HUGE) | st.text(max_size=12), max_size=10)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def survives(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    loaded = load_config(path)
    assert report(check(loaded, {"PATH": "/bin"})).encode()
    assert json.dumps(masked_config(loaded.settings))
    for process in loaded.processes:
        assert json.dumps(masked_config(process))
        assert Path(process.cwd).is_absolute()
        assert set(process.depends_on) <= set(loaded.entry_paths)


@given(content=st.binary(max_size=200), name=st.sampled_from(["a.json", "a.toml"]))
def test_any_bytes_are_survived(folder: Path, content: bytes, name: str) -> None:
    survives(folder / name, content)


@settings(max_examples=300)
@given(values=CONFIG | st.lists(NEARLY_GOOD, max_size=4) | VALUES)
def test_any_json_is_survived(folder: Path, values: object) -> None:
    survives(folder / "a.json", json.dumps(values).encode())


@given(lines=TOML_LINES)
def test_any_toml_is_survived(folder: Path, lines: list[str]) -> None:
    survives(folder / "a.toml", "\n".join(lines).encode(errors="ignore"))

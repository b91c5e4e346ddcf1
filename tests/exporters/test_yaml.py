"""The small writer of YAML, against a reader that is not ours."""

from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from pmtui.exporters.yaml import dump_yaml

TEXTS = st.text() | st.sampled_from(
    ["no", "Null", "1e3", "0x1f", "~", "- a", "a: b", "#", "2026-01-01", "=", "<<", "12:30"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_what_is_written_is_read_as_it_was(value: Any) -> None:
    assert yaml.safe_load(dump_yaml(value)) == value


def test_blocks_are_fit_for_people() -> None:
    value = {"services": {"web": {"command": ["run", "-p"], "tty": False, "labels": {}}}}
    assert dump_yaml(value) == (
        "services:\n  web:\n    command:\n      - run\n      - -p\n    tty: false\n    labels: {}\n"
    )

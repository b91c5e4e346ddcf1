import pytest

from pmtui.config.aliases import Alias, alias_text, find_alias

KNOWN = ["id", "restart", "maxRetries", "devMode", "command"]


@pytest.mark.parametrize("name", ["max_retries", "MaxRetries", "max-retries", "startretries", "StartLimitBurst"])
def test_names_are_found_in_any_spelling(name: str) -> None:
    assert find_alias("process", name, KNOWN) == Alias(("maxRetries",))


def test_a_name_that_is_known_nowhere_has_no_alias() -> None:
    assert find_alias("process", "commmand", KNOWN) is None
    assert find_alias("", "name", KNOWN) is None


def test_an_alias_of_a_field_that_does_not_exist_is_none() -> None:
    assert find_alias("process", "kill_timeout", KNOWN) is None


def test_the_note_follows_the_field() -> None:
    assert alias_text(Alias(("devMode",), "It is true or false")) == ", did you mean devMode? It is true or false"
    assert alias_text(Alias((), "it is not needed")) == "; it is not needed"

import pytest

from pmtui.text.formatting import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("exit 4\nno such package", "exit 4; no such package"),
        ("looked for:\n  one,\n\n  two\n", "looked for: one, two"),
        ("\tat main", " at main"),
        ("one\r\n", "one"),
        ("a\x1b[31mb", "a�[31mb"),
        ("bell\a\nnext", "bell�; next"),
    ],
)
def test_a_text_fits_on_one_line(text: str, shown: str) -> None:
    assert printable(text) == shown

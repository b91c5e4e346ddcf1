import pytest

from pmtui.config.notation import in_notation

TEXT = '.venv is missing: set "install": "auto" or maxRetries = 3, or run uv sync'


@pytest.mark.parametrize(
    ("config", "settings"),
    [
        ("/srv/pmtui.toml", ('install = "auto"', "maxRetries = 3")),
        (None, ('install = "auto"', "maxRetries = 3")),
        ("/srv/pb_processes.json", ('"install": "auto"', '"maxRetries": 3')),
        ("pmtui.yaml", ('install: "auto"', "maxRetries: 3")),
    ],
)
def test_settings_are_written_as_in_the_config(config: str | None, settings: tuple[str, str]) -> None:
    first, second = settings
    assert in_notation(TEXT, config) == f".venv is missing: set {first} or {second}, or run uv sync"

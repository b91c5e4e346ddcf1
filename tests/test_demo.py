"""The config of `pmtui demo`."""

from pmtui.config.load import load_config
from pmtui.demo import CONFIG_NAME, demo_directory


def test_the_config_is_valid() -> None:
    with demo_directory() as folder:
        loaded = load_config(folder / CONFIG_NAME)
    assert not loaded.problems
    assert len(loaded.processes) == 12

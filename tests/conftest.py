"""What holds for all tests."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("any machine", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


@pytest.fixture(scope="session", autouse=True)
def no_config_above(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep configs above the temporary directories from being found: pmtui looks for none above a sticky directory."""
    tmp_path_factory.getbasetemp().chmod(0o1700)


@pytest.fixture
def no_warnings(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fail the test if anything was logged as a warning."""
    yield
    assert [record.getMessage() for record in (*caplog.get_records("call"), *caplog.records)] == []

import pytest

from pmtui.control import Status
from pmtui.dashboard.table.filters import Filter
from tests.fake_control import snapshot

ROWS = [
    snapshot("web", group="front", command="node server.js"),
    snapshot("web-admin", Status.FAILED, group="front"),
    snapshot("worker", Status.CRASHED, group="back"),
    snapshot("db", health="unhealthy"),
]


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("", ["web", "web-admin", "worker", "db"]),
        ("web", ["web", "web-admin"]),
        ("WEB !admin", ["web"]),
        ("@front", ["web", "web-admin"]),
        ("!@front", ["worker", "db"]),
        ("is:failed", ["web-admin"]),
        ("is:problem", ["web-admin", "worker", "db"]),
        ("!is:running", ["web-admin", "worker"]),
        ("server.js", ["web"]),
        ("!", ["web", "web-admin", "worker", "db"]),
        ("[/bold]", []),
    ],
)
def test_words_of_a_filter_must_all_hold(text: str, ids: list[str]) -> None:
    assert [row.id for row in ROWS if Filter(text).matches(row)] == ids

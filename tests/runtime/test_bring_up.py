"""When processes count as up, and what decided how long it took."""

from collections.abc import Iterator

from msgspec.structs import replace

from pmtui.config.model import ProcessConfig
from pmtui.control import Status
from pmtui.runtime.bring_up import BringUp
from tests.fake_control import snapshot


def clock(*times: float) -> Iterator[float]:
    yield 0.0
    yield from times


def bring_up(*configs: ProcessConfig, times: tuple[float, ...] = (1.0, 2.0, 3.0)) -> BringUp:
    ticks = clock(*times)
    return BringUp(configs, lambda: next(ticks))


DB = ProcessConfig(id="db", command="db")
API = ProcessConfig(id="api", command="api", depends_on={"db": "healthy"})
OFF = ProcessConfig(id="off", command="off", autostart=False)


def test_the_chain_ends_with_the_process_that_was_ready_last() -> None:
    up = bring_up(DB, API, OFF)
    assert not up.observe([snapshot("db", Status.STARTING), snapshot("api", Status.WAITING)])
    assert not up.observe([snapshot("db"), snapshot("api", Status.STARTING)])
    assert up.observe([snapshot("db"), snapshot("api"), snapshot("off", Status.STOPPED)])
    assert [(step.id, step.ready, step.duration, step.waited_for) for step in up.critical_chain()] == [
        ("db", 2.0, 1.0, None),
        ("api", 3.0, 1.0, "db"),
    ]


def test_a_process_without_health_check_is_up_after_a_second() -> None:
    up = bring_up(DB, API)
    checked = replace(snapshot("db", uptime_seconds=0.1), health="healthy")
    assert not up.observe([checked, snapshot("api", uptime_seconds=0.25)])
    assert (up.is_up, up.has_failed, up.settling) == (False, False, {"api": 0.75})
    assert [row.id for row in up.causes] == ["api"]
    assert up.observe([checked, snapshot("api", uptime_seconds=1.0)])
    assert (up.is_up, up.settling) == (True, {})


def test_what_is_completed_or_not_started_is_no_obstacle() -> None:
    up = bring_up(DB, OFF)
    assert up.observe([snapshot("db", Status.COMPLETED), snapshot("off", Status.STOPPED)])
    assert up.is_up


def test_what_only_depends_on_a_failed_process_is_no_cause() -> None:
    up = bring_up(DB, API)
    blocked = replace(snapshot("api", Status.FAILED), blocked=True)
    assert up.observe([snapshot("db", Status.FAILED), blocked])
    assert (up.is_up, [row.id for row in up.causes]) == (False, ["db"])


def test_addresses_are_named_after_process_and_port() -> None:
    config = ProcessConfig(id="my-api", command="x", port="auto", ports={"admin-x": 81})
    up = bring_up(config)
    up.observe([replace(snapshot("my-api"), ports=[8001, 81], urls=["http://127.0.0.1:8001"])])
    assert up.addresses() == {
        "MY_API_PORT": "8001",
        "MY_API_PORT_HTTP": "8001",
        "MY_API_PORT_ADMIN_X": "81",
        "MY_API_URL": "http://127.0.0.1:8001",
    }

from pmtui.supervisor.backoff import backoff_delay


def test_the_delay_doubles_up_to_the_most() -> None:
    assert [backoff_delay(failures, 1.0, 30.0) for failures in range(1, 8)] == [1, 2, 4, 8, 16, 30, 30]


def test_many_failures_do_not_overflow() -> None:
    assert backoff_delay(100_000, 1.0, 30.0) == 30.0


def test_no_backoff_is_no_delay() -> None:
    assert backoff_delay(5, 0.0, 30.0) == 0.0

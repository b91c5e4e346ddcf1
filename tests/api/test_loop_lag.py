import asyncio
import time

import pytest

from pmtui.api import loop_lag
from pmtui.api.loop_lag import LoopLagMeter
from tests.eventually import eventually_async


async def test_the_first_request_gets_a_measurement() -> None:
    meter = LoopLagMeter()
    await meter.measure()
    assert sum(meter.counts) > 0
    meter.close()


async def test_a_blocked_loop_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop_lag, "MEASURE_INTERVAL", 0.01)
    meter = LoopLagMeter()
    await meter.measure()
    await asyncio.sleep(0)
    time.sleep(0.3)  # noqa: ASYNC251 - the fault that is to be found
    await eventually_async(lambda: sum(meter.counts[-2:]) > 0)
    assert meter.total > 0.2
    meter.close()


async def test_measuring_stops_without_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop_lag, "MEASURE_INTERVAL", 0.005)
    monkeypatch.setattr(loop_lag, "IDLE_TIMEOUT", 0.02)
    meter = LoopLagMeter()
    await meter.measure()
    await eventually_async(lambda: meter._timer is None)
    counted = sum(meter.counts)
    await meter.measure()
    await eventually_async(lambda: sum(meter.counts) > counted)
    meter.close()

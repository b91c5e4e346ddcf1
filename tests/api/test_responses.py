import pytest

from pmtui.api.responses import as_json
from tests.fake_control import snapshot


def test_a_lone_surrogate_does_not_break_a_response() -> None:
    answer = as_json([snapshot("web", last_error="no file '/srv/\udcff'")])
    assert b'"lastError":"no file \'/srv/?\'"' in bytes(answer.body).replace(b'": ', b'":')


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_value_that_json_cannot_express_is_null(value: float) -> None:
    assert as_json({"cpu": value}).body == b'{"cpu":null}'

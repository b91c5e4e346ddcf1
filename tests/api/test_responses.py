import pytest

from pmtui.api.responses import as_json
from tests.fake_control import snapshot


def test_a_lone_surrogate_makes_no_answer_fail() -> None:
    answer = as_json([snapshot("web", last_error="no file '/srv/\udcff'")])
    assert b'"lastError":"no file \'/srv/?\'"' in bytes(answer.body).replace(b'": ', b'":')


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_number_in_json_is_null(value: float) -> None:
    assert as_json({"cpu": value}).body == b'{"cpu":null}'

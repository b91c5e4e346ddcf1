"""What `/openapi.json` promises, held against a whole manager by requests that nobody has thought of.

PMTUI_FUZZ_EXAMPLES says how many are tried on each operation; without it, they are the same each time.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from pmtui.api.endpoints import TIME_PATTERN
from tests.eventually import DEADLINE
from tests.running import Running, running

IS_RANDOM = "PMTUI_FUZZ_EXAMPLES" in os.environ
EXAMPLES = int(os.environ.get("PMTUI_FUZZ_EXAMPLES", "10"))
SLEEP = {"command": "sleep 600", "stopTimeout": "1s"}
PROCESSES = [{"id": "web", **SLEEP, "group": "front"}, {"id": "job", "command": "echo done", "restart": "never"}]
KNOWN_IDS = f"""
import re

import schemathesis

TIME = {TIME_PATTERN!r}

@schemathesis.hook
def map_path_parameters(context, path_parameters):
    choice = sum(map(ord, str((path_parameters or dict()).get("id", "")))) % 4
    return path_parameters | dict(id=("web", "job")[choice % 2]) if choice else path_parameters

@schemathesis.hook
def map_query(context, query):
    # Valid times are left out: a schema cannot say that one has to be before another, or before now.
    times = [(query or dict()).get(name, "") for name in ("since", "until")]
    if all(isinstance(value, str) and re.fullmatch(TIME, value) for value in times):
        return dict(item for item in (query or dict()).items() if item[0] not in ("since", "until"))
    return query
"""
# What makes a pattern good or a signal known cannot be said in a schema; an empty parameter of a form is as none.
CHECKS = """
[checks]
negative_data_rejection.expected-statuses = ["4xx"]

[[operations]]
include-operation-id = ["logs", "signal"]
checks.positive_data_acceptance.enabled = false

# It would run random commands.
[[operations]]
include-operation-id = "addProcess"
enabled = false

[[operations]]
include-operation-id = "logs"
checks.negative_data_rejection.enabled = false
checks.positive_data_acceptance.enabled = false
"""
STREAMS = r"stream|/api/pm/events$"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Running]:
    with running(tmp_path, PROCESSES) as manager:
        manager.wait_running(["web"])
        yield manager


@pytest.mark.skipif(find_spec("schemathesis") is None, reason="schemathesis is not installed")
@pytest.mark.timeout(180 + EXAMPLES * 10)
def test_every_response_matches_the_description(house: Running, tmp_path: Path) -> None:
    (tmp_path / "known_ids.py").write_text(KNOWN_IDS)
    (tmp_path / "schemathesis.toml").write_text(CHECKS)
    fuzz = subprocess.run(
        [
            *(sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()", "run"),
            f"{house.url}/openapi.json",
            *("--header", f"Authorization: {house.authorization['Authorization']}"),
            *("--exclude-path-regex", STREAMS),
            *("--max-examples", str(EXAMPLES)),
            *("--request-timeout", str(DEADLINE), "--suppress-health-check", "all"),  # of slow machines
            *(("--generation-database", "none") if IS_RANDOM else ("--generation-deterministic",)),
            "--no-color",
        ],
        cwd=tmp_path,
        env=os.environ | {"SCHEMATHESIS_HOOKS": "known_ids", "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert fuzz.returncode == 0, fuzz.stdout + fuzz.stderr
    (selected,), (tested,) = (re.findall(rf"{word}: ([0-9]+)", fuzz.stdout) for word in ("Selected", "Tested"))
    assert 25 <= int(selected) == int(tested)
    assert house.row("web")
    assert "Traceback" not in house.log

import subprocess
import sys

import pytest
import uvicorn


def told_by(program: str) -> str:
    """Return what a fresh interpreter prints."""
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize(
    "use", ["from uvicorn import run, Server", "import uvicorn; uvicorn.run, uvicorn.main, uvicorn.Server"]
)
def test_uvicorn_is_complete_for_an_embedding_program(use: str) -> None:
    program = f"import pmtui.api.server; {use}; import uvicorn; print(uvicorn.__version__, uvicorn.run.__module__)"
    assert told_by(program) == f"{uvicorn.__version__} uvicorn.main\n"


def test_an_imported_uvicorn_is_used() -> None:
    program = "import uvicorn, pmtui.api.http.uvicorn_shim as lean; print(lean.Server is uvicorn.Server)"
    assert told_by(program) == "True\n"


def test_a_name_that_uvicorn_lacks_raises_an_error() -> None:
    program = "import pmtui.api.server, uvicorn; print(hasattr(uvicorn, 'nothing'), hasattr(uvicorn, '__nothing__'))"
    assert told_by(program) == "False False\n"

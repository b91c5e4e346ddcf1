from pathlib import Path

import pytest

from pmtui.pocketbase.serve_options import is_serve, serve_options

HERE = Path("/srv/app")


@pytest.mark.parametrize(
    ("line", "port", "url", "hooks"),
    [
        ("./pocketbase serve", 8090, "http://127.0.0.1:8090", "/srv/app/pb_hooks"),
        ("/opt/pb/pocketbase serve", 8090, "http://127.0.0.1:8090", "/opt/pb/pb_hooks"),
        ("pocketbase serve --http 0.0.0.0:80", 80, "http://127.0.0.1:80", "/srv/app/pb_hooks"),
        ("pb --dev serve --http=[::]:1", 1, "http://127.0.0.1:1", "/srv/app/pb_hooks"),
        ("pb serve --http=10.0.0.1:80", 80, "http://10.0.0.1:80", "/srv/app/pb_hooks"),
        ("pb --dir /data/pb serve", 8090, "http://127.0.0.1:8090", "/data/pb_hooks"),
        ("pb --dir data serve --hooksDir=hooks", 8090, "http://127.0.0.1:8090", "/srv/app/hooks"),
        ("pb serve a.example b.example", 80, "https://127.0.0.1:443#a.example", "/srv/app/pb_hooks"),
        ("pb serve a.example --https :8443", 80, "https://127.0.0.1:8443#a.example", "/srv/app/pb_hooks"),
    ],
)
def test_is_read_as_pocketbase_reads_it(line: str, port: int, url: str, hooks: str) -> None:
    options = serve_options(line.split(), HERE)
    assert (options.port, options.url, options.hooks_dir) == (port, url, hooks)


def test_an_address_without_a_port_is_an_error() -> None:
    with pytest.raises(ValueError, match="port"):
        serve_options(["pb", "serve", "--http=localhost"], HERE)


@pytest.mark.parametrize(
    ("line", "serves"),
    [
        ("pb serve", True),
        ("pb --dir serve superuser list", False),
        ("pb --dir x --dev serve", True),
        ("pb superuser create serve x", False),
        ("pb", False),
    ],
)
def test_recognizes_serve(line: str, serves: bool) -> None:
    assert is_serve(line.split()) is serves

import httpx
import pytest

from pmtui.api.app import Api
from pmtui.api.routes.web import CONTENT_SECURITY_POLICY, WEB_DIRECTORY, web_routes
from tests.fake_control import FakeControl

PATHS = [route.path for route in web_routes()]


@pytest.fixture
def bare(client: httpx.AsyncClient) -> httpx.AsyncClient:
    """The client without its token."""
    del client.headers["authorization"]
    return client


@pytest.mark.parametrize("path", PATHS)
async def test_every_file_of_the_page_is_served_without_a_token(bare: httpx.AsyncClient, path: str) -> None:
    answer = await bare.get(path)
    assert answer.status_code == 200
    assert answer.content == (WEB_DIRECTORY / (path.removeprefix("/web/").strip("/") or "index.html")).read_bytes()
    assert answer.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers.get_list("cache-control") == ["no-cache"]
    assert "set-cookie" not in answer.headers


async def test_an_unchanged_file_is_not_sent_again(bare: httpx.AsyncClient) -> None:
    tag = (await bare.get("/")).headers["etag"]
    answer = await bare.get("/", headers={"If-None-Match": tag})
    assert (answer.status_code, answer.content) == (304, b"")


@pytest.mark.parametrize("path", ["/api/pm/list", "/web/", "/web/unknown.js", "/metrics"])
async def test_everything_else_needs_the_token(bare: httpx.AsyncClient, path: str) -> None:
    assert (await bare.get(path)).status_code == 401


@pytest.mark.parametrize("method", ["POST", "DELETE", "PUT"])
async def test_the_page_can_only_be_read(client: httpx.AsyncClient, method: str) -> None:
    assert (await client.request(method, "/")).status_code == 405


async def test_answers_of_the_api_are_never_stored(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/pm/list")).headers.get_list("cache-control") == ["no-store"]


async def test_another_origin_does_not_get_the_page(bare: httpx.AsyncClient) -> None:
    own = f"http://{bare.base_url.host}:{bare.base_url.port}"
    assert (await bare.get("/", headers={"Origin": own})).status_code == 200
    for origin in ("http://evil.example", f"http://{bare.base_url.host}:1", "null"):
        assert (await bare.get("/", headers={"Origin": origin})).status_code == 403


def test_it_can_be_turned_off(control: FakeControl) -> None:
    api = Api(control, has_web=False)
    assert api.open_paths == {b"/api/health"}


def test_the_page_is_small() -> None:
    files = [path for path in WEB_DIRECTORY.iterdir() if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 150_000
    files = [path for path in files if path.name != "pocketbase.js"]  # loaded instead of site.js, not with it
    assert sum(len(path.read_text().splitlines()) for path in files) < 1_500

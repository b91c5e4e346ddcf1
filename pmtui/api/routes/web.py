"""The page for browsers: static files that need no token. Everything they show is asked of the API, which does."""

from functools import partial
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pmtui.control import NotFoundError

WEB_DIRECTORY = Path(__file__).parents[2] / "web"
INDEX = "index.html"
MEDIA_TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


def web_routes() -> list[Route]:
    """The index at `/`, and one route per file it loads: no path of a request is ever joined to a directory."""
    files = [path for path in WEB_DIRECTORY.iterdir() if path.suffix in MEDIA_TYPES and path.name != INDEX]
    index = Route("/", partial(web_file, WEB_DIRECTORY / INDEX))
    return [index, *(Route(f"/web/{path.name}", partial(web_file, path)) for path in files)]


async def no_web(request: Request) -> Response:
    raise NotFoundError("This manager serves no web page; start it without --no-web (or with web = true).")


async def web_file(path: Path, request: Request) -> Response:
    return _file_response(path, request.headers.get("if-none-match"))


def _file_response(path: Path, known_tag: str | None) -> Response:
    status = path.stat()
    headers = {**HEADERS, "ETag": f'"{status.st_mtime_ns:x}-{status.st_size:x}"'}
    if known_tag == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    return Response(path.read_bytes(), headers=headers, media_type=MEDIA_TYPES[path.suffix])

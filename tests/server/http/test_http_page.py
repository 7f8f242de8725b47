"""The page and its files."""

from pathlib import Path

import pytest

from server.http.page import MEDIA_TYPES
from server.page import page_folder
from server.settings import Settings
from tests.fixtures.api import ApiStage, running_api

FILES = sorted(path.name for path in page_folder().iterdir() if path.suffix in MEDIA_TYPES)


async def test_the_page_is_at_the_root(api: ApiStage) -> None:
    page = await api.ask("GET", "/")
    assert page.status == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.body == (page_folder() / "index.html").read_bytes()


async def test_every_file_of_it_is_served_as_what_it_is(api: ApiStage) -> None:
    assert "app.js" in FILES
    kinds = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}
    for name in FILES:
        served = await api.ask("GET", f"/page/{name}")
        assert served.status == 200, name
        assert served.body == (page_folder() / name).read_bytes()
        kind = kinds.get(name.rpartition(".")[2], "")
        assert served.headers["content-type"].startswith(kind)
        assert served.headers["X-Content-Type-Options"] == "nosniff"


async def test_the_page_may_load_from_its_own_origin_alone(api: ApiStage) -> None:
    policy = (await api.ask("GET", "/")).headers["Content-Security-Policy"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "connect-src": "'self'",
        "font-src": "'self'",
        "manifest-src": "'self'",
        "frame-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'self'",
    }


async def test_what_a_browser_has_is_not_sent_again(api: ApiStage) -> None:
    for path in ("/", "/page/app.js", "/v1/openapi.json"):
        first = await api.ask("GET", path)
        assert first.headers["Cache-Control"] == "no-cache"
        tag = first.headers["ETag"]
        for known in (tag, f"W/{tag}", f'"other", {tag}'):
            again = await api.ask("GET", path, If_None_Match=known)
            assert (again.status, again.body) == (304, b"")
            assert again.headers["ETag"] == tag
        assert (await api.ask("GET", path, If_None_Match='"other"')).status == 200


async def test_a_link_may_carry_a_query(api: ApiStage) -> None:
    assert (await api.ask("GET", "/?from=newsletter")).status == 200
    assert (await api.ask("GET", "/page/app.js?v=2")).status == 200


async def test_only_files_of_the_folder_itself_are_served(tmp_path: Path) -> None:
    folder = tmp_path / "page"
    (folder / "test").mkdir(parents=True)
    (tmp_path / "secret.js").write_text("secret")
    (folder / "test" / "inner.js").write_text("inner")
    (folder / "notes.md").write_text("notes")
    (folder / "docs.html").write_text("docs")
    async with running_api(tmp_path / "data", page_folder=folder) as api:
        for name in ("inner.js", "notes.md", "secret.js", "..%2fsecret.js", "test%2Finner.js"):
            assert (await api.ask("GET", f"/page/{name}")).status == 404, name
        assert (await api.ask("GET", "/")).status == 404
        assert (await api.ask("GET", "/v1/docs")).body == b"docs"


@pytest.mark.parametrize("path", ["/page/..%2F..%2Fpyproject.toml", "/page/%2e%2e", "/page/.git"])
async def test_no_path_leads_out_of_it(api: ApiStage, path: str) -> None:
    refused = await api.ask("GET", path)
    assert (refused.status, refused.code) == (404, "not_found")


async def test_pages_of_other_origins_are_not_let_into_http(tmp_path: Path) -> None:
    """As documented: being on the list of origins opens websockets, and those alone."""
    origin = "https://book.example.com"
    settings = Settings(data_dir=str(tmp_path), origins=(origin,))
    async with running_api(tmp_path, settings) as api:
        for method, path in (("GET", "/v1/me"), ("OPTIONS", "/v1/me"), ("GET", "/page/app.js")):
            reply = await api.ask(method, path, api.token("carla"), Origin=origin)
            assert "Access-Control-Allow-Origin" not in reply.headers, path


def test_the_sdk_asks_nothing_of_http() -> None:
    sdk = (page_folder() / "deskbell.js").read_text("utf-8")
    assert "new URL('/v1/ws'" in sdk
    for word in ("fetch(", "XMLHttpRequest", "EventSource", "sendBeacon"):
        assert word not in sdk

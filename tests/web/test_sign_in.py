from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.running import Running
from tests.web.conftest import Opening, go, token_of, watched_page


@pytest.fixture
def stranger(browser: Browser, house: Running) -> Iterator[Page]:
    """A page without a token."""
    page, problems = watched_page(browser, house.url)
    page.goto(house.url)
    yield page
    assert problems == []
    page.context.close()


def test_the_token_leaves_the_address_and_is_kept_for_the_tab(house: Running, visit: Opening) -> None:
    page = visit(house)
    expect(page).to_have_url(f"{house.url}/")
    assert page.evaluate("sessionStorage.getItem('pmtui-token')") == token_of(house)
    assert page.evaluate("[localStorage.length, document.cookie]") == [0, ""]
    page.reload()
    expect(page.locator("tbody th a")).to_have_count(6)
    page.go_back()
    assert "token" not in page.url


def test_the_token_is_sent_in_the_header_only(house: Running, browser: Browser) -> None:
    page, _ = watched_page(browser, house.url)
    urls: list[str] = []
    page.on("request", lambda request: urls.append(request.url))
    page.goto(f"{house.url}/#token={token_of(house)}")
    page.locator("tbody tr").first.wait_for()
    page.locator("tbody a").first.click()
    page.locator(".tabs").wait_for()
    assert not [url for url in urls if token_of(house) in url.partition("#")[0]]
    page.context.close()


def test_without_a_token_it_asks(house: Running, stranger: Page) -> None:
    expect(stranger.get_by_role("heading", name="Sign in")).to_be_visible()
    stranger.get_by_label("Token").fill(f" {token_of(house)} ")
    stranger.get_by_role("button", name="Sign in").click()
    expect(stranger.locator("tbody th a")).to_have_count(6)


def test_a_wrong_token_is_forgotten_and_not_tried_again(stranger: Page) -> None:
    asked: list[str] = []
    stranger.on("request", lambda request: asked.append(request.url))
    stranger.get_by_label("Token").fill("wrong")
    stranger.get_by_role("button", name="Sign in").click()
    expect(stranger.get_by_role("alert").filter(has_text="not accepted")).to_be_visible()
    expect(stranger.get_by_label("Token")).to_be_focused()
    assert stranger.evaluate("sessionStorage.getItem('pmtui-token')") == ""
    count = len(asked)
    stranger.wait_for_timeout(1500)
    assert len(asked) == count


def test_another_token_of_the_manager_signs_out(own: Running, visit: Opening) -> None:
    page = visit(own)
    page.evaluate("sessionStorage.setItem('pmtui-token', 'old')")
    page.reload()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_broken_address_is_no_harm(house: Running, visit: Opening) -> None:
    page = visit(house, "#/p/%E0%A4%A")
    expect(page.locator(".why")).to_contain_text("There is no process")
    go(page, "#/nowhere/at/all")
    expect(page.locator("tbody th a")).to_have_count(6)

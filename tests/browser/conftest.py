"""A real server in a process of its own, and real browsers that show its page."""

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.business import Business
from tests.browser.stage import Desk, Errors, One, Open, Server, Shoot

ARGUMENTS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE_MS: Final = 10_000

expect.set_options(timeout=PATIENCE_MS)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """At a desk without chromium, or without node, the tests that need it are left out, aloud."""
    if os.environ.get("CI") or config.getoption("collectonly"):
        return
    here = [item for item in items if Path(__file__).parent in item.path.parents]
    for program in ("chromium", "node"):
        lost = [item for item in here if _needs(item) == program]
        if not lost or _found(program):
            continue
        config.hook.pytest_deselected(items=lost)
        items[:] = [item for item in items if item not in lost]
        print(f"deskbell: no {program}, so {len(lost)} tests of the page are left out")


def _needs(item: pytest.Item) -> str:
    return "chromium" if item.get_closest_marker("browser") else "node"


def _found(program: str) -> bool:
    chosen = os.environ.get("DESKBELL_CHROMIUM") if program == "chromium" else None
    return bool(chosen or shutil.which(program))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A demo of its own for each file of tests."""
    running = Server(tmp_path_factory.mktemp("demo") / "data")
    running.start()
    yield running
    running.stop()


@pytest.fixture
def business(server: Server, request: pytest.FixtureRequest) -> Business:
    """One with an owner, a manager, somebody of the staff and a customer."""
    business = Business(server, request.node.name[-64:])
    roles = {"olivia": "owner", "mia": "manager", "sam": "staff", "carla": "customer"}
    for person, role in roles.items():
        business.person(person, role)
    return business


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=[*ARGUMENTS])
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Browser, server: Server) -> Iterator[Open]:
    """Opens a page in a browser profile of its own; at the end none may have complained."""
    errors = Errors()
    with ExitStack() as contexts:

        def open_page(fragment: str = "", *, path: str = "/", **options: Any) -> Page:
            options.setdefault("viewport", {"width": 1280, "height": 800})
            context = browser.new_context(reduced_motion="reduce", **options)
            contexts.callback(context.close)
            page = context.new_page()
            page.set_default_timeout(PATIENCE_MS)
            page.on("console", errors.heard)
            page.on("pageerror", lambda error: errors.append(str(error)))
            page.goto(f"{server.url}{path}{fragment}")
            return page

        yield open_page
    assert errors == []


@pytest.fixture
def shoot(artefacts: Path) -> Shoot:
    """Keeps a picture of a page among the artefacts."""
    folder = Path(os.environ.get("DESKBELL_ARTIFACTS") or artefacts) / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)

    def shoot(page: Page, name: str) -> None:
        page.screenshot(path=folder / f"{name}.png")

    return shoot


@pytest.fixture
def one(open_page: Open) -> One:
    """One person on a page of their own, in the demo's conversation."""

    def one(person: str, **options: Any) -> Desk:
        page = open_page(f"#person={person}", **options)
        desk = Desk(page.locator(".desk"))
        desk.list.get_by_role("button").first.click()
        expect(desk.text).to_be_visible()
        return desk

    return one


@pytest.fixture
def three(open_page: Open) -> tuple[Page, dict[str, Desk]]:
    """The demo's three people side by side, each in the conversation."""
    page = open_page("", viewport={"width": 1440, "height": 900})
    desks = {
        person: Desk(page.locator(f"[data-person={person}]"))
        for person in ("olivia", "sam", "carla")
    }
    for desk in desks.values():
        expect(desk.text).to_be_visible()
    return page, desks

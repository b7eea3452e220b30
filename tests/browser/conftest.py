"""A site of its own for the browser: served in a thread, on a clone of the test database, as the application role."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.db import connections
from django.test.testcases import LiveServerThread
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.story import Story, tell

CHROMIUM = Path("/usr/bin/chromium")


@pytest.fixture(scope="package")
def database(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """What happens in the browser is committed, and gone with the clone.

    The clone is made before Playwright starts its event loop: within one, Django opens connections of its own.
    """
    if not CHROMIUM.exists():
        pytest.skip("The browser tests need Chromium: apt-get install chromium")
    owner, application = connections["owner"], connections["default"]
    with django_db_blocker.unblock():
        name = application.settings_dict["NAME"]
        connections.close_all()
        owner.creation.clone_test_db("browser", verbosity=0)
        application.settings_dict["NAME"] = owner.creation.get_test_db_clone_settings("browser")["NAME"]
        yield
        connections.close_all()
        application.settings_dict["NAME"] = name
        owner.creation.destroy_test_db(suffix="browser", verbosity=0)


@pytest.fixture(scope="package")
def story(database: None) -> Story:
    return tell()


@pytest.fixture(scope="package")
def site(story: Story) -> Iterator[str]:
    """The address of the site."""
    server = LiveServerThread("127.0.0.1", StaticFilesHandler)
    server.daemon = True
    server.start()
    server.is_ready.wait()
    yield f"http://127.0.0.1:{server.port}"
    server.terminate()


@pytest.fixture(scope="package")
def browser(site: str) -> Iterator[Browser]:
    # Playwright keeps an event loop in this thread, where the tests look into the database too.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield browser
        browser.close()
        connections.close_all()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def signed_in(browser: Browser, site: str) -> Iterator[Callable[..., Page]]:
    """`signed_in("nora", width=390, height=844)`: the first page, for somebody who signed in by the form."""
    contexts = []

    def sign_in(username: str, *, width: int = 1280, height: int = 800) -> Page:
        context = browser.new_context(viewport={"width": width, "height": height}, base_url=site)
        contexts.append(context)
        page = context.new_page()
        page.goto("/admin/")
        page.fill("#id_username", username)
        page.fill("#id_password", "correct-horse-battery")
        page.press("#id_password", "Enter")
        page.wait_for_url("**/admin/")
        return page

    yield sign_in
    for context in contexts:
        context.close()

"""Every page opens for those it is for, without an error in the browser.

`SCREENSHOTS=folder pytest tests/browser/test_pages.py` keeps a picture of each, on a desktop and on a phone.
"""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, ViewportSize

from memories.choices import Category
from memories.models import Conversation, ExtractionRun, Memory, ReviewTask
from tests.browser.story import Story
from tests.conftest import directing

pytestmark = pytest.mark.browser

SIZES = {"desktop": ViewportSize(width=1280, height=800), "phone": ViewportSize(width=390, height=844)}


def pages_for_the_nurse(story: Story) -> dict[str, str]:
    with directing():
        task = ReviewTask.objects.open().for_patient(story.mrs_hale).by_urgency()[0]
        conflict = ReviewTask.objects.open().for_patient(story.mrs_hale).filter(kind="conflict")[0]
        allergy = Memory.objects.for_patient(story.mrs_hale).filter(category=Category.ALLERGY)[0]
        conversation = Conversation.objects.for_patient(story.mrs_hale).order_by("said_at")[0]
        failed = ExtractionRun.objects.filter(state="failed").get()
    return {
        "home": "",
        "queue": "memories/reviewtask/",
        "task": f"memories/reviewtask/{task.pk}/change/",
        "conflict": f"memories/reviewtask/{conflict.pk}/change/",
        "patients": "patients/patient/",
        "patient": f"patients/patient/{story.mrs_hale.pk}/overview/",
        "visit": f"patients/patient/{story.mrs_hale.pk}/visit/",
        "timeline": f"patients/patient/{story.mrs_hale.pk}/timeline/",
        "reconciliation": f"patients/patient/{story.mrs_hale.pk}/reconciliation/",
        "export": f"patients/patient/{story.mrs_hale.pk}/export/",
        "print": f"patients/patient/{story.mrs_hale.pk}/print/",
        "patient-edit": f"patients/patient/{story.mrs_hale.pk}/change/",
        "patient-add": "patients/patient/add/",
        "patient-history": f"patients/patient/{story.mrs_hale.pk}/history/",
        "conversations": "memories/conversation/",
        "conversation": f"memories/conversation/{conversation.pk}/change/",
        "conversation-failed": f"memories/conversation/{failed.conversation_id}/change/",
        "note": f"memories/conversation/add/?patient={story.mrs_hale.pk}",
        "memories": "memories/memory/",
        "memory": f"memories/memory/{allergy.pk}/change/",
        "memory-history": f"memories/memory/{allergy.pk}/history/",
        "runs": "memories/extractionrun/",
        "run": f"memories/extractionrun/{failed.pk}/change/",
        "access-log": "audit/accesslog/",
        "assignments": "patients/careassignment/",
    }


PAGES: dict[str, Callable[[Story], dict[str, str]]] = {
    "nora": pages_for_the_nurse,
    "carl": lambda story: {
        "home": "",
        "patient": f"patients/patient/{story.mrs_hale.pk}/overview/",
        "visit": f"patients/patient/{story.mrs_hale.pk}/visit/",
        "memories": "memories/memory/",
        "note": "memories/conversation/add/",
    },
    "uma": lambda story: {"home": "", "queue": "memories/reviewtask/", "note": "memories/conversation/add/"},
    "paula": lambda story: {"home": "", "log": "audit/accesslog/", "changes": "auditlog/logentry/"},
    "adam": lambda story: {
        "home": "",
        "people": "patients/user/",
        "person": f"patients/user/{story.nora.pk}/change/",
        "person-add": "patients/user/add/",
        "password": f"patients/user/{story.nora.pk}/password/",
        "person-history": f"patients/user/{story.nora.pk}/history/",
        "assignments": "patients/careassignment/",
        "assignment-add": "patients/careassignment/add/",
        "keys": "patients/accesskey/",
        "key-add": "patients/accesskey/add/",
    },
}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("who", PAGES)
def test_every_page_opens(who: str, size: str, story: Story, signed_in: Callable) -> None:
    page = signed_in(who, **SIZES[size])
    errors: list[str] = []
    barriers: dict[str, list[str]] = {}
    page.on("pageerror", lambda error: errors.append(f"{page.url}: {error}"))
    for name, path in PAGES[who](story).items():
        answer = page.goto(f"/admin/{path}")
        assert answer.status == 200, f"{path} answered {answer.status}"
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth + 1"), f"{path} is too wide"
        assert "Hale" not in page.title()
        barriers[name] = barriers_on(page)
        keep(page, f"{who}-{name}-{size}")
    assert errors == []
    assert {name: found for name, found in barriers.items() if found} == {}


@pytest.mark.parametrize("size", SIZES)
def test_pages_on_the_way_say_where_one_is(size: str, story: Story, signed_in: Callable, browser: Browser) -> None:
    stranger = browser.new_context(viewport=SIZES[size]).new_page()
    page = signed_in("nora", **SIZES[size])
    stranger.goto(page.url)
    assert "Homecare Memory" in stranger.inner_text("body")
    keep(stranger, f"login-{size}")
    assert page.goto("/admin/patients/patient/nobody/change/").status == 404
    assert "Not here, or not in your care" in page.inner_text("body")
    keep(page, f"refused-{size}")
    page.goto("/admin/memories/reviewtask/")
    for box in page.locator("input[name=_selected_action]").all():
        box.check()
    page.locator("select[name=action]").select_option("confirm_selected")
    keep(page, f"nora-queue-selected-{size}")
    page.locator("button[name=index]").click()
    page.get_by_role("heading", name="Confirm these facts?").wait_for()
    keep(page, f"nora-bulk-{size}")
    page.goto("/admin/")
    page.get_by_role("link", name="Start with the most urgent").click()
    page.get_by_label("True, with a correction").check()
    keep(page, f"nora-correct-{size}")
    stranger.context.close()


def barriers_on(page: Page) -> list[str]:
    """What of WCAG 2.1, levels A and AA, this page breaks, as axe-core finds it: each rule with the places."""
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}).response["violations"]
    return [f"{rule['id']}: {[node['target'] for node in rule['nodes'][:3]]}" for rule in found]


def keep(page: Page, name: str) -> None:
    if folder := os.environ.get("SCREENSHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)

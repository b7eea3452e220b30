"""A nurse's morning: second factor, ten reviews by single keys, a conflict settled, an emergency, and out again."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice
from playwright.sync_api import Browser, Page

from audit.models import AccessLog, Event
from memories.choices import VerificationStatus
from memories.models import Memory, ReviewTask
from patients.models import CareAssignment, EmergencyAccess, Patient, User
from patients.roles import Role
from tests.conftest import directing, person
from tests.memories.talk import hear

pytestmark = pytest.mark.browser

DRUGS = ("lisinopril", "metformin", "omeprazole", "furosemide", "sertraline", "gabapentin", "prednisone", "digoxin")


@pytest.fixture
def signed_in_twice(browser: Browser, site: str, mona: User, settings: Any) -> Iterator[Page]:
    """The first page of Mona, who gave her password and the code of her app."""
    settings.SECOND_FACTOR = True
    with directing():
        device = TOTPDevice.objects.create(user=mona, name="Authenticator app")
    context = browser.new_context(base_url=site)
    page = context.new_page()
    page.goto("/admin/")
    page.fill("#id_username", "mona")
    page.fill("#id_password", "correct-horse-battery")
    page.press("#id_password", "Enter")
    page.get_by_label("Code").fill(f"{totp(device.bin_key):06}")
    page.keyboard.press("Enter")
    page.wait_for_url("**/admin/")
    yield page
    context.close()


@pytest.fixture(scope="module")
def mona(story: object) -> User:
    """A nurse with one patient: eight medications and two allergies were said, one of them denied since."""
    with directing():
        mona = person("mona", Role.CLINICIAN)
        patient = Patient.objects.create(external_id="reed-3", given_name="Ida", family_name="Reed")
        CareAssignment.objects.create(user=mona, patient=patient, role=Role.CLINICIAN)
        Patient.objects.create(external_id="quill-8", given_name="Olga", family_name="Quill")
    said = [f"Patient: I take {drug} 10 mg every morning." for drug in DRUGS]
    hear(patient, mona, *said, "Patient: I'm allergic to latex.", "Patient: I'm allergic to codeine.")
    hear(patient, mona, "Nurse: Are you allergic to codeine?", "Patient: No, I'm not allergic to codeine.")
    return mona


def open_questions(mona: User) -> int:
    with directing():
        return ReviewTask.objects.open().filter(patient__care_assignments__user=mona).count()


def decide_by_keys(page: Page, *keys: str) -> None:
    """Press these keys on the open question, and wait until it is decided."""
    address = page.url
    page.locator(".wp-keys").wait_for()
    for key in keys:
        page.keyboard.press(key)
    page.wait_for_url(lambda url: url != address)


def test_a_morning_by_keyboard_alone(signed_in_twice: Page, mona: User) -> None:
    page = signed_in_twice
    page.get_by_role("link", name="Start with the most urgent").press("Enter")
    decided = 0
    while (before := open_questions(mona)) and decided < 20:
        is_denied = page.get_by_text("Denied 1 time").count()
        # What was denied is refuted; the rest is confirmed. Each with the first of the reasons offered.
        decide_by_keys(page, "n" if is_denied else "c", "1", "Enter")
        decided += before - open_questions(mona)
    assert decided >= 10

    with directing():
        critical = Memory.objects.critical().filter(patient__care_assignments__user=mona)
        status = {memory.about.lower(): memory for memory in critical}
        assert status.pop("codeine").verification_status == VerificationStatus.REFUTED
        assert {memory.verification_status for memory in status.values()} == {VerificationStatus.CONFIRMED}
        assert {memory.verification_reason for memory in status.values()} == {"Asked the patient"}
        entries = AccessLog.objects.filter(actor_label="mona", event__in=(Event.CONFIRM, Event.REFUTE))
        assert entries.count() == len(DRUGS) + 2

    page.goto("/admin/")
    assert page.get_by_text("No question waits for you").is_visible()

    page.goto("/admin/patients/emergencyaccess/add/")
    page.get_by_label("Patient's id").fill("quill-8")
    page.get_by_label("What is the emergency?").fill("Found on the floor, her own nurse cannot be reached.")
    page.get_by_role("button", name="Take emergency access").press("Enter")
    page.get_by_role("heading", name="Allergies").wait_for()
    assert page.get_by_text("Olga Quill").first.is_visible()
    with directing():
        access = EmergencyAccess.objects.get(user=mona)
        assert access.patient.external_id == "quill-8"
        assert access.reviewed_at is None

    with page.expect_navigation():
        page.locator("#logout-form").evaluate("form => form.requestSubmit()")
    page.goto("/admin/")
    page.locator("#id_username").wait_for()


def test_keys_can_be_turned_off_and_typing_triggers_none(signed_in: Callable, story: object) -> None:
    page = signed_in("nora")
    page.get_by_role("link", name="Start with the most urgent").press("Enter")
    page.locator(".wp-keys").wait_for()
    page.keyboard.press("w")
    page.keyboard.type("can c and n be typed")
    assert page.locator("input[name=decision]:checked").count() == 0
    assert page.locator("textarea[name=reason]").input_value() == "can c and n be typed"
    page.keyboard.press("Escape")
    page.keyboard.press("c")
    assert page.locator("input[name=decision]:checked").get_attribute("value") == "confirm"
    page.get_by_role("button", name="Keys are on").click()
    page.reload()
    page.get_by_role("button", name="Keys are off").wait_for()
    page.locator("body").press("n")
    assert page.locator("input[value=refute]:checked").count() == 0
    page.get_by_role("button", name="Keys are off").click()

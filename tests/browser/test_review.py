"""A nurse's review, as she does it: by the page, and found again in the history and in the access log."""

from collections.abc import Callable

import pytest

from audit.models import AccessLog, Event
from memories.choices import VerificationStatus
from memories.models import Memory
from patients.models import CareAssignment, Patient
from patients.roles import Role
from tests.browser.story import Story
from tests.conftest import directing
from tests.memories.talk import hear

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def mr_bell(story: Story) -> Patient:
    """In the care of Uma alone."""
    with directing():
        patient = Patient.objects.create(external_id="bell-7", given_name="Arthur", family_name="Bell")
        CareAssignment.objects.create(user=story.uma, patient=patient, role=Role.CLINICIAN)
    hear(
        patient,
        story.uma,
        "Nurse: Are you allergic to anything?",
        "Patient: Codeine, it gives me an awful rash.",
        "Nurse: And your tablets?",
        "Patient: I take lisinopril 10 mg every morning.",
    )
    return patient


def test_nurse_confirms_an_allergy_and_corrects_a_medication(
    signed_in: Callable, story: Story, mr_bell: Patient
) -> None:
    page = signed_in("uma")
    page.get_by_role("link", name="Start with the most urgent").click()

    page.get_by_role("heading", name="Is this true?").wait_for()
    assert page.locator("mark").first.inner_text().startswith("Codeine")
    page.get_by_label("True as it stands").check()
    page.get_by_label("Asked the patient").check()
    page.get_by_role("button", name="Record and go to the next").click()

    page.get_by_text("Decided, and on record.").wait_for()
    page.get_by_label("True, with a correction").check()
    page.get_by_label("Dose").fill("20 mg")
    page.get_by_label("Read it on the package").check()
    page.get_by_role("button", name="Record").click()
    page.get_by_text("Decided, and on record.").wait_for()

    with directing():
        live = {memory.category: memory for memory in Memory.objects.live().with_details().for_patient(mr_bell)}
        allergy, medication = live["allergy"], live["medication"]
        assert allergy.verification_status == medication.verification_status == VerificationStatus.CONFIRMED
        assert medication.medication.dose == "20 mg"

    page.goto(f"/admin/memories/memory/{allergy.pk}/history/")
    confirmed = page.locator("li", has_text="Confirmed by uma")
    assert "Asked the patient" in confirmed.first.inner_text()

    page.goto(f"/admin/memories/memory/{medication.pk}/history/")
    corrected = page.locator("li", has_text="Corrected by uma").first
    assert corrected.locator("del").inner_text() == "10 mg"
    assert corrected.locator("ins").inner_text() == "20 mg"
    assert "Reason: Read it on the package" in corrected.inner_text()

    page.goto(f"/admin/audit/accesslog/?patient_id__exact={mr_bell.pk}")
    shown = page.locator("#result_list").inner_text()
    assert "Confirm" in shown
    assert "Correct" in shown
    with directing():
        events = list(
            AccessLog.objects.for_patient(mr_bell.pk).filter(actor_label="uma").values_list("event", flat=True)
        )
    assert {Event.READ, Event.CONFIRM, Event.CORRECT, Event.HISTORY} <= set(events)


def test_decision_without_a_reason_is_asked_for_one_and_stores_nothing(signed_in: Callable, story: Story) -> None:
    page = signed_in("nora", width=390, height=844)
    page.get_by_role("link", name="Start with the most urgent").click()
    page.get_by_label("Not true").check()
    page.get_by_role("button", name="Record and go to the next").click()
    page.get_by_text("Say why: choose a reason or write one.").wait_for()
    with directing():
        assert not Memory.objects.for_patient(story.mrs_hale).exclude(verification_status="unconfirmed").exists()


def test_review_by_keyboard_alone(signed_in: Callable, story: Story) -> None:
    page = signed_in("nora")
    page.goto("/admin/memories/reviewtask/")
    page.locator("#result_list tbody a").first.focus()
    page.keyboard.press("Enter")
    page.get_by_text("What do you decide?").wait_for()
    page.locator("input[name=decision]").first.focus()
    page.keyboard.press("ArrowDown")
    assert page.locator("input[name=decision]:checked").get_attribute("value") == "correct"
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    assert page.locator("input[name=reason_confirm]:checked").count() == 1
    assert page.get_by_role("button", name="Record and go to the next").is_visible()


def test_somebody_else_decided_meanwhile_and_the_page_says_so(signed_in: Callable, story: Story) -> None:
    first, second = signed_in("nora"), signed_in("nora")
    with directing():
        memory = Memory.objects.for_patient(story.mrs_hale).get(about__iexact="metformin")
    for page in (first, second):
        page.goto(f"/admin/memories/memory/{memory.pk}/change/")
    first.get_by_label("True as it stands").check()
    first.get_by_label("Asked the family").check()
    first.get_by_role("button", name="Record the decision").click()
    first.get_by_text("Decided, and on record.").wait_for()

    second.get_by_label("Not true").check()
    second.get_by_label("The patient denies it").check()
    second.get_by_role("button", name="Record the decision").click()
    second.get_by_text("This has changed since you opened it.").wait_for()
    assert second.get_by_text("Asked the family").first.is_visible()
    with directing():
        memory.refresh_from_db()
    assert memory.verification_status == VerificationStatus.CONFIRMED

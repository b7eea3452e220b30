"""Links on a memory's page: seen from both ends, set and removed with a reason, offered within one patient alone."""

from collections.abc import Callable

import pytest
from django.urls import reverse

from audit.actors import acting_as
from audit.models import AccessLog, Event
from memories import actions
from memories.links import link
from memories.models import LinkKind, Memory, MemoryLink
from patients.models import CareAssignment, Patient, User
from tests.conftest import actor_for, directing
from tests.memories.talk import hear


@pytest.fixture
def metformin(mrs_hale: Patient, nora: User) -> Memory:
    hear(mrs_hale, nora, "She takes metformin 500 mg twice a day.", "Patient has type 2 diabetes.", "She likes tea.")
    with directing():
        return Memory.objects.get(category="medication")


@pytest.fixture
def diabetes(metformin: Memory) -> Memory:
    with directing():
        return Memory.objects.get(about="type 2 diabetes")


def address(name: str, *args: object) -> str:
    return reverse(f"admin:memories_memory_{name}", args=args)


def links() -> list[MemoryLink]:
    with directing():
        return list(MemoryLink.objects.standing().with_ends())


def test_link_is_set_from_either_end_and_shown_on_both(
    browse: Callable, metformin: Memory, diabetes: Memory, nora: User
) -> None:
    client = browse(nora)
    said = {"relation": "backward:treats", "target": metformin.pk, "reason": "Her plan says so."}
    response = client.post(address("link", diabetes.pk), said, follow=True)
    assert "Linked, and on record." in response.content.decode()
    (joined,) = links()
    assert (joined.source, joined.kind, joined.target) == (metformin, "treats", diabetes)
    for memory, words in ((metformin, "Treats"), (diabetes, "Treated by")):
        page = " ".join(client.get(address("change", memory.pk)).content.decode().split())
        assert f"{words} <a href=" in page
        assert "Her plan says so." in page
    with directing():
        read = AccessLog.objects.filter(event=Event.READ, resource="memories.memory").latest("recorded_at")
        assert str(metformin.pk) in read.object_ids


def test_link_is_removed_with_a_reason_and_not_without(
    browse: Callable, metformin: Memory, diabetes: Memory, nora: User
) -> None:
    with acting_as(actor_for(nora)):
        joined = link(metformin, diabetes, kind=LinkKind.TREATS, by=nora, reason="Her plan.")
    client, where = browse(nora), address("unlink", diabetes.pk, joined.pk)
    assert "Say why" in client.post(where, {"reason": " "}, follow=True).content.decode()
    assert len(links()) == 1
    client.post(where, {"reason": "It is for her cysts."})
    assert links() == []
    assert "removed already" in client.post(where, {"reason": "Again."}, follow=True).content.decode()


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"reason": ""}, "Say why"),
        ({"target": ""}, "Choose the other memory"),
        ({"target": "x"}, "Choose one of them"),
        ({"relation": "likes"}, "valid choice"),
    ],
)
def test_link_refuses_in_a_sentence_what_it_cannot_keep(
    change: dict, complaint: str, browse: Callable, metformin: Memory, diabetes: Memory, nora: User
) -> None:
    said = {"relation": "treats", "target": diabetes.pk, "reason": "So.", **change}
    assert complaint in browse(nora).post(address("link", metformin.pk), said, follow=True).content.decode()
    assert links() == []


def test_only_live_memories_of_the_same_patient_are_offered_and_taken(
    browse: Callable, metformin: Memory, diabetes: Memory, mr_stone: Patient, nora: User
) -> None:
    with directing():
        CareAssignment.objects.create(user=nora, patient=mr_stone, role="Clinician")
    hear(mr_stone, nora, "He likes tea with diabetes biscuits.")
    with acting_as(actor_for(nora)):
        his = Memory.objects.filter(patient=mr_stone).latest("recorded_at")
        actions.delete(Memory.objects.get(patient=metformin.patient, content__contains="tea"), by=nora, reason="No.")
    client = browse(nora)
    told = {words: client.post(address("linkable", metformin.pk), {"words": words}).json() for words in ("DIAB", "tea")}
    assert [one["id"] for one in told["DIAB"]["offered"]] == [str(diabetes.pk)]
    assert told["tea"]["offered"] == []
    page = client.post(
        address("link", metformin.pk), {"relation": "treats", "target": his.pk, "reason": "x"}, follow=True
    )
    assert "cannot be linked" in page.content.decode()
    assert links() == []
    with directing():
        asked = AccessLog.objects.filter(event=Event.SEARCH).order_by("recorded_at").first()
        assert asked is not None
        assert (asked.query, asked.object_ids) == ("DIAB", [str(diabetes.pk)])


def test_caregiver_sees_links_and_sets_none(
    browse: Callable, metformin: Memory, diabetes: Memory, nora: User, carl: User
) -> None:
    with acting_as(actor_for(nora)):
        joined = link(metformin, diabetes, kind=LinkKind.TREATS, by=nora, reason="Her plan.")
    client = browse(carl)
    page = client.get(address("change", metformin.pk)).content.decode()
    assert "Her plan." in page
    assert "Link it to another memory" not in page
    assert "Remove this link" not in page
    for where in (
        address("link", metformin.pk),
        address("linkable", metformin.pk),
        address("unlink", diabetes.pk, joined.pk),
    ):
        assert client.post(where, {"reason": "x"}).status_code == 403
    assert len(links()) == 1


def test_memory_of_an_unseen_patient_is_unknown(browse: Callable, mr_stone: Patient, nora: User, adam: User) -> None:
    with directing():
        visit = CareAssignment.objects.create(user=nora, patient=mr_stone, role="Clinician")
    hear(mr_stone, nora, "He likes tea.")
    with directing():
        his = Memory.objects.get()
        visit.delete()
    client = browse(nora)
    assert [client.post(address(name, his.pk)).status_code for name in ("link", "linkable")] == [404, 404]
    assert client.get(address("linkable", his.pk)).status_code == 404

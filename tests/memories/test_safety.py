"""The invariants of clinical safety, each by its number. A test here fails when the rule that upholds it is gone."""

import json
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.db.utils import DatabaseError, IntegrityError
from django.utils import timezone

from audit.actors import acting_as
from memories import actions
from memories.choices import AllergyAssertion, MedicationStatus, VerificationStatus
from memories.comparisons import findings_for
from memories.context import build_context
from memories.interactions import Level, Verdict, check_allergy
from memories.models import Memory, MemoryIndex, Mention, ReviewTask, TaskKind, Turn
from memories.models.memory import Stance
from memories.search import search
from memories.summary import summarise
from patients.models import CareAssignment, KnownAllergies, Patient, User
from patients.roles import Role
from tests.conftest import ApiClient, actor_for, directing, person, token_for
from tests.memories.talk import MONDAY, hear

TUESDAY = MONDAY + timedelta(days=1)


@pytest.fixture
def as_nora(nora: User, mrs_hale: Patient) -> Iterator[User]:
    with acting_as(actor_for(nora)):
        yield nora


def allergy() -> Memory:
    return Memory.objects.with_details().get(category="allergy")


def test_safety_01_every_fact_has_its_words_and_their_place(mrs_hale: Patient, carl: User) -> None:
    run = hear(mrs_hale, carl, "Nurse: Any allergies?", "Patient: Penicillin. It gave me hives.")
    with directing():
        mention = allergy().mentions.select_related("turn", "run").get()
        assert mention.turn.text[mention.start : mention.end] == mention.quote
        assert (mention.speaker, mention.run, mention.run.extractor) == ("Patient", run, "local")
        assert mention.run.extractor_version
        wrong = {"memory": mention.memory, "turn": mention.turn, "patient": mrs_hale, "start": 0, "end": 4}
        with pytest.raises(IntegrityError, match="word by word"), transaction.atomic():
            Mention.objects.create(**wrong, quote="Peni-")
    hear(mrs_hale, carl, "Patient is allergic to penicillin.", said_at=TUESDAY)
    with directing():
        assert allergy().mentions.count() == 2


def test_safety_02_extracted_facts_start_unconfirmed_and_only_staff_confirm(
    mrs_hale: Patient, carl: User, nora: User
) -> None:
    hear(mrs_hale, nora, "Patient is allergic to penicillin.", "Patient has asthma.", "Patient prefers mornings.")
    with directing():
        assert set(Memory.objects.values_list("verification_status", flat=True)) == {VerificationStatus.UNCONFIRMED}
    forged = "verification_status = 'confirmed', verified_by_id = %s, verified_at = now(), verification_reason = 'x'"
    for actor, name in ((actor_for(carl), carl), (actor_for(carl), nora)):
        with pytest.raises(DatabaseError), acting_as(actor), connection.cursor() as cursor:
            cursor.execute(f"UPDATE memories_memory SET {forged}", [name.pk])
    with pytest.raises(DatabaseError), directing(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE memories_memory SET {forged}", [nora.pk])


@pytest.mark.parametrize("missing", ["verified_by_id = NULL", "verified_at = NULL", "verification_reason = ''"])
def test_safety_03_a_decision_needs_user_time_and_reason(missing: str, mrs_hale: Patient, nora: User) -> None:
    hear(mrs_hale, nora, "Patient is allergic to penicillin.")
    with acting_as(actor_for(nora)):
        actions.confirm(allergy(), by=nora, reason="Seen on her bracelet.")
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"UPDATE memories_memory SET {missing}")
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("UPDATE memories_memory SET verification_status = 'unconfirmed'")
        actions.refute(allergy(), by=nora, reason="It was her sister.")
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("UPDATE memories_memory SET verification_status = 'confirmed'")


def test_safety_04_nothing_but_a_person_retires_an_allergy(mrs_hale: Patient, nora: User) -> None:
    hear(mrs_hale, nora, "Patient is allergic to penicillin.", "Patient is allergic to penicillamine.")
    with directing():
        assert Memory.objects.live().filter(category="allergy").count() == 2, "alike is not the same"
    for change in ("deleted_at = now()", "clinical_status = 'inactive'", "expires_at = now()", "content = 'x'"):
        with pytest.raises(DatabaseError, match="only a person"), directing(), connection.cursor() as cursor:
            cursor.execute(f"UPDATE memories_memory SET {change}")


def test_safety_05_denial_of_a_recorded_allergy_is_a_conflict_and_both_stay(mrs_hale: Patient, nora: User) -> None:
    hear(mrs_hale, nora, "Patient is allergic to penicillin.")
    hear(mrs_hale, nora, "Patient: I'm not allergic to penicillin.", said_at=TUESDAY)
    with directing():
        assert allergy().is_live
        assert set(allergy().mentions.values_list("stance", flat=True)) == {Stance.STATES, Stance.DENIES}
        assert ReviewTask.objects.open().filter(kind=TaskKind.CONFLICT, memory=allergy()).exists()


def test_safety_06_refuted_stays_to_be_seen_and_reaches_no_recall(mrs_hale: Patient, nora: User) -> None:
    hear(mrs_hale, nora, "Patient is allergic to penicillin.")
    with acting_as(actor_for(nora)):
        actions.refute(allergy(), by=nora, reason="It was her sister.")
        refuted = allergy()
        assert (refuted.verification_reason, refuted.mentions.count()) == ("It was her sister.", 1)
        assert search(patient=mrs_hale, query="penicillin allergy", limit=10).hits == []
        assert summarise(mrs_hale).critical_items == []


def test_safety_07_unconfirmed_allergy_drives_alerts_and_is_labelled(mrs_hale: Patient, nora: User) -> None:
    hear(mrs_hale, nora, "Patient is allergic to penicillin.", "Patient takes amoxicillin 500 mg.")
    with directing():
        alert = ReviewTask.objects.open().get(kind=TaskKind.ALLERGY_DRUG)
        assert "unconfirmed" in alert.explanation


def test_safety_08_no_known_allergies_is_asserted_never_inferred(mrs_hale: Patient, nora: User) -> None:
    hear(mrs_hale, nora, "Patient prefers mornings.", "Nurse: Any allergies?", "Patient: Is it raining outside?")
    with directing():
        mrs_hale.refresh_from_db()
        assert mrs_hale.known_allergies_status == KnownAllergies.UNKNOWN
        assert not Memory.objects.filter(category="allergy").exists()
    hear(mrs_hale, nora, "Nurse: Do you have any allergies?", "Patient: No.", said_at=TUESDAY)
    with acting_as(actor_for(nora)):
        mrs_hale.refresh_from_db()
        assert mrs_hale.known_allergies_status == KnownAllergies.UNKNOWN, "said, and not yet asserted by staff"
        actions.confirm(allergy(), by=nora, reason="She told me.")
        mrs_hale.refresh_from_db()
        assert mrs_hale.known_allergies_status == KnownAllergies.NONE_KNOWN
        assert mrs_hale.known_allergies_asserted_by == nora
        assert mrs_hale.known_allergies_asserted_at is not None


def test_safety_09_no_drug_allergies_differs_from_no_allergies(mrs_hale: Patient, nora: User) -> None:
    hear(mrs_hale, nora, "Nurse: Any drug allergies?", "Patient: No.")
    hear(mrs_hale, nora, "Nurse: Do you have any allergies at all?", "Patient: No, none.", said_at=TUESDAY)
    hear(mrs_hale, nora, "Patient is allergic to peanuts.", said_at=TUESDAY)
    with acting_as(actor_for(nora)):
        none, no_drug = (
            Memory.objects.get(allergy__assertion=assertion)
            for assertion in (AllergyAssertion.NONE_KNOWN, AllergyAssertion.NO_DRUG_KNOWN)
        )
        with pytest.raises(actions.DecisionRefused, match="live allergies"):
            actions.confirm(none, by=nora, reason="She said so.")
        actions.confirm(no_drug, by=nora, reason="She said so.")
        mrs_hale.refresh_from_db()
        assert mrs_hale.known_allergies_status == KnownAllergies.NO_DRUG_KNOWN
    hear(mrs_hale, nora, "Patient is allergic to latex.", said_at=TUESDAY)
    with directing():
        mrs_hale.refresh_from_db()
        assert mrs_hale.known_allergies_status == KnownAllergies.NO_DRUG_KNOWN, "latex is no drug"
    hear(mrs_hale, nora, "Patient is allergic to codeine.", said_at=TUESDAY)
    with directing():
        mrs_hale.refresh_from_db()
        assert mrs_hale.known_allergies_status == KnownAllergies.UNKNOWN


def test_safety_10_failure_to_load_is_never_none_and_never_unknown(
    mrs_hale: Patient, nora: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    hear(mrs_hale, nora, "Patient is allergic to penicillin.")

    def fail(patient: Patient) -> None:
        raise DatabaseError

    monkeypatch.setattr("memories.context.critical_items", fail)
    with acting_as(actor_for(nora)):
        context = build_context(mrs_hale, query="What is she allergic to?")
    assert "could not be loaded" in context.text
    assert "no known" not in context.text.lower()
    assert "not known" not in context.text.lower()


@pytest.mark.parametrize(
    "words",
    [
        "Patient: My sister is allergic to penicillin.",
        "Patient: My mother takes warfarin.",
        "Patient: My husband can't have sulfa, he gets a rash.",
        "Caregiver: Her neighbour is allergic to latex.",
    ],
)
def test_safety_11_other_peoples_allergies_and_drugs_are_not_the_patients(
    words: str, mrs_hale: Patient, nora: User
) -> None:
    hear(mrs_hale, nora, words)
    with directing():
        assert not Memory.objects.critical().exists()


def test_safety_12_stopped_planned_and_denied_drugs_are_never_active(mrs_hale: Patient, nora: User) -> None:
    hear(
        mrs_hale,
        nora,
        "Patient: I stopped taking metformin in May.",
        "Doctor: I am going to start you on atorvastatin 20 mg next week.",
        "Patient: I don't take aspirin.",
    )
    with directing():
        statuses = dict(Memory.objects.filter(category="medication").values_list("about", "medication__status"))
        assert statuses["metformin"] == MedicationStatus.STOPPED
        assert statuses["atorvastatin"] == MedicationStatus.INTENDED
        assert statuses.get("aspirin") in (None, MedicationStatus.NOT_TAKEN)
        assert ReviewTask.objects.open().filter(memory__about="metformin").exists()


def test_safety_13_dose_is_kept_as_said_and_a_changed_one_is_asked_about(mrs_hale: Patient, nora: User) -> None:
    hear(mrs_hale, nora, "Patient: I take metoprolol, twenty five milligrams twice a day.")
    hear(mrs_hale, nora, "Patient: I take metoprolol fifty milligrams.", said_at=TUESDAY)
    with directing():
        first, second = (m.medication for m in Memory.objects.live().with_details().order_by("recorded_at"))
        assert (first.dose, first.frequency, first.route) == ("25 mg", "twice a day", "")
        assert (second.dose, second.frequency) == ("50 mg", "")
        task = ReviewTask.objects.open().get(kind=TaskKind.DOSE_CHANGE)
        assert task.get_severity_display() == "High"


def test_safety_14_misheard_name_shows_what_was_heard_and_asks(mrs_hale: Patient, nora: User) -> None:
    hear(mrs_hale, nora, "Patient: I take lisinipril 10 mg every day.")
    with directing():
        drug = Memory.objects.with_details().get().medication
        assert (drug.drug, drug.ingredient, drug.guess) == ("lisinipril", "", "lisinopril")
        assert ReviewTask.objects.open().filter(memory__medication=drug).exists()


@pytest.mark.parametrize(("allergen", "drug"), [("penicillin", "blorvastin"), ("glimmerol", "lisinopril"), ("", "")])
def test_safety_15_what_cannot_be_checked_reads_not_checked(allergen: str, drug: str) -> None:
    assert check_allergy(allergen, drug).verdict == Verdict.NOT_CHECKED


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_safety_16_check_runs_whichever_side_changes_and_shows_the_reaction(
    order: tuple[int, int], mrs_hale: Patient, nora: User
) -> None:
    lines = ("Patient: I'm allergic to penicillin, I get hives.", "Patient takes Augmentin 500 mg.")
    for at, line in enumerate(order):
        hear(mrs_hale, nora, lines[line], said_at=MONDAY + timedelta(days=at))
    with directing():
        alert = ReviewTask.objects.open().get(kind=TaskKind.ALLERGY_DRUG)
        assert alert.evidence["group"] == "penicillins", "at the level of the class"
        assert "hives" in alert.explanation


def test_safety_17_weak_evidence_informs_and_a_myth_never_alerts(mrs_hale: Patient, nora: User) -> None:
    hear(mrs_hale, nora, "Patient is allergic to sulfa.", "Patient takes furosemide 40 mg every morning.")
    with directing():
        assert not ReviewTask.objects.filter(kind=TaskKind.ALLERGY_DRUG).exists()
        medication = Memory.objects.with_details().get(category="medication")
        [(_, finding)] = findings_for(medication, list(Memory.objects.critical().with_details()))
        assert (finding.verdict, finding.level) == (Verdict.NOTE, Level.WEAK)
    assert check_allergy("shellfish", "iohexol").level == Level.MYTH
    assert check_allergy("shellfish", "iohexol").verdict == Verdict.NOTE


def test_safety_18_two_strengths_of_one_drug_can_both_be_right(mrs_hale: Patient, nora: User) -> None:
    hear(mrs_hale, nora, "Patient takes warfarin 5 mg on Mondays.", "Patient takes warfarin 3 mg on Tuesdays.")
    with acting_as(actor_for(nora)):
        both = list(Memory.objects.live())
        assert len(both) == 2
        for memory in both:
            actions.confirm(memory, by=nora, reason="Both on her list.")
        assert Memory.objects.live().count() == 2


def test_safety_19_summary_shows_status_and_age_and_no_refuted_item(mrs_hale: Patient, nora: User) -> None:
    hear(mrs_hale, nora, "Patient is allergic to penicillin.", "Patient is allergic to latex.")
    with acting_as(actor_for(nora)):
        actions.refute(Memory.objects.get(about="latex"), by=nora, reason="Gloves are fine.")
        [item] = summarise(mrs_hale).critical_items
        assert (item.about, item.verification_status, item.last_said_at) == ("penicillin", "unconfirmed", MONDAY)


def test_safety_20_critical_items_reach_every_context_whatever_the_budget(mrs_hale: Patient, nora: User) -> None:
    hear(mrs_hale, nora, "Patient is allergic to penicillin.", "Patient takes warfarin 5 mg.", "She likes tea.")
    with acting_as(actor_for(nora)):
        context = build_context(mrs_hale, query="What does she like to drink?", token_budget=1)
    assert "penicillin" in context.text
    assert "warfarin" in context.text
    assert context.note


def test_safety_21_fact_of_one_chat_is_found_in_another_and_no_history_is(
    mrs_hale: Patient, nora: User, nora_api: ApiClient, mr_stone: Patient
) -> None:
    vera = ApiClient(token_for(_nurse_of(mr_stone, "vera")))
    taught, asked = (_chat(nora_api, "patient_123") for _ in range(2))
    of_stone = _chat(vera, "stone-1")
    _tell(nora_api, "patient_123", taught, "I am allergic to penicillin. Do you like my new curtains?")
    _tell(nora_api, "patient_123", asked, "What was I asking about earlier?")
    _tell(vera, "stone-1", of_stone, "What was I asking about earlier, and what am I allergic to?")
    with directing():
        memory = allergy()
    context = nora_api.call("GET", f"patients/patient_123/context/{asked}")[1]
    assert (str(memory.pk) in context["memory_ids"], "curtains" in context["text"]) == (True, False)
    assert [m["content"] for m in nora_api.call("GET", f"chats/{asked}/messages")[1]["results"]] == [
        "What was I asking about earlier?"
    ]
    assert "penicillin" not in vera.call("GET", f"patients/stone-1/context/{of_stone}")[1]["text"]
    mention = nora_api.call("GET", f"memories/{memory.pk}")[1]["mentions"][0]
    assert (mention["conversation_id"], mention["source"]) == (taught, "chat")
    for method, path in (("GET", f"memories/{memory.pk}"), ("GET", f"chats/{taught}/messages")):
        assert vera.call(method, path)[0] == 404
    body = {"patient_id": "patient_123", "query": "What is she allergic to?"}
    assert vera.call("POST", "memories/search", body)[0] == 404


def _nurse_of(patient: Patient, username: str) -> User:
    with directing():
        nurse = person(username, Role.CLINICIAN)
        CareAssignment.objects.create(user=nurse, patient=patient, role=Role.CLINICIAN)
    return nurse


def _chat(api: ApiClient, patient_id: str) -> str:
    return api.call("POST", "chats", {"patient_id": patient_id})[1]["chat_id"]


def _tell(api: ApiClient, patient_id: str, chat: str, message: str) -> None:
    said = {"patient_id": patient_id, "chat_id": chat, "message": message}
    assert api.call("POST", "chats/messages", said)[0] == 201


def test_safety_23_ways_past_the_rules_are_closed(mrs_hale: Patient, nora: User) -> None:
    """What an admin's bulk action, an inline edit or a shell could call. The pages are tested with the admin."""
    hear(mrs_hale, nora, "Patient is allergic to penicillin.")
    with acting_as(actor_for(nora)):
        for write in (
            lambda: Memory.objects.all().update(verification_status="confirmed"),
            lambda: Memory.objects.all().delete(),
            lambda: Memory.objects.bulk_update([allergy()], ["content"]),
            lambda: allergy().delete(),
        ):
            with pytest.raises(TypeError):
                write()
        assert allergy().verification_status == VerificationStatus.UNCONFIRMED


def test_safety_24_every_unconfirmed_critical_item_waits_in_the_queue_by_severity_and_age(
    mrs_hale: Patient, nora: User
) -> None:
    hear(mrs_hale, nora, "Patient takes ibuprofen 200 mg.", "Patient takes warfarin 5 mg.")
    hear(mrs_hale, nora, "Patient is allergic to latex.", said_at=TUESDAY)
    with acting_as(actor_for(nora)):
        waiting = ReviewTask.objects.open().filter(kind=TaskKind.VERIFY).by_urgency()
        assert {task.memory_id for task in waiting} == set(Memory.objects.critical().values_list("pk", flat=True))
        assert [task.memory.about for task in waiting] == ["warfarin", "latex", "ibuprofen"]
        first, second = (Memory.objects.get(about="latex") for _ in range(2))
        actions.confirm(first, by=nora, reason="She told me.")
        with pytest.raises(actions.DecisionRefused, match="confirmed already"):
            actions.confirm(second, by=nora, reason="She told me too.")


def test_safety_22_an_import_is_idempotent_unconfirmed_deletes_nothing_and_accounts_for_each_row(
    mrs_hale: Patient, nora: User, tmp_path: Path
) -> None:
    hear(mrs_hale, nora, "Patient is allergic to penicillin.")
    texts = ["Allergic to penicillin.", "Not allergic to penicillin.", "Takes amoxicillin 500 mg.", "Likes tea."]
    source = tmp_path / "rows.json"
    rows = [{"id": n, "memory": text, "user_id": "patient_123"} for n, text in enumerate(texts)]
    source.write_text(json.dumps([*rows, {"id": 9, "memory": "Whose?"}, {"id": 10, "user_id": "patient_123"}]))
    reports = []
    for _ in range(2):
        out = StringIO()
        call_command("import_mem0", str(source), "--json", stdout=out)
        reports.append(json.loads(out.getvalue())["rows"])
        with directing():
            memories = list(Memory.objects.order_by("pk").values_list("content", "verification_status", "deleted_at"))
            assert {status for _, status, _ in memories} == {VerificationStatus.UNCONFIRMED}
            assert not any(deleted for _, _, deleted in memories)
            assert allergy().is_live
            assert allergy().mentions.count() == 3
            reports[-1]["memories"] = len(memories)
    for report in reports:
        accounted = ("imported", "reinforced", "conflicting", "withheld", "waiting", "quarantined", "skipped")
        assert report["read"] == sum(report[outcome] for outcome in accounted) == 6
    assert reports[0]["memories"] == reports[1]["memories"] == 4
    assert (reports[0]["quarantined"], reports[0]["skipped"]) == (1, 1)
    assert (reports[1]["imported"], reports[1]["reinforced"], reports[1]["conflicting"]) == (0, 0, 0)


@pytest.mark.parametrize(
    "lines",
    [
        ["Nurse: Hello there.", "Patient: Hello."],
        ["Patient: Mmm.", "Patient: ..."],
        ["Nurse: Do you need any help with that?", "Patient: asdf qwer zxcv"],
        ["Patient: 12345", "Patient: ???"],
    ],
)
def test_safety_25_meaningless_talk_yields_no_facts(lines: list[str], mrs_hale: Patient, nora: User) -> None:
    run = hear(mrs_hale, nora, *lines)
    assert run.made == []
    with directing():
        assert Turn.objects.count() == len(lines)
        assert not Memory.objects.exists()
        assert not MemoryIndex.objects.exists()
    assert run.finished_at <= timezone.now()

"""What a question finds, in which order, and what it never finds."""

from datetime import timedelta
from itertools import pairwise
from math import exp, log10

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit.actors import ActorRequired, acting_as
from memories import actions
from memories.choices import Category, Kind, Priority, Scope, VerificationStatus
from memories.embedding import EmbeddingUnavailable, embed_query
from memories.indexing import unindex
from memories.models import Memory, MemoryIndex
from memories.search import SearchFilters, SearchResult, search
from memories.search import searching as searching_module
from memories.search.statement import HALF_LIFE_DAYS, IMPORTANCE, RECENCY, SCORE_SCALE
from patients.models import Patient, User
from tests.conftest import actor_for, directing
from tests.memories.remembered import remember

CHATTER = (
    "She enjoyed the choir on Sunday.",
    "Her granddaughter Lucy calls every evening.",
    "The kitchen window does not close properly.",
    "He reads the newspaper after breakfast.",
    "The neighbour feeds the cat on weekends.",
)


def ask(patient: Patient, question: str, *, limit: int = 3, **filters: object) -> SearchResult:
    with directing():
        return search(patient=patient, query=question, limit=limit, filters=SearchFilters(**filters))  # type: ignore[arg-type]


def found(result: SearchResult) -> list[str]:
    return [hit.memory.content for hit in result.hits]


@pytest.fixture
def edith(mrs_hale: Patient) -> Patient:
    """Mrs Hale, with some things remembered that are beside most points."""
    with directing():
        remember(mrs_hale, *CHATTER)
    return mrs_hale


@pytest.mark.parametrize(
    ("said", "question"),
    [
        ("Has type 2 diabetes.", "How is her sugar?"),
        ("Takes lisinopril 10 mg every morning.", "What is she on for blood pressure?"),
        ("Takes acetaminophen when her hip hurts.", "Does she use Tylenol?"),
        ("Takes Lasix 20 mg.", "Is she on a water pill?"),
        ("Cholecystectomy in 1992.", "When was her gallbladder taken out?"),
        ("Takes metformin twice a day.", "How often does she take metfromin?"),
        ("Started on Gabapenton for her feet.", "gabapentin"),
        ("Prefers her bath in the evening.", "When does she like to be washed?"),
    ],
)
def test_lay_clinical_and_misspelt_words_meet(edith: Patient, said: str, question: str) -> None:
    with directing():
        remember(edith, said)
    assert found(ask(edith, question))[0] == said


def test_keyword_alone_wins(edith: Patient) -> None:
    with directing():
        remember(edith, "The spare key hangs behind the Zwetschgen jar.")
    assert found(ask(edith, "zwetschgen"))[0] == "The spare key hangs behind the Zwetschgen jar."


def test_answer_is_found_by_the_words_of_its_question(edith: Patient) -> None:
    with directing():
        remember(edith, "Twice, in the bathroom.", before="Has she stumbled or fallen since last week?")
    assert "Twice, in the bathroom." in found(ask(edith, "stumbled or fallen"))


def test_relevant_allergy_comes_first_and_an_irrelevant_one_does_not(edith: Patient) -> None:
    with directing():
        critical = {"category": Category.ALLERGY, "priority": Priority.CRITICAL}
        remember(edith, "Is allergic to penicillin, with hives.", **critical)
        remember(edith, "Wonders whether penicillin would help her cough.", "Talked about penicillin on television.")
    about_it = ask(edith, "penicillin")
    assert about_it.hits[0].memory.category == Category.ALLERGY
    assert about_it.hits[0].score_parts["promoted"] == 1
    assert found(ask(edith, "What does she enjoy on Sunday?"))[0] == CHATTER[0]


def test_question_about_allergies_finds_nothing_else(mrs_hale: Patient) -> None:
    with directing():
        remember(mrs_hale, "Patient is allergic to penicillin", category=Category.ALLERGY, priority=Priority.CRITICAL)
        remember(mrs_hale, "Patient prefers morning medication schedule", category=Category.PREFERENCE)
        remember(mrs_hale, "Patient has type 2 diabetes", category=Category.MEDICAL_HISTORY)
    result = ask(mrs_hale, "What allergies does the patient have?")
    assert found(result) == ["Patient is allergic to penicillin"]
    assert result.hits[0].relevance_score > 0.5
    assert result.total == 1


def test_question_beside_every_point_finds_nothing(mrs_hale: Patient) -> None:
    with directing():
        remember(mrs_hale, "Patient is allergic to penicillin", category=Category.ALLERGY, priority=Priority.CRITICAL)
    assert found(ask(mrs_hale, "What is the capital of France?")) == []


def test_recent_often_said_and_confirmed_raise_a_memory_and_never_lower_it(edith: Patient, nora: User) -> None:
    with directing():
        (old,) = remember(edith, "Slept badly.", said_at=timezone.now() - timedelta(days=900))
        (new,) = remember(edith, "Slept badly again.", said_at=timezone.now())
        new.times_said = 5
        new.save()
    parts = {hit.memory.pk: hit.score_parts for hit in ask(edith, "How did she sleep, badly?").hits}
    assert parts[new.pk]["recency"] > 0.99 > parts[old.pk]["recency"]
    assert parts[new.pk]["importance"] > parts[old.pk]["importance"] == 0


def test_allergy_does_not_age(edith: Patient) -> None:
    with directing():
        remember(edith, "Allergic to latex.", category=Category.ALLERGY, said_at=timezone.now() - timedelta(days=9000))
    assert ask(edith, "latex").hits[0].score_parts["recency"] == 1


def test_scores_fall_and_stay_within_0_and_1(edith: Patient) -> None:
    hits = ask(edith, "Who calls her in the evening?", limit=10).hits
    assert all(0 <= hit.relevance_score <= 1 for hit in hits)
    assert all(one.relevance_score >= other.relevance_score for one, other in pairwise(hits))


def test_other_patients_memories_are_not_found(edith: Patient, mr_stone: Patient, nora: User) -> None:
    with directing():
        remember(mr_stone, "He is allergic to latex.", category=Category.ALLERGY)
    assert "He is allergic to latex." not in found(ask(edith, "latex", limit=10))
    with acting_as(actor_for(nora)):
        assert search(patient=mr_stone, query="latex", limit=10) == SearchResult([], 0, "")


def test_search_needs_somebody_who_asks(mrs_hale: Patient) -> None:
    with pytest.raises(ActorRequired):
        search(patient=mrs_hale, query="latex", limit=3)


@pytest.mark.parametrize(
    "retired",
    [
        {"expires_at": timezone.now() - timedelta(seconds=1)},
        {"deleted_at": timezone.now(), "deletion_reason": "Said of somebody else."},
        {"verification_status": VerificationStatus.REFUTED},
    ],
    ids=["expired", "deleted", "refuted"],
)
def test_what_no_longer_counts_is_not_found_even_if_it_is_indexed(
    edith: Patient, nora: User, retired: dict[str, object]
) -> None:
    with directing():
        (memory,) = remember(edith, "Drinks two cups of verbena tea.")
    with acting_as(actor_for(nora)):
        for name, value in retired.items():
            setattr(memory, name, value)
        memory.deleted_by = nora if "deleted_at" in retired else None
        if "verification_status" in retired:
            memory.verified_by, memory.verified_at, memory.verification_reason = nora, timezone.now(), "It was coffee."
        memory.save()
    assert "Drinks two cups of verbena tea." not in found(ask(edith, "verbena tea", limit=10))


def test_many_expired_memories_hide_no_live_one(edith: Patient) -> None:
    with directing():
        past = timezone.now() - timedelta(days=1)
        remember(edith, *(f"Physiotherapy on day {day}." for day in range(90)), expires_at=past)
        remember(edith, "Physiotherapy moved to Thursdays.")
    assert found(ask(edith, "physiotherapy")) == ["Physiotherapy moved to Thursdays."]


def test_unindexed_memory_is_not_found(edith: Patient) -> None:
    with directing():
        unindex(remember(edith, "Collects Delft tiles."))
    assert "Collects Delft tiles." not in found(ask(edith, "Delft tiles", limit=10))


TEA = {"Prefers tea at four.", "Tea with senna at night.", "Ask about tea first.", "Drank tea with the vicar."}


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"category": [Category.PREFERENCE]}, {"Prefers tea at four."}),
        (
            {"category": [Category.PREFERENCE, Category.MEDICATION]},
            {"Prefers tea at four.", "Tea with senna at night."},
        ),
        ({"priority": [Priority.HIGH]}, {"Tea with senna at night."}),
        ({"verification_status": [VerificationStatus.CONFIRMED]}, set()),
        ({"scope": Scope.AGENT, "scope_id": "planner"}, {"Ask about tea first."}),
        ({"said_before": timezone.now() - timedelta(days=3000)}, {"Drank tea with the vicar."}),
        ({"said_after": timezone.now() - timedelta(days=3000)}, TEA - {"Drank tea with the vicar."}),
        ({"kind": [Kind.PROCEDURAL]}, {"Ask about tea first."}),
        ({"recorded_after": timezone.now() + timedelta(days=1)}, set()),
        ({"recorded_before": timezone.now() + timedelta(days=1)}, TEA),
        ({"valid_at": timezone.now()}, {"Prefers tea at four.", "Tea with senna at night.", "Ask about tea first."}),
    ],
)
def test_filter_narrows_before_ranking(edith: Patient, filters: dict[str, object], expected: set[str]) -> None:
    with directing():
        remember(edith, "Prefers tea at four.", category=Category.PREFERENCE)
        remember(edith, "Tea with senna at night.", category=Category.MEDICATION, priority=Priority.HIGH)
        remember(edith, "Ask about tea first.", scope=Scope.AGENT, scope_id="planner", kind=Kind.PROCEDURAL)
        long_ago = timezone.now() - timedelta(days=4000)
        remember(edith, "Drank tea with the vicar.", said_at=long_ago, valid_to=long_ago)
    assert set(found(ask(edith, "tea", limit=10, **filters))) & TEA == expected


def test_without_an_embedder_words_are_searched_and_the_answer_says_so(
    edith: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(text: str) -> np.ndarray:
        raise EmbeddingUnavailable("The embedder does not answer.")

    monkeypatch.setattr(searching_module, "embed_query", fail)
    result = ask(edith, "Who feeds the cat?")
    assert found(result) == ["The neighbour feeds the cat on weekends."]
    assert "Meaning could not be searched" in result.degraded


def test_memory_without_a_vector_is_found_by_its_words(edith: Patient) -> None:
    with directing():
        (memory,) = remember(edith, "Her walking frame squeaks.")
        MemoryIndex.objects.filter(memory=memory).update(embedding=None)
    assert found(ask(edith, "squeaks"))[0] == "Her walking frame squeaks."


def test_search_is_one_statement_and_hits_come_with_their_details(edith: Patient, nora: User) -> None:
    with acting_as(actor_for(nora)), CaptureQueriesContext(connection) as asked:
        hits = search(patient=edith, query="Who calls?", limit=3).hits
        shown = [(hit.memory.patient.external_id, hit.memory.metadata, hasattr(hit.memory, "allergy")) for hit in hits]
    assert len(asked) == 1
    assert shown[0] == ("patient_123", {}, False)


def test_hits_are_the_memories_themselves(edith: Patient) -> None:
    with directing():
        remember(edith, "Goes to the day centre on Tuesdays.", metadata={"source": "diary"})
        hit = search(patient=edith, query="day centre", limit=1).hits[0]
        assert hit.memory == Memory.objects.get(pk=hit.memory.pk)
        assert hit.memory.metadata == {"source": "diary"}


def test_cosines_are_those_of_brute_force(edith: Patient) -> None:
    question = "Who telephones in the evening?"
    with directing():
        vectors = {
            row.memory_id: np.array(row.embedding, np.float32) for row in MemoryIndex.objects.filter(patient=edith)
        }
    query = embed_query(question)
    hits = ask(edith, question, limit=10).hits
    assert hits
    for hit in hits:
        vector = vectors[hit.memory.pk]
        assert hit.score_parts["cosine"] == pytest.approx(vector @ query / np.linalg.norm(vector), abs=2e-3)


@pytest.mark.parametrize("question", ["", "   ", "?", "%s %(x)s '", "the of and", "\\", "x" * 2000, "🙂"])
def test_any_question_is_answered(edith: Patient, question: str) -> None:
    assert len(ask(edith, question).hits) <= 3


def test_patient_without_memories_has_none(mrs_hale: Patient) -> None:
    assert ask(mrs_hale, "Any allergies?") == SearchResult([], 0, "")


@pytest.mark.parametrize("category", [category for category in Category if category != Category.ALLERGY])
def test_recency_halves_after_the_half_life_of_its_category(edith: Patient, category: Category) -> None:
    said_at = timezone.now() - timedelta(days=HALF_LIFE_DAYS[category])
    with directing():
        remember(edith, "Verbena tea on the balcony.", category=category, said_at=said_at)
    assert ask(edith, "verbena balcony").hits[0].score_parts["recency"] == pytest.approx(0.5, abs=0.01)


def test_every_hit_tells_the_parts_that_its_score_is_made_of(edith: Patient, nora: User) -> None:
    with acting_as(actor_for(nora)):
        remember(edith, "Verbena tea on the balcony.", priority=Priority.HIGH, times_said=4, emotional_weight=0.5)
        remember(edith, "Verbena grows by her door in the evening sun.")
    hits = ask(edith, "Does she drink verbena tea in the evening?", limit=10).hits
    assert len(hits) > 1
    for hit in hits:
        parts = hit.score_parts
        assert set(parts) == {"cosine", "meaning", "words", "recency", "importance", "promoted"}
        raised = 1 + RECENCY * parts["recency"] + IMPORTANCE * parts["importance"]
        score = (parts["meaning"] + parts["words"]) * raised
        assert hit.relevance_score == pytest.approx(1 - exp(-score / SCORE_SCALE), abs=1e-3)
    assert hits[0].score_parts["importance"] == pytest.approx(0.6 * 0.5 + 0.2 * log10(4) + 0.1 * 0.5, abs=1e-3)


def test_what_a_person_confirmed_weighs_more(edith: Patient, nora: User) -> None:
    with acting_as(actor_for(nora)):
        one, other = remember(edith, "Naps after lunch.", "Naps after lunch, too.")
        actions.confirm(other, by=nora, reason="Seen it.")
    parts = {hit.memory.pk: hit.score_parts["importance"] for hit in ask(edith, "naps after lunch").hits}
    assert parts[other.pk] - parts[one.pk] == pytest.approx(0.2, abs=1e-3)

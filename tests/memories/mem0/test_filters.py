"""mem0's filter language: what it chooses, and what it refuses."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rest_framework.exceptions import ValidationError

from audit.actors import acting_as
from audit.models import Event
from audit.recording import record
from memories.api.mem0.filters import FIELDS, read_filters
from memories.choices import Category
from memories.embedding import embed_documents
from memories.feedback import give_feedback
from memories.indexing import index_memories, indexed_text
from memories.models import Conversation, Memory, Mention, Turn, Verdict
from memories.search import SearchFilters, search
from patients.models import Patient, User
from tests.conftest import actor_for, directing

MARCH = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def remember(patient: Patient, name: str, *, agent: str = "", run: str = "", **fields: Any) -> Memory:
    """A memory that is called `name` in these tests, said in a conversation of this agent and run."""
    sent = Conversation.objects.create(patient=patient, said_at=MARCH, agent_id=agent, session_id=run)
    record(Event.CREATE, patient_id=patient.pk, objects=[sent.pk], resource=Conversation)
    given = {"category": Category.OBSERVATION, "fact_key": str(uuid4()), "recorded_at": MARCH} | fields
    content = given.pop("content", f"She slept well {name}.")
    turn = Turn.objects.create(patient=patient, conversation=sent, position=0, text=content)
    memory = Memory.objects.create(patient=patient, about=name, content=content, **given)
    Mention.objects.create(patient=patient, memory=memory, turn=turn, start=0, end=len(content), quote=content)
    index_memories([memory], list(embed_documents([indexed_text(memory.category, content)])))
    return memory


@pytest.fixture
def mrs_hales(mrs_hale: Patient, mr_stone: Patient, nora: User) -> Patient:
    """Three memories: the tea, the pill and the fall; and one of Mr Stone's, which none of her filters shows."""
    with directing():
        remember(
            mrs_hale, "tea", agent="bot", run="visit-1", category=Category.PREFERENCE, content="Prefers black TEA.",
            metadata={"shift": "night", "pain": 2, "tags": ["drinks"], "nil": None, "since": "2026-01-10"},
        )  # fmt: skip
        remember(
            mrs_hale, "pill", agent="bot", run="visit-2", category=Category.MEDICAL_HISTORY,
            content="Has asthma.", metadata={"shift": "day", "pain": 7, "since": "2026-02-20"},
            recorded_at=datetime(2026, 3, 3, 23, 59, tzinfo=UTC),
        )  # fmt: skip
        fall = remember(
            mrs_hale, "fall", content="Fell in the bathroom.", metadata={"pain": "severe", "shift__iexact": True},
            recorded_at=datetime(2026, 4, 1, tzinfo=UTC), expires_at=datetime(2099, 1, 2, tzinfo=UTC),
        )  # fmt: skip
        remember(mr_stone, "stone", agent="bot", run="visit-1", metadata={"shift": "night"})
    with acting_as(actor_for(nora)):
        give_feedback(fall, by=nora, verdict=Verdict.NEGATIVE, reason="It was the kitchen")
    return mrs_hale


ABOUT_ALL = "black tea, asthma, fell in the bathroom"
CHOICES = [
    ({}, "fall pill tea"),
    ({"agent_id": "bot"}, "pill tea"),
    ({"agent_id": {"ne": "bot"}}, "fall"),
    ({"run_id": {"in": ["visit-1", "visit-9"]}}, "tea"),
    ({"run_id": ["visit-2"]}, "pill"),
    ({"created_at": {"gte": "2026-03-03"}}, "fall pill"),
    ({"created_at": {"gt": "2026-03-03"}}, "fall"),
    ({"created_at": {"lte": "2026-03-03"}}, "pill tea"),
    ({"created_at": {"lt": "2026-03-03"}}, "tea"),
    ({"created_at": {"gte": "2026-03-02T09:30:00Z", "lt": "2026-04-01T00:00:00Z"}}, "pill tea"),
    ({"created_at": "2026-03-02"}, "tea"),
    ({"created_at": {"ne": "2026-03-02"}}, "fall pill"),
    ({"created_at": {"eq": MARCH.timestamp()}}, "tea"),
    ({"expiration_date": {"gte": "2099-01-01"}}, "fall"),
    ({"NOT": [{"expiration_date": {"gte": "2099-01-01"}}]}, "pill tea"),
    ({"categories": "preference"}, "tea"),
    ({"categories": {"in": ["preference", "observation"]}}, "fall tea"),
    ({"categories": {"ne": "preference"}}, "fall pill"),
    ({"categories": {"contains": "history"}}, "pill"),
    ({"categories": {"icontains": "PREF"}}, "tea"),
    ({"categories": {"in": ["health"]}}, "fall pill"),
    ({"categories": "user_preferences"}, "tea"),
    ({"keywords": "tea"}, "tea"),
    ({"keywords": {"contains": "tea"}}, ""),
    ({"keywords": {"icontains": "%"}}, ""),
    ({"metadata": {"shift": "night"}}, "tea"),
    ({"metadata": {"shift": {"ne": "night"}}}, "fall pill"),
    ({"metadata": {"shift": {"in": ["night", "day"]}}}, "pill tea"),
    ({"metadata": {"shift": {"contains": "igh"}}}, "tea"),
    ({"metadata": {"shift": {"icontains": "NIGH"}}}, "tea"),
    ({"metadata": {"tags": {"contains": "drinks"}}}, "tea"),
    ({"metadata": {"nil": None}}, "tea"),
    ({"metadata": {"pain": {"gte": 2}}}, "pill tea"),
    ({"metadata": {"pain": {"gt": 2, "lt": 7.5}}}, "pill"),
    ({"metadata": {"pain": {"lte": 2}}}, "tea"),
    ({"NOT": {"metadata": {"pain": {"gte": 5}}}}, "fall tea"),
    ({"metadata": {"since": {"gte": "2026-02-01"}}}, "pill"),
    ({"metadata": {"shift__iexact": True}}, "fall"),
    ({"metadata": {"shift": "night", "pain": 2}}, "tea"),
    ({"metadata": {"shift": "night", "pain": 3}}, ""),
    ({"feedback": "NEGATIVE"}, "fall"),
    ({"feedback": {"ne": "NEGATIVE"}}, "pill tea"),
    ({"feedback_reason": {"icontains": "KITCHEN"}}, "fall"),
    ({"AND": [{"agent_id": "bot"}, {"run_id": "visit-2"}]}, "pill"),
    ({"OR": [{"run_id": "visit-2"}, {"keywords": "fell"}]}, "fall pill"),
    ({"NOT": [{"run_id": "visit-2"}, {"keywords": "fell"}]}, "tea"),
    ({"OR": [{"AND": [{"run_id": "visit-1"}, {"NOT": [{"keywords": "tea"}]}]}, {"keywords": "asthma"}]}, "pill"),
]


def test_filters_choose_and_search_is_narrowed_by_the_same_condition(mrs_hales: Patient, nora: User) -> None:
    chosen, found = {}, {}
    with acting_as(actor_for(nora)) as actor:
        for narrowed, _ in CHOICES:
            filters = read_filters({"user_id": "patient_123", **narrowed})
            assert filters.users == {"patient_123"}
            memories = Memory.objects.visible_to(actor).filter(filters.condition)
            chosen[str(narrowed)] = " ".join(sorted(memory.about for memory in memories))
            narrowing = SearchFilters(also=filters.condition)
            result = search(patient=mrs_hales, query=ABOUT_ALL, limit=10, filters=narrowing)
            found[str(narrowed)] = " ".join(sorted(hit.memory.about for hit in result.hits))
    assert chosen == {str(narrowed): expected for narrowed, expected in CHOICES}
    assert found == chosen


@pytest.mark.parametrize(
    ("filters", "complaint"),
    [
        ({"colour": "red"}, "Unknown filter 'colour'"),
        ({"user_id": "*"}, "wildcards are refused"),
        ({"user_id": {"*": ""}}, "wildcards are refused"),
        ({"agent_id": {"in": ["a", "*"]}}, "wildcards are refused"),
        ({"metadata": {"shift": "*"}}, "wildcards are refused"),
        ({"user_id": {"gte": "a"}}, "no operator 'gte'"),
        ({"user_id": {"in": []}}, "1 to"),
        ({"user_id": {"in": "abc"}}, "takes a list"),
        ({"user_id": {}}, "needs a value"),
        ({"user_id": 7}, "takes texts"),
        ({"user_id": {"eq": "a", "ne": "b"}}, "one operator"),
        ({"created_at": {"gte": "yesterday"}}, "takes a date"),
        ({"created_at": "2026-02-30"}, "takes a date"),
        ({"created_at": {"gte": 1e300}}, "takes a date"),
        ({"created_at": True}, "takes a date"),
        ({"created_at": "0001-01-01T00:00:00+23:59"}, "takes a date"),
        ({"categories": "sports"}, "Unknown category 'sports'"),
        ({"categories": {"contains": "zzz"}}, "Unknown category 'zzz'"),
        ({"metadata": "night"}, "takes an object"),
        ({"metadata": {}}, "takes an object"),
        ({"metadata": {"pain": {"gte": True}}}, "takes a number or a text"),
        ({"metadata": {"pain": {"contains": 3}}}, "takes a text"),
        ({"metadata": {"pain": {"nin": [3]}}}, "no operator 'nin'"),
        ({"memory_ids": ["seven"]}, "UUIDs"),
        ({"feedback": "LOVELY"}, "Unknown feedback"),
        ({"AND": []}, "at least one"),
        ({"AND": "user_id"}, "are an object"),
        ({"OR": [{}]}, "without a condition"),
        ([], "are an object"),
        ("{'user_id': 'a'}", "are an object"),
        ({"OR": [{"user_id": "a"}] * 201}, "at most 200"),
    ],
)
def test_filters_refuse_by_name_what_they_do_not_know(filters: object, complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        read_filters(filters)


@pytest.mark.parametrize(
    ("filters", "users"),
    [
        ({"user_id": "a"}, {"a"}),
        ({"user_id": {"in": ["a", "b"]}}, {"a", "b"}),
        ({"user_id": {"ne": "a"}}, None),
        ({"agent_id": "a"}, None),
        ({"AND": [{"user_id": "a"}, {"agent_id": "x"}]}, {"a"}),
        ({"AND": [{"user_id": {"in": ["a", "b"]}}, {"user_id": {"in": ["b", "c"]}}]}, {"b"}),
        ({"OR": [{"user_id": "a"}, {"user_id": "b"}]}, {"a", "b"}),
        ({"OR": [{"user_id": "a"}, {"agent_id": "x"}]}, None),
        ({"NOT": [{"user_id": "a"}]}, None),
        ({"user_id": "a", "OR": [{"agent_id": "x"}, {"user_id": "b"}]}, {"a"}),
    ],
)
def test_filters_name_the_patients_they_can_show(filters: dict, users: set[str] | None) -> None:
    assert read_filters(filters).users == users


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["eq", "ne", "in", "gt", "lte", "contains", "k"]), inner, max_size=3)
    ),
    max_leaves=8,
)
ANYTHING = st.recursive(
    st.dictionaries(st.sampled_from([*FIELDS, "colour"]), VALUES, max_size=3),
    lambda inner: st.dictionaries(st.sampled_from(["AND", "OR", "NOT"]), st.lists(inner, max_size=3), max_size=2),
    max_leaves=6,
)


@settings(max_examples=60, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ANYTHING)
def test_any_filters_are_read_or_refused(filters: dict) -> None:
    with suppress(ValidationError):
        read_filters(filters)

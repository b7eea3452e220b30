"""The rows that search reads follow the memories."""

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from procrastinate.contrib.django.models import ProcrastinateJob

from memories import indexing
from memories.choices import Category
from memories.embedding import EmbeddingUnavailable, get_embedder
from memories.indexing import index_memories, indexed_text, unindex
from memories.models import AllergyDetail, Memory, MemoryIndex, MemoryWord
from patients.models import Patient
from tests.conftest import directing
from tests.memories.remembered import remember


def words_of(memory: Memory) -> dict[str, float]:
    return {word.lexeme: round(word.weight, 2) for word in MemoryWord.objects.filter(memory=memory)}


def test_indexed_text_names_the_category() -> None:
    assert indexed_text("medical_history", "Has asthma.") == "medical history: Has asthma."


def test_own_words_weigh_most_and_the_turn_before_less(mrs_hale: Patient) -> None:
    with directing():
        (memory,) = remember(mrs_hale, "Penicillin.", before="Any allergies to medicines?", category=Category.ALLERGY)
        words = words_of(memory)
    assert words["penicillin"] == 1
    assert words["medicin"] == 0.7
    assert words["=penicillin"] == 1


def test_ingredient_and_guess_are_words_of_the_memory(mrs_hale: Patient) -> None:
    with directing():
        (memory,) = remember(mrs_hale, "Allergic to Bactrimm.", category=Category.ALLERGY)
        AllergyDetail.objects.create(
            patient=mrs_hale, memory=memory, substance="Bactrimm", guess="sulfamethoxazole/trimethoprim"
        )
        index_memories([memory], [None])
        assert {"trimethoprim", "bactrimm"} <= words_of(memory).keys()


def test_several_memories_are_indexed_in_one_statement(mrs_hale: Patient) -> None:
    with directing():
        memories = remember(mrs_hale, "Sleeps well.", "Eats little.", "Walks daily.")
        with CaptureQueriesContext(connection) as asked:
            index_memories(memories, [None, None, None])
        assert [query["sql"].count("INSERT INTO memories_memoryindex") for query in asked].count(1) == 1
        assert ProcrastinateJob.objects.get(task_name="memories.embed_missing"), "a job is to embed them"
        assert MemoryIndex.objects.filter(embedding__isnull=True).count() == 3
        index_memories([], [])


def test_reworded_memory_loses_its_old_words(mrs_hale: Patient) -> None:
    with directing():
        (memory,) = remember(mrs_hale, "Likes marmalade.")
        memory.content = "Likes honey."
        memory.save()
        index_memories([memory], [None])
        words = words_of(memory)
    assert words["honey"] == 1
    # It was still said with that word.
    assert words["marmalad"] == 0.8


def test_unindex_leaves_no_row(mrs_hale: Patient) -> None:
    with directing():
        gone, kept = remember(mrs_hale, "Likes marmalade.", "Likes honey.")
        unindex([gone])
        assert not MemoryIndex.objects.filter(memory=gone).exists()
        assert not MemoryWord.objects.filter(memory=gone).exists()
        assert MemoryIndex.objects.filter(memory=kept).exists()


def test_embed_memories_fills_what_is_missing(mrs_hale: Patient, capsys: pytest.CaptureFixture[str]) -> None:
    with directing():
        memories = remember(mrs_hale, "Sleeps well.", "Eats little.")
        MemoryIndex.objects.filter(memory=memories[0]).update(embedding=None)
        MemoryIndex.objects.filter(memory=memories[1]).delete()
    call_command("embed_memories")
    assert "2 memories embedded" in capsys.readouterr().out
    with directing():
        assert MemoryIndex.objects.filter(embedding__isnull=False).count() == 2
    call_command("embed_memories")
    assert "0 memories embedded" in capsys.readouterr().out


def test_new_embedder_is_filled_in_beside_the_old_one(mrs_hale: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    with directing():
        remember(mrs_hale, "Sleeps well.")
    monkeypatch.setattr(type(get_embedder()), "name", "another")
    call_command("embed_memories")
    with directing():
        assert set(MemoryIndex.objects.values_list("embedding_model", flat=True)) == {
            "another",
            "all-minilm-l6-v2-int8",
        }


def test_embed_memories_says_how_far_it_came(mrs_hale: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    with directing():
        remember(mrs_hale, "Sleeps well.", "Eats little.")
        MemoryIndex.objects.all().update(embedding=None)
    monkeypatch.setattr(indexing, "BATCH", 1)
    embed, calls = indexing.embed_documents, iter([True])

    def fail_after_the_first(texts: list[str]) -> object:
        if next(calls, False):
            return embed(texts)
        raise EmbeddingUnavailable("The embedder does not answer.")

    monkeypatch.setattr(indexing, "embed_documents", fail_after_the_first)
    with pytest.raises(CommandError, match="1 of 2 are done"):
        call_command("embed_memories")
    with directing():
        assert MemoryIndex.objects.filter(embedding__isnull=False).count() == 1

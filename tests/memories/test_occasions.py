"""Memories judged by their company: the turns around them, and what else was said on the same occasion."""

from uuid import uuid4

from memories.models import Memory, Mention
from memories.models.memory import Stance
from memories.occasions import in_company
from memories.search import Hit
from patients.models import Patient
from tests.conftest import directing
from tests.memories.remembered import remember


def hit(memory: Memory, evidence: float) -> Hit:
    return Hit(memory, 0.5, {"meaning": evidence, "words": 0.0})


def bare(patient: Patient) -> Memory:
    """A memory that rests on no words yet."""
    return Memory.objects.create(patient=patient, category="observation", content="So.", fact_key=str(uuid4()))


def test_of_two_equal_hits_the_one_with_company_comes_first(mrs_hale: Patient) -> None:
    with directing():
        (alone,) = remember(mrs_hale, "She has a piano.")
        together = remember(mrs_hale, "She plays the piano.", "On Sundays, mostly.", "Her hands hurt after it.")
        hits = [hit(alone, 4.0), hit(together[0], 4.0), hit(together[2], 3.0)]
        assert in_company(hits, mrs_hale) == [together[0], alone, together[2], together[1]]


def test_neighbour_outranks_a_faint_hit_of_another_day(mrs_hale: Patient) -> None:
    with directing():
        (faint,) = remember(mrs_hale, "The piano tuner rang.")
        asked, answer = remember(mrs_hale, "She told me who taught her the piano.", "A nun from Cork.")
        assert in_company([hit(asked, 8.0), hit(faint, 1.0)], mrs_hale) == [asked, answer, faint]


def test_turn_that_denies_a_memory_is_no_place_of_it(mrs_hale: Patient) -> None:
    with directing():
        (found,) = remember(mrs_hale, "She plays the piano.")
        turn = Mention.objects.get().turn
        for stance, beside in ((Stance.DENIES, bare(mrs_hale)), (Stance.STATES, stated := bare(mrs_hale))):
            Mention.objects.create(
                patient=mrs_hale, memory=beside, turn=turn, start=0, end=3, quote=turn.text[:3], stance=stance
            )
        assert in_company([hit(found, 4.0)], mrs_hale) == [found, stated]


def test_memory_without_words_keeps_its_own_evidence(mrs_hale: Patient) -> None:
    with directing():
        without = bare(mrs_hale)
        (said,) = remember(mrs_hale, "She plays the piano.")
        assert in_company([hit(without, 1.0), hit(said, 2.0)], mrs_hale) == [said, without]


def test_nothing_found_has_no_company(mrs_hale: Patient) -> None:
    with directing():
        remember(mrs_hale, "She plays the piano.")
        assert in_company([], mrs_hale) == []

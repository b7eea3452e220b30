"""What a conversation states, by whichever extractor is set up, checked against its words. Reads no database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from memories.choices import Category
from memories.extraction import llm, local
from memories.extraction.candidates import Candidate, Extraction, Usage, Utterance
from memories.facts import drug_key, substance_key
from memories.llm import LLMError
from memories.validation import check_candidates, check_names, critical_only


@dataclass(frozen=True, slots=True)
class Reading:
    """Candidates that rest on words really said. `failure` says, without quoting anybody, why no LLM took part."""

    candidates: tuple[Candidate, ...] = ()
    extractor: str = ""
    version: str = ""
    model: str = ""
    usage: Usage = Usage()
    dropped: int = 0
    failure: str = ""


def read(utterances: Sequence[Utterance], said_at: datetime) -> Reading:
    """Read a conversation once. Where an LLM reads, the local extractor reads along, and a critical item that only
    it saw is a candidate too: it depends on no server and misses no allergy that it knows the words for.
    """
    found_locally = local.extract_locally(utterances, said_at)
    if settings.EXTRACTOR != "llm":
        candidates, dropped = check_candidates(found_locally.candidates, utterances)
        return Reading(tuple(candidates), "local", local.VERSION, dropped=dropped)
    critical, _ = check_candidates(critical_only(found_locally.candidates), utterances)
    try:
        found = llm.extract_with_llm(utterances, said_at)
    except LLMError as error:
        return Reading(tuple(critical), "llm", llm.VERSION, settings.OPENAI_MODEL, failure=str(error))
    return _read_together(found, critical, utterances)


def _read_together(found: Extraction, critical: Sequence[Candidate], utterances: Sequence[Utterance]) -> Reading:
    named, unnamed = check_names(found.candidates, utterances)
    candidates, unsourced = check_candidates(named, utterances)
    seen = {_subject(candidate) for candidate in critical_only(candidates)}
    missed = [candidate for candidate in critical if _subject(candidate) not in seen]
    return Reading(
        (*candidates, *missed),
        "llm",
        llm.VERSION,
        settings.OPENAI_MODEL,
        usage=found.usage,
        dropped=found.dropped + unnamed + unsourced,
    )


def _subject(candidate: Candidate) -> tuple[Category, str]:
    """What a critical candidate is about, whichever way it was worded."""
    if candidate.allergy:
        return Category.ALLERGY, substance_key(candidate.allergy)
    return Category.MEDICATION, drug_key(candidate.medication) if candidate.medication else ""

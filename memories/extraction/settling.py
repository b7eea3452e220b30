"""What a whole talk makes of what it says about one drug, piece by piece: each drug is told as it stands in the end."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from memories.choices import MedicationStatus
from memories.extraction.candidates import Candidate, MedicationFacts, Quote

#: As sure as advice to leave a drug alone is: it stops what is taken, and says nothing of what is not.
ADVISED = 0.45
_TAKEN = (MedicationStatus.ACTIVE, MedicationStatus.UNKNOWN)
_LASTING = (MedicationStatus.INTENDED, MedicationStatus.ACTIVE)


def settled(found: Sequence[Candidate]) -> list[Candidate]:
    """Without what the same talk overrides: a denial or a use taken back, words told twice, an advice without a use."""
    by_drug: dict[str, list[Candidate]] = {}
    for one in found:
        by_drug.setdefault(one.about, []).append(one)
    standing = [one for told in by_drug.values() for one in _in_the_end(told)]
    return _told_once(sorted(standing, key=lambda one: (one.quote.turn, one.quote.start)))


def _in_the_end(told: Sequence[Candidate]) -> Iterator[Candidate]:
    """The statements about one drug that still stand when everything is said, in the order said."""
    stated = [one for one in told if not one.denied]
    affirmed = max((one.quote.turn for one in stated), default=-1)
    taken = max((one.quote.turn for one in stated if _status(one) == MedicationStatus.ACTIVE), default=-1)
    stopped_in_the_end = bool(stated) and _status(stated[-1]) == MedicationStatus.STOPPED
    known, was_taken = MedicationStatus.UNKNOWN, False
    for one in told:
        status = _status(one)
        if one.denied:
            stands = affirmed < one.quote.turn
        elif one.confidence == ADVISED:
            stands = was_taken
        else:
            at_some_time = status == MedicationStatus.UNKNOWN and taken >= one.quote.turn
            stands = not at_some_time and not (status in _TAKEN and stopped_in_the_end)
        if stands:
            yield _with_status(one, known) if status == MedicationStatus.UNKNOWN else one
        was_taken = was_taken or status in _TAKEN
        if known == MedicationStatus.UNKNOWN and status in _LASTING:
            known = status  # what was planned or taken a moment ago still is, when the drug is named again


def _with_status(one: Candidate, status: MedicationStatus) -> Candidate:
    facts = replace(_facts(one), status=status)
    return replace(one, medication=facts, content=told(facts))


def _told_once(found: Sequence[Candidate]) -> list[Candidate]:
    """Each drug once for the same words: of two, the one that adds the dose which a question left open."""
    kept: dict[tuple[str, Quote], Candidate] = {}
    for one in found:
        key = (one.about, one.quote)
        if key not in kept or (_facts(one).dose and not _facts(kept[key]).dose):
            kept[key] = one
    return list(kept.values())


def _facts(one: Candidate) -> MedicationFacts:
    if one.medication is None:
        raise TypeError("not a medication")
    return one.medication


def _status(one: Candidate) -> MedicationStatus:
    return MedicationStatus(_facts(one).status)


_SAYS = {
    MedicationStatus.ACTIVE: "Takes {}.",
    MedicationStatus.INTENDED: "Planned: {}.",
    MedicationStatus.STOPPED: "Stopped taking {}.",
    MedicationStatus.NOT_TAKEN: "Does not take {}.",
    MedicationStatus.UNKNOWN: "Was given or has taken {}; whether it is taken now was not said.",
}


def told(facts: MedicationFacts) -> str:
    """A medication as one sentence."""
    parts = [facts.drug, facts.dose, facts.route, facts.frequency, "as needed" if facts.as_needed else ""]
    return _SAYS[MedicationStatus(facts.status)].format(" ".join(part for part in parts if part))

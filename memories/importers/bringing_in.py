"""From stored rows to memories: classify, then group what is said twice, and consolidate what is critical.

A patient's rows are read in chunks, each in one transaction under the patient's lock, so that a kill loses no row and
does none twice. Nothing here merges by likeness: rows become one memory by an identical key alone.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import Q
from django.utils import timezone

from audit.actors import Actor, acting_as
from audit.models import Event
from audit.recording import record
from memories.choices import CRITICAL_CATEGORIES, Category, Kind, VerificationStatus
from memories.consolidation import consolidate
from memories.extraction.candidates import Candidate
from memories.facts import fact_key, folded
from memories.importers import fhir
from memories.importers.classify import Stated, classify
from memories.indexing import index_memories
from memories.models import (
    ExtractionRun,
    ImportedRow,
    Memory,
    Mention,
    ReviewSeverity,
    ReviewTask,
    RowOutcome,
    RunState,
    TaskKind,
)
from memories.models.memory import STANDING, Stance
from memories.remembering import instant, lock_patient, quote_turn, remember
from memories.validation import speaks_of
from memories.vocabulary.contrasts import contrasts
from memories.vocabulary.words import word_set
from patients.models import Patient

CHUNK = 200
EXTRACTOR = "import"
VERSION = "import-1"

OPTED_OUT = "the patient opted out"
NO_CONSENT = "without the consent that it needs"
EXPIRED = "expired"
DECIDED = "staff decided about it before"
DENIES = "denies something"
SAME_WORDS = "the same fact once more"
CHANGED = "The source has changed this since it was first imported."
OTHER_WORDS = "Said once more with other numbers, or with a no: compare the words it rests on."
CONTRADICTED = "Another preference says something else."
#: Questions that say: this does not fit what is remembered.
DISAGREEING = (
    TaskKind.CONFLICT,
    TaskKind.SAID_AGAIN,
    TaskKind.ALLERGY_DRUG,
    TaskKind.DOSE_CHANGE,
    TaskKind.STOPPED,
    TaskKind.DUPLICATE,
)
#: Two preferences are about one matter if they share half of the words of the shorter one, and differ in no more than
#: this many words on either side.
OWN_WORDS = 1
_FILLER = word_set(
    "a an and at be by does doesn't don't for in is it never not no of on or prefer prefers like likes patient the to "
    "with would she he her his"
)


def waiting_patients(*, by: Actor) -> list[UUID]:
    """The keys of the patients with rows that are stored and not read yet."""
    with acting_as(by):
        return list(
            ImportedRow.objects.waiting().order_by("patient_id").values_list("patient_id", flat=True).distinct()
        )


def bring_in(patient_id: UUID, *, by: Actor) -> Iterator[int]:
    """Read all waiting rows of a patient, chunk by chunk. Yields how many each chunk read. Safe to repeat."""
    system = by.becoming_system("import", patient_id=patient_id)
    while True:
        with acting_as(system):
            read = _Chunk(patient_id).bring_in()
        if not read:
            break
        yield read
    with acting_as(system):
        _settle(patient_id)


@dataclass(slots=True)
class _Reading:
    """A row, what it states, and the key of its memory."""

    row: ImportedRow
    stated: Stated
    key: str

    @property
    def is_critical(self) -> bool:
        return self.stated.lead.category in CRITICAL_CATEGORIES

    @property
    def critical(self) -> tuple[Candidate, ...]:
        """What is to be compared with every allergy and medication of the patient."""
        return (self.stated.lead, *self.stated.further) if self.is_critical else self.stated.further

    @property
    def is_over(self) -> bool:
        """Whether it had ceased to count before it came here."""
        ends_at = self.stated.lead.expires_at
        return ends_at is not None and ends_at <= timezone.now()


class _Chunk:
    """The next waiting rows of one patient."""

    def __init__(self, patient_id: UUID) -> None:
        lock_patient(patient_id)
        self.patient = Patient.objects.get(pk=patient_id)
        waiting = (
            ImportedRow.objects.filter(patient_id=patient_id).waiting().select_related("turn", "run__conversation")
        )
        self.rows = list(waiting.order_by("pk")[:CHUNK])
        self.started = timezone.now()
        self.changed: set[UUID] = set()

    def bring_in(self) -> int:
        if not self.rows:
            return 0
        readings = [reading for row in self.rows if (reading := self._read(row))]
        # What has ended comes after what counts: said again, a memory would count again.
        readings.sort(key=lambda reading: reading.is_over)
        self._remember_plain([reading for reading in readings if not reading.is_critical])
        self._consolidate([reading for reading in readings if not reading.is_over and reading.critical])
        self._remember_ended([reading for reading in readings if reading.is_over and reading.is_critical])
        self._ask_about_changes(readings)
        self._note_conflicts(readings)
        _note_outcomes(self.rows)
        self._finish_runs()
        record(Event.EXTRACT, patient_id=self.patient.pk, objects=sorted(self.changed), resource=Memory)
        return len(self.rows)

    def _read(self, row: ImportedRow) -> _Reading | None:
        stated = READERS[row.source](row)
        if reason := self._withheld(stated.lead):
            row.outcome, row.reason = RowOutcome.WITHHELD, reason
            return None
        row.reason = DENIES if stated.denied else ""
        return _Reading(row, stated, _key(stated.lead, row.said_at))

    def _withheld(self, lead: Candidate) -> str:
        """Why the patient does not let this be remembered, or ""."""
        if self.patient.is_opted_out:
            return OPTED_OUT
        may_speak = bool(self.patient.consent_given_at) or not speaks_of(lead, settings.SENSITIVE_TOPICS)
        return "" if may_speak else NO_CONSENT

    # --- what is not critical, and what has ended -----------------------------------------------------------------

    def _remember_plain(self, readings: Sequence[_Reading]) -> None:
        """One memory a key, all new ones at once; every further row adds its words to it."""
        known = self._known({reading.key for reading in readings})
        by_key: dict[str, list[_Reading]] = defaultdict(list)
        for reading in readings:
            by_key[reading.key].append(reading)
        new = {key: said for key, said in by_key.items() if key not in known}
        made = {key: self._new_memory(key, said) for key, said in new.items()}
        Memory.objects.create_all(list(made.values()))
        for key, said in new.items():
            self._take(made[key], said[:1], RowOutcome.IMPORTED)
            self._take(made[key], said[1:], RowOutcome.REINFORCED)
        again = [(known[key], said) for key, said in by_key.items() if key in known]
        for memory, said in again:
            self._say_again(memory, said)
        Mention.objects.bulk_create(_mention(r, made[key]) for key, said in new.items() for r in said)
        Mention.objects.bulk_create(_mention(r, memory) for memory, said in again for r in said)
        live = [memory for memory in made.values() if memory.is_live]
        index_memories(live, [None] * len(live))

    def _known(self, keys: set[str]) -> dict[str, Memory]:
        """The memories of these keys: the standing ones, or else the latest that was refuted."""
        of_keys = Memory.objects.for_patient(self.patient).filter(fact_key__in=keys).order_by("recorded_at")
        refuted = of_keys.filter(verification_status=VerificationStatus.REFUTED)
        standing = of_keys.filter(deleted_at__isnull=True, superseded_by__isnull=True, verification_status__in=STANDING)
        return {memory.fact_key: memory for memory in (*refuted, *standing)}

    def _new_memory(self, key: str, said: Sequence[_Reading]) -> Memory:
        lead = said[0].stated.lead
        times = [reading.row.said_at for reading in said]
        memory = Memory(
            patient=self.patient,
            category=lead.category,
            priority=lead.priority,
            kind=lead.kind,
            scope=lead.scope,
            scope_id=lead.scope_id,
            about=lead.about[:200],
            content=lead.content,
            fact_key=key,
            clinical_status=lead.clinical_status,
            confidence=lead.confidence,
            emotional_weight=lead.emotional_weight,
            times_said=len(said),
            last_said_at=max(times),
            valid_from=instant(lead.starts_at),
            valid_to=instant(lead.ends_at),
            expires_at=lead.expires_at,
            metadata=lead.metadata,
        )
        self.changed.add(memory.pk)
        return memory

    def _say_again(self, memory: Memory, said: Sequence[_Reading]) -> None:
        """What is remembered is said again: never swallowed, never resurrected; what had ended counts again."""
        self._take(memory, said, RowOutcome.REINFORCED)
        memory.times_said += len(said)
        memory.last_said_at = max(memory.last_said_at, *(reading.row.said_at for reading in said))
        if memory.verification_status == VerificationStatus.REFUTED:
            told = f"Refuted on {memory.verified_at:%d %b %Y} and said again since."
            ReviewTask.objects.ask(TaskKind.SAID_AGAIN, memory, told, ReviewSeverity.HIGH)
        revived = memory.is_expired and any(not reading.is_over for reading in said)
        if revived:
            memory.expires_at = None
        memory.save(update_fields=["times_said", "last_said_at", "expires_at", "updated_at"])
        if revived:
            index_memories([memory], [None])

    def _take(self, memory: Memory, said: Sequence[_Reading], outcome: RowOutcome) -> None:
        self.changed.add(memory.pk)
        for reading in said:
            reading.row.memory, reading.row.outcome = memory, outcome
            if outcome == RowOutcome.REINFORCED:
                reading.row.reason = reading.row.reason or SAME_WORDS
            elif reading.is_over:
                reading.row.reason = EXPIRED

    # --- what is critical -----------------------------------------------------------------------------------------

    def _consolidate(self, readings: Sequence[_Reading]) -> None:
        """Rows that state an allergy or a medication go the way of everything said: unconfirmed, and into the queue."""
        for run, told in _by_run(readings).items():
            turns = [reading.row.turn for reading in told]
            candidates = [
                replace(candidate, quote=replace(candidate.quote, turn=number))
                for number, reading in enumerate(told)
                for candidate in reading.critical
            ]
            done = consolidate(run, candidates, turns=turns, vectors=[None] * len(candidates))
            self.changed |= {memory.pk for memory in (*done.added, *done.reinforced)}
            self._match(told, {memory.pk for memory in done.added})

    def _match(self, told: Sequence[_Reading], added: set[UUID]) -> None:
        """Find the memory of each row: the one that rests on its words."""
        turns = [reading.row.turn_id for reading in told]
        mentions = Mention.objects.filter(turn__in=turns, stance=Stance.STATES).select_related("memory")
        resting: dict[UUID, list[Memory]] = defaultdict(list)
        for mention in mentions.order_by("recorded_at"):
            resting[mention.turn_id].append(mention.memory)
        for reading in told:
            lead, held = reading.stated.lead, resting[reading.row.turn_id]
            if not reading.is_critical:
                continue
            own = [memory for memory in held if memory.category == lead.category]
            if not own:
                self._keep_words(reading)
                continue
            memory = next((one for one in own if one.content == lead.content), own[0])
            is_new = memory.pk in added and memory.content == lead.content and not self._is_taken(memory)
            self._take(memory, [reading], RowOutcome.IMPORTED if is_new else RowOutcome.REINFORCED)
            if not is_new and memory.category == Category.MEDICATION and contrasts(memory.content, lead.content):
                ReviewTask.objects.ask(TaskKind.CONFLICT, memory, OTHER_WORDS, ReviewSeverity.HIGH)

    def _is_taken(self, memory: Memory) -> bool:
        """Whether an earlier row of this chunk is this memory's first already."""
        return any(row.memory_id == memory.pk and row.outcome == RowOutcome.IMPORTED for row in self.rows)

    def _keep_words(self, reading: _Reading) -> None:
        """Consolidation made nothing of it, since staff decided about the same before: the words stay, as a turn."""
        reading.row.outcome, reading.row.reason = RowOutcome.WITHHELD, DECIDED

    def _remember_ended(self, readings: Sequence[_Reading]) -> None:
        """A medication that had ended before it came here: kept as expired, compared with nothing, asked of nobody."""
        known = self._known({reading.key for reading in readings})
        for reading in readings:
            lead, row = reading.stated.lead, reading.row
            outcome = RowOutcome.REINFORCED if reading.key in known else RowOutcome.IMPORTED
            if reading.key not in known:
                known[reading.key] = remember(lead, patient=self.patient, key=reading.key, said_at=row.said_at)
            quote_turn(known[reading.key], row.turn, lead.quote.start, lead.quote.end, run=row.run)
            self._take(known[reading.key], [reading], outcome)

    # --- afterwards -----------------------------------------------------------------------------------------------

    def _ask_about_changes(self, readings: Sequence[_Reading]) -> None:
        """The source holds other words under an id that was imported before: both stay, and a person is asked."""
        ids = {reading.row.source_id for reading in readings}
        before = ImportedRow.objects.filter(patient=self.patient, source_id__in=ids, memory__isnull=False).exclude(
            pk__in=[row.pk for row in self.rows]
        )
        earlier = {row.source_id: row for row in before.select_related("memory").order_by("pk")}
        for reading in readings:
            old, new = earlier.get(reading.row.source_id), reading.row.memory
            told = old.memory if old and old.source == reading.row.source else None
            if told and new and told != new and told.is_live:
                ReviewTask.objects.ask(TaskKind.CONFLICT, new, CHANGED, ReviewSeverity.MEDIUM, told)

    def _note_conflicts(self, readings: Sequence[_Reading]) -> None:
        asked = (
            ReviewTask.objects.for_patient(self.patient)
            .open()
            .filter(kind__in=DISAGREEING, created_at__gte=self.started)
        )
        kinds: dict[UUID | None, str] = {}
        for task in asked:
            for key in (task.memory_id, task.related_id):
                kinds.setdefault(key, task.get_kind_display())
        for reading in readings:
            if reading.row.memory_id and reading.row.memory_id in kinds:
                reading.row.outcome, reading.row.reason = RowOutcome.CONFLICTING, kinds[reading.row.memory_id]

    def _finish_runs(self) -> None:
        runs = {row.run_id: row.run for row in self.rows}
        left = set(ImportedRow.objects.waiting().filter(run__in=runs).values_list("run_id", flat=True))
        for run in runs.values():
            made = [row.memory_id for row in self.rows if row.run_id == run.pk and row.memory_id in self.changed]
            run.note(
                state=RunState.PENDING if run.pk in left else RunState.DONE,
                extractor=EXTRACTOR,
                extractor_version=VERSION,
                made=list(dict.fromkeys([*run.made, *made])),
                finished_at=None if run.pk in left else timezone.now(),
            )


READERS = {"mem0": classify, fhir.FHIR: fhir.stated_by}
#: `bulk_update` asks the planner a case for each row and field; this is one join.
NOTE_OUTCOMES = """
UPDATE memories_importedrow row SET outcome = noted.outcome, reason = noted.reason, memory_id = noted.memory
FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::uuid[]) AS noted (id, outcome, reason, memory)
WHERE row.id = noted.id
"""


def _note_outcomes(rows: Sequence[ImportedRow]) -> None:
    columns = zip(*((row.pk, str(row.outcome), row.reason, row.memory_id) for row in rows), strict=True)
    with connection.cursor() as cursor:
        cursor.execute(NOTE_OUTCOMES, [list(column) for column in columns])


def _key(lead: Candidate, said_at: datetime) -> str:
    """Identical words are one memory, on whatever days they were noted."""
    timeless = replace(lead, kind=Kind.SEMANTIC) if lead.kind == Kind.EPISODIC and not lead.starts_at else lead
    return fact_key(timeless, said_at=said_at, scope=lead.scope_id)


def _by_run(readings: Sequence[_Reading]) -> Mapping[ExtractionRun, list[_Reading]]:
    runs: dict[ExtractionRun, list[_Reading]] = defaultdict(list)
    for reading in readings:
        runs[reading.row.run].append(reading)
    return runs


def _mention(reading: _Reading, memory: Memory) -> Mention:
    quote, turn = reading.stated.lead.quote, reading.row.turn
    return Mention(
        patient_id=memory.patient_id,
        memory=memory,
        turn=turn,
        run=reading.row.run,
        start=quote.start,
        end=quote.end,
        quote=turn.text[quote.start : quote.end],
        speaker=turn.speaker,
    )


# --- when all rows of a patient are read ------------------------------------------------------------------------------


def _settle(patient_id: UUID) -> None:
    """What only all rows together tell: denials of what another row states, and preferences that contradict."""
    lock_patient(patient_id)
    patient = Patient.objects.get(pk=patient_id)
    disputed = {*_enter_denials(patient), *_compare_preferences(patient)}
    if disputed:
        record(Event.EXTRACT, patient_id=patient_id, objects=sorted(disputed), resource=Memory)


def _enter_denials(patient: Patient) -> Iterator[UUID]:
    """Yields the memories that a row denies."""
    rows = ImportedRow.objects.filter(patient=patient, reason=DENIES).exclude(outcome=RowOutcome.CONFLICTING)
    for row in rows.select_related("turn", "run__conversation"):
        denied = READERS[row.source](row).denied
        consolidate(row.run, denied, turns=[row.turn], vectors=[None] * len(denied))
        disputed = Mention.objects.filter(turn=row.turn, stance=Stance.DENIES).values_list("memory", flat=True)
        if disputed:
            row.outcome = RowOutcome.CONFLICTING
            row.save(update_fields=["outcome"])
            _mark_disputed(disputed)
            yield from disputed


def _compare_preferences(patient: Patient) -> Iterator[UUID]:
    """Preferences about one matter, by the words they share, of which one says the opposite of the other. Yields those
    that nobody was asked about yet.
    """
    live = Memory.objects.for_patient(patient).live().filter(category=Category.PREFERENCE).order_by("recorded_at")
    memories = list(live.exclude(kind=Kind.PROCEDURAL))
    imported = set(ImportedRow.objects.filter(patient=patient, memory__in=memories).values_list("memory_id", flat=True))
    sharing: dict[str, list[int]] = defaultdict(list)
    spoken = [set(folded(memory.content).split()) - _FILLER for memory in memories]
    for number, memory in enumerate(memories):
        shared: dict[int, int] = defaultdict(int)
        for word in spoken[number]:
            for other in sharing[word]:
                shared[other] += 1
            sharing[word].append(number)
        for other, words in shared.items():
            if memory.pk not in imported and memories[other].pk not in imported:
                continue
            fewer, more = sorted((len(spoken[number]), len(spoken[other])))
            if 2 * words >= fewer and more - words <= OWN_WORDS and contrasts(memory.content, memories[other].content):
                yield from _ask_which(memory, memories[other])


def _ask_which(memory: Memory, other: Memory) -> Iterator[UUID]:
    either = Q(memory=memory, related=other) | Q(memory=other, related=memory)
    if ReviewTask.objects.filter(either, kind=TaskKind.CONFLICT).exists():
        return
    ReviewTask.objects.ask(TaskKind.CONFLICT, memory, CONTRADICTED, ReviewSeverity.LOW, other)
    _mark_disputed([memory.pk, other.pk])
    yield from (memory.pk, other.pk)


def _mark_disputed(memories: Iterable[UUID]) -> None:
    """The rows of these memories are in question too."""
    rows = ImportedRow.objects.filter(memory__in=list(memories))
    rows.exclude(reason=DENIES).update(outcome=RowOutcome.CONFLICTING, reason=TaskKind.CONFLICT.label)

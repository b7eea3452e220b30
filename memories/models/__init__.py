from memories.models.conversation import (
    CHAT,
    Conversation,
    ConversationQuerySet,
    ExtractionRun,
    ExtractionRunQuerySet,
    RunState,
    Turn,
)
from memories.models.export import MemoryExport
from memories.models.feedback import MemoryFeedback, Verdict
from memories.models.imports import Import, ImportedEvent, ImportedRow, ImportState, RowOutcome
from memories.models.index import MemoryIndex, MemoryWord
from memories.models.link import LinkKind, MemoryLink, MemoryLinkQuerySet
from memories.models.memory import AllergyDetail, MedicationDetail, Memory, MemoryQuerySet, Mention
from memories.models.narrative import PatientNarrative
from memories.models.notice import ReviewNotice, Urgency
from memories.models.review import ReviewSeverity, ReviewTask, TaskKind, TaskState
from memories.models.source_file import SourceFile

__all__ = [
    "CHAT",
    "AllergyDetail",
    "Conversation",
    "ConversationQuerySet",
    "ExtractionRun",
    "ExtractionRunQuerySet",
    "Import",
    "ImportState",
    "ImportedEvent",
    "ImportedRow",
    "LinkKind",
    "MedicationDetail",
    "Memory",
    "MemoryExport",
    "MemoryFeedback",
    "MemoryIndex",
    "MemoryLink",
    "MemoryLinkQuerySet",
    "MemoryQuerySet",
    "MemoryWord",
    "Mention",
    "PatientNarrative",
    "ReviewNotice",
    "ReviewSeverity",
    "ReviewTask",
    "RowOutcome",
    "RunState",
    "SourceFile",
    "TaskKind",
    "TaskState",
    "Turn",
    "Urgency",
    "Verdict",
]

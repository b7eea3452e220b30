from memories.models.conversation import Conversation, ExtractionRun, RunState, Turn
from memories.models.index import MemoryIndex, MemoryWord
from memories.models.memory import AllergyDetail, MedicationDetail, Memory, MemoryQuerySet, Mention
from memories.models.review import ReviewSeverity, ReviewTask, TaskKind, TaskState

__all__ = [
    "AllergyDetail",
    "Conversation",
    "ExtractionRun",
    "MedicationDetail",
    "Memory",
    "MemoryIndex",
    "MemoryQuerySet",
    "MemoryWord",
    "Mention",
    "ReviewSeverity",
    "ReviewTask",
    "RunState",
    "TaskKind",
    "TaskState",
    "Turn",
]

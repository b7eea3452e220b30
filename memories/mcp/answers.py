"""The shapes of what the tools answer. Their descriptions are read by language models."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, Field

from memories.models import ReviewTask
from memories.prompting import with_status
from memories.search import Hit


def _plain(text: str) -> str:
    if "\x00" in text:
        raise ValueError("This holds a NUL character, which is no text: remove it and send again.")
    return text


#: Of a text that is sent: Postgres takes no NUL.
PLAIN = AfterValidator(_plain)


class PatientInCare(BaseModel):
    patient_id: str
    name: str


class PatientsInCare(BaseModel):
    patients: list[PatientInCare]
    total: int


class FoundMemory(BaseModel):
    id: str
    text: str = Field(description="What is remembered. Allergies and medications tell their status: repeat it.")
    category: str
    verification_status: str = Field(description="unconfirmed: somebody said so; confirmed: a clinician verified it.")
    last_said_at: datetime
    relevance: float = Field(description="From 0 to 1.")

    @classmethod
    def of(cls, hit: Hit) -> Self:
        memory = hit.memory
        return cls(
            id=str(memory.pk),
            text=with_status(memory),
            category=memory.category,
            verification_status=memory.verification_status,
            last_said_at=memory.last_said_at,
            relevance=hit.relevance_score,
        )


class SearchAnswer(BaseModel):
    results: list[FoundMemory]
    note: str = Field(description="What could not be searched, if anything.")


class ContextAnswer(BaseModel):
    text: str = Field(description="Goes into the prompt as it is.")
    memory_ids: dict[str, str] = Field(description="The memory that each short id of the text stands for.")
    tokens: int
    note: str = Field(description="What is missing or exceeds the budget, if anything.")


class Kept(BaseModel):
    conversation_id: str
    state: str = Field(description="pending: the words are kept, and are read within seconds; done: they were read.")
    memory_ids: list[str] = Field(description="The memories made of it so far.")


class OpenTask(BaseModel):
    id: str
    patient_id: str
    question: str
    severity: str
    explanation: str
    memory_id: str
    memory: str = Field(description="What the question is about, with its status.")
    asked_at: datetime

    @classmethod
    def of(cls, task: ReviewTask) -> Self:
        return cls(
            id=str(task.pk),
            patient_id=task.patient.external_id,
            question=task.get_kind_display(),
            severity=task.get_severity_display(),
            explanation=task.explanation,
            memory_id=str(task.memory_id),
            memory=with_status(task.memory),
            asked_at=task.created_at,
        )


class ReviewTasks(BaseModel):
    tasks: list[OpenTask]
    total: int


class Turn(BaseModel):
    role: Annotated[str, PLAIN] = Field(
        max_length=100, description="Who speaks: patient, nurse, daughter, assistant, or a name."
    )
    content: Annotated[str, PLAIN] = Field(
        max_length=20_000, description="Their words as they were said; do not sum them up."
    )

"""Chats: conversations that grow turn by turn. History stays in its chat; what is remembered follows the patient.

>>> chat = begin_chat(patient, by=actor, title="Tuesday")
>>> said = add_turn(chat, Utterance("user", "I take my tea with honey."), by=actor, remember=True, inline=True)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from audit.actors import Actor, acting_as
from audit.models import Event
from audit.recording import record
from memories.choices import Scope, SpeakerRole
from memories.extraction.candidates import Utterance
from memories.ingestion import ConversationRefused, begin_run
from memories.models import CHAT, Conversation, ExtractionRun, Turn
from patients.models import Patient, User
from patients.roles import Role


class ChatNotYours(PermissionDenied):
    """A chat is deleted by whoever began it, or by a clinician."""


@dataclass(frozen=True, slots=True)
class Said:
    """A turn that was added, and the run that reads it, if it is to be remembered."""

    turn: Turn
    run: ExtractionRun | None


def begin_chat(
    patient: Patient, *, by: Actor, title: str = "", scope: Scope | str = Scope.PATIENT, agent_id: str = ""
) -> Conversation:
    """A chat without a turn. Nothing of any other chat is in it. Runs inside `acting_as(by)`."""
    chat = Conversation.objects.create(
        patient=patient,
        title=title,
        source=CHAT,
        scope=scope,
        agent_id=agent_id,
        recorded_by_id=int(by.id) if by.is_identified else None,
    )
    record(Event.CREATE, patient_id=patient.pk, objects=[chat.pk], resource=Conversation)
    return chat


def visible_chat(chat_id: UUID, *, by: Actor) -> Conversation | None:
    """The chat of this key, unless it was deleted or its patient is not to be seen. Runs inside `acting_as(by)`."""
    return Conversation.objects.visible_to(by).chats().select_related("patient").filter(pk=chat_id).first()


def add_turn(
    chat: Conversation,
    utterance: Utterance,
    *,
    by: Actor,
    remember: bool = False,
    inline: bool = False,
    cites: Sequence[UUID] = (),
) -> Said:
    """Append what was said, and, if it is to be remembered, a pending run for this turn alone, in one transaction.

    What an agent answers is never remembered: it would only say again what it was told. With `inline` the caller
    carries the run out. Raises `ConversationRefused` for a chat that is full.
    """
    with acting_as(by):
        chat = Conversation.objects.select_for_update(no_key=True).get(pk=chat.pk)
        position = chat.turns.count()
        if position >= settings.MAX_CONVERSATION_TURNS:
            raise ConversationRefused(f"This chat has {position} turns, which is the most: begin another one.")
        turn = Turn.objects.create(
            patient_id=chat.patient_id,
            conversation=chat,
            position=position,
            speaker=utterance.speaker[:100],
            role=utterance.role,
            text=utterance.text,
            said_at=timezone.now(),
            cites=list(cites),
        )
        record(Event.UPDATE, patient_id=chat.patient_id, objects=[chat.pk, turn.pk], resource=Conversation)
        is_heard = remember and utterance.role != SpeakerRole.AGENT
        run = begin_run(chat, first=position, last=position, inline=inline) if is_heard else None
    return Said(turn, run)


def delete_chat(chat: Conversation, *, by: User) -> None:
    """Take a chat out of every list. What was remembered of it stays, and tells that its chat is deleted.

    Runs inside the caller's `acting_as`. Raises `ChatNotYours`.
    """
    if chat.recorded_by_id != by.pk and not by.groups.filter(name=Role.CLINICIAN).exists():
        raise ChatNotYours("Whoever began a chat deletes it, or a clinician.")
    chat.deleted_at, chat.deleted_by = timezone.now(), by
    chat.save(update_fields=["deleted_at", "deleted_by"])
    record(Event.DELETE, patient_id=chat.patient_id, objects=[chat.pk], resource=Conversation)


def scopes_of(chat: Conversation) -> list[tuple[str, str]]:
    """The scopes, beside the patient's, whose memories this chat may be told of: its own, and its agent's."""
    agent = [(Scope.AGENT.value, chat.agent_id)] if chat.agent_id else []
    return [(Scope.CONVERSATION.value, str(chat.pk)), *agent]

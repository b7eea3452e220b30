"""What was said, word by word, and what became of it."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from memories.choices import Scope, SpeakerRole
from memories.models.base import PatientBound, PatientBoundQuerySet
from memories.models.source_file import SourceFile

#: The `source` of a conversation that grows turn by turn.
CHAT = "chat"


class ConversationQuerySet(PatientBoundQuerySet["Conversation"]):
    def kept(self) -> "ConversationQuerySet":
        """Those that nobody deleted. The words of a deleted one stay, as what memories rest on."""
        return self.filter(deleted_at__isnull=True)

    def chats(self) -> "ConversationQuerySet":
        return self.kept().filter(source=CHAT)


class Conversation(PatientBound):
    """Words said about, or by, one patient: a visit, a chat, a note, one batch of an import."""

    title = models.CharField(max_length=200, blank=True)
    source = models.CharField(max_length=40, default="api", help_text="The door it came in by.")
    source_id = models.CharField(
        max_length=200, blank=True, help_text="Its id there. The same one is taken in once for each patient."
    )
    said_at = models.DateTimeField(default=timezone.now, help_text="When it was said; dates in it count from here.")
    recorded_at = models.DateTimeField(default=timezone.now, editable=False)
    recorded_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    agent_id = models.CharField(max_length=100, blank=True, help_text="The agent that sent it, by its own name.")
    session_id = models.CharField(max_length=100, blank=True, help_text="The session that it was said in.")
    app_id = models.CharField(max_length=100, blank=True, help_text="The software that sent it.")
    sent_metadata = models.JSONField(default=dict, blank=True, help_text="What its memories are to carry.")
    memories_expire_at = models.DateTimeField(null=True, blank=True, help_text="Never said of what is critical.")
    keeps_every_turn = models.BooleanField(
        default=False, help_text="A turn of which nothing critical is made is remembered word by word."
    )
    scope = models.CharField(
        max_length=12, choices=Scope, default=Scope.PATIENT, help_text="Whose its memories are, but for critical ones."
    )
    is_instruction = models.BooleanField(default=False, help_text="It tells how something is done: kept turn by turn.")
    file = models.ForeignKey(SourceFile, models.PROTECT, null=True, blank=True, related_name="conversations")
    deleted_at = models.DateTimeField(null=True, blank=True)
    deleted_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")

    objects = ConversationQuerySet.as_manager()

    class Meta:
        ordering = ["-said_at"]
        indexes = [models.Index(fields=["patient", "-said_at"], name="memories_conversation_recent")]
        constraints = [
            models.UniqueConstraint(
                name="memories_conversation_source_once",
                fields=["patient", "source", "source_id"],
                condition=~Q(source_id=""),
            ),
            models.CheckConstraint(
                name="memories_conversation_agent_named",
                condition=~Q(scope=Scope.AGENT) | ~Q(agent_id=""),
                violation_error_message="Name the agent.",
            ),
            models.CheckConstraint(
                name="memories_conversation_deleted_by_someone",
                condition=Q(deleted_at__isnull=True, deleted_by__isnull=True)
                | Q(deleted_at__isnull=False, deleted_by__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.title or f"Conversation of {self.said_at:%d %b %Y, %H:%M}"

    @property
    def scope_id(self) -> str:
        """What its scope is called in the memories made of it."""
        named = {Scope.CONVERSATION.value: str(self.pk), Scope.AGENT.value: self.agent_id}
        return named.get(self.scope, "")

    @property
    def source_label(self) -> str:
        """Where its words came from, as it is told beside a memory."""
        return f"deleted {self.source}" if self.deleted_at else self.source


class Turn(PatientBound):
    """One speaker's words. Append-only: the database refuses a change."""

    conversation = models.ForeignKey(Conversation, models.PROTECT, related_name="turns")
    position = models.PositiveIntegerField()
    speaker = models.CharField(max_length=100, blank=True)
    role = models.CharField(max_length=12, choices=SpeakerRole, default=SpeakerRole.UNKNOWN)
    text = models.TextField()
    said_at = models.DateTimeField(null=True, blank=True, help_text="When, where it was not with the conversation.")
    place = models.CharField(max_length=60, blank=True, help_text="Where in its source: a page, a time.")
    cites = ArrayField(models.UUIDField(), default=list, blank=True, help_text="The memories that an answer rests on.")

    objects = PatientBoundQuerySet["Turn"].as_manager()

    class Meta:
        ordering = ["conversation", "position"]
        constraints = [
            models.UniqueConstraint(name="memories_turn_position", fields=["conversation", "position"]),
        ]

    def __str__(self) -> str:
        return f"Turn {self.position + 1}"


class RunState(models.TextChoices):
    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"


class ExtractionRunQuerySet(PatientBoundQuerySet["ExtractionRun"]):
    def unread(self) -> "ExtractionRunQuerySet":
        """The runs that failed and that no later run of the same turns has followed: these may start again."""
        later = self.model.objects.filter(
            conversation=OuterRef("conversation"), first=OuterRef("first"), created_at__gt=OuterRef("created_at")
        )
        return self.filter(state=RunState.FAILED).exclude(Exists(later))


class ExtractionRun(PatientBound):
    """The record of what became of a conversation: "nothing found" and "failed" are different answers.

    A chat grows, and each run reads what is new in it: the turns from position `first` on, up to `last` if it is set.
    """

    conversation = models.ForeignKey(Conversation, models.PROTECT, related_name="runs")
    first = models.PositiveIntegerField(default=0)
    last = models.PositiveIntegerField(null=True, blank=True)
    state = models.CharField(max_length=10, choices=RunState, default=RunState.PENDING)
    extractor = models.CharField(max_length=40, blank=True)
    extractor_version = models.CharField(max_length=60, blank=True)
    model = models.CharField(max_length=100, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.CharField(max_length=200, blank=True, help_text="Why it failed, in words without patient text.")
    calls = models.PositiveSmallIntegerField(default=0)
    prompt_tokens = models.PositiveIntegerField(default=0)
    completion_tokens = models.PositiveIntegerField(default=0)
    dropped = models.PositiveSmallIntegerField(default=0, help_text="Answers without a verbatim source.")
    milliseconds = models.PositiveIntegerField(default=0)
    made = ArrayField(models.UUIDField(), default=list, blank=True, help_text="The memories that it added.")
    reinforced = ArrayField(models.UUIDField(), default=list, blank=True, help_text="The memories it said again.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = ExtractionRunQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["state", "created_at"], name="memories_run_open", condition=~Q(state="done")),
        ]
        constraints = [
            models.CheckConstraint(
                name="memories_run_failure_has_reason", condition=~Q(state=RunState.FAILED) | ~Q(error="")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_state_display()} run of {self.created_at:%d %b %Y, %H:%M}"

    def covers(self, turn: Turn) -> bool:
        """Whether this turn is among those to be read."""
        return self.first <= turn.position and (self.last is None or turn.position <= self.last)

    def note(self, **outcome: object) -> None:
        """Set and save what became of this run. `error` is in words that quote nobody."""
        for name, value in outcome.items():
            setattr(self, name, value)
        self.save(update_fields=list(outcome))

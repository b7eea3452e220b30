from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from memories.models.base import PatientBound, RecordedQuerySet

if TYPE_CHECKING:
    from memories.models.memory import Memory
    from patients.models import User


class TaskKind(models.TextChoices):
    """The question that a person must answer."""

    VERIFY = "verify", "Is this true?"
    CONFLICT = "conflict", "Which of these is true?"
    SAID_AGAIN = "said-again", "Refuted before, and said again"
    ALLERGY_DRUG = "allergy-drug", "Allergy and medication"
    DOSE_CHANGE = "dose-change", "Has the dose changed?"
    STOPPED = "stopped", "Has this been stopped?"
    DUPLICATE = "duplicate", "Are these the same?"


class TaskState(models.TextChoices):
    OPEN = "open"
    DECIDED = "decided"
    OBSOLETE = "obsolete"


class ReviewSeverity(models.IntegerChoices):
    HIGH = 1
    MEDIUM = 2
    LOW = 3


class ReviewTaskQuerySet(RecordedQuerySet["ReviewTask"]):
    def open(self) -> "ReviewTaskQuerySet":
        return self.filter(state=TaskState.OPEN)

    def ask(
        self,
        kind: TaskKind,
        memory: "Memory",
        explanation: str,
        severity: ReviewSeverity,
        related: "Memory | None" = None,
        evidence: dict[str, Any] | None = None,
    ) -> "ReviewTask":
        """The open task that asks this, opened now if it is not open already."""
        task, _ = self.get_or_create(
            patient_id=memory.patient_id,
            kind=kind,
            memory=memory,
            related=related,
            state=TaskState.OPEN,
            defaults={"severity": severity, "explanation": explanation[:500], "evidence": evidence or {}},
        )
        return task

    def by_urgency(self) -> "ReviewTaskQuerySet":
        """Most severe first, then the oldest."""
        return self.order_by("severity", "created_at")

    def overdue(self) -> "ReviewTaskQuerySet":
        """Open for longer than a question of its severity should be."""
        late = Q(severity=ReviewSeverity.HIGH, created_at__lt=Now() - timedelta(hours=settings.OVERDUE_HOURS_HIGH))
        return self.open().filter(late | Q(created_at__lt=Now() - timedelta(hours=settings.OVERDUE_HOURS)))


class ReviewTask(PatientBound):
    """One question about a memory, for a person to decide. The same question is never open twice."""

    memory = models.ForeignKey("memories.Memory", models.PROTECT, related_name="review_tasks")
    related = models.ForeignKey(
        "memories.Memory", models.PROTECT, null=True, blank=True, related_name="related_review_tasks"
    )
    kind = models.CharField(max_length=20, choices=TaskKind)
    severity = models.PositiveSmallIntegerField(choices=ReviewSeverity, default=ReviewSeverity.MEDIUM)
    state = models.CharField(max_length=10, choices=TaskState, default=TaskState.OPEN)
    explanation = models.CharField(max_length=500, blank=True)
    evidence = models.JSONField(default=dict, blank=True)
    decision = models.CharField(max_length=20, blank=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=500, blank=True)
    ask_again_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    ask_again_at = models.DateTimeField(null=True, blank=True)
    ask_again_note = models.CharField(max_length=500, blank=True, help_text="What to ask at the next visit.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    obsolete_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = ReviewTaskQuerySet.as_manager()

    class Meta:
        ordering = ["severity", "created_at"]
        indexes = [
            models.Index(
                fields=["severity", "created_at"], name="memories_reviewtask_queue", condition=Q(state="open")
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                name="memories_reviewtask_asked_once",
                fields=["patient", "kind", "memory", "related"],
                condition=Q(state=TaskState.OPEN),
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                name="memories_reviewtask_decided_by_someone",
                condition=~Q(state=TaskState.DECIDED)
                | Q(decided_by__isnull=False, decided_at__isnull=False) & ~Q(reason="") & ~Q(decision=""),
            ),
            models.CheckConstraint(
                name="memories_reviewtask_asked_again_by_someone",
                condition=Q(ask_again_at__isnull=True)
                | Q(ask_again_by__isnull=False, ask_again_at__isnull=False) & ~Q(ask_again_note=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} ({self.get_severity_display()})"

    def decide(self, decision: str, *, by: "User", reason: str) -> None:
        """Close this task with a person's decision."""
        self.state, self.decision, self.decided_by, self.reason = TaskState.DECIDED, decision, by, reason
        self.decided_at = timezone.now()
        self.save()

    def ask_again(self, note: str, *, by: "User") -> None:
        """Leave this task open, and have somebody ask at the next visit what the note says."""
        self.ask_again_by, self.ask_again_at, self.ask_again_note = by, timezone.now(), note
        self.save()

    def say_again(self, explanation: str, severity: ReviewSeverity, evidence: dict[str, Any]) -> None:
        """Let an open task tell what is known now."""
        if (self.explanation, self.severity, self.evidence) != (explanation[:500], severity, evidence):
            self.explanation, self.severity, self.evidence = explanation[:500], severity, evidence
            self.save()

    def make_obsolete(self) -> None:
        """Close this task because what it asks about is no longer so."""
        self.state, self.obsolete_at = TaskState.OBSOLETE, timezone.now()
        self.save()

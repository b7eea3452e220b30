"""A memory, the words it rests on, and the typed details of the critical ones."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from memories.choices import (
    CRITICAL_CATEGORIES,
    AllergyAssertion,
    Category,
    ClinicalStatus,
    Kind,
    MedicationStatus,
    Priority,
    Scope,
    Severity,
    VerificationStatus,
)
from memories.models.base import PatientBound, PatientBoundQuerySet, RecordedQuerySet

#: Statuses in which a memory may be recalled.
STANDING = (VerificationStatus.UNCONFIRMED, VerificationStatus.CONFIRMED)
#: In a memory's metadata: when it aged. Without it, an inactive memory is one that was said to be over.
AGED_AT = "aged_at"
LIVE = Q(deleted_at__isnull=True, superseded_by__isnull=True, verification_status__in=STANDING)


class MemoryQuerySet(RecordedQuerySet["Memory"]):
    def live(self) -> "MemoryQuerySet":
        """What counts now: not deleted, superseded, refuted, entered in error or expired."""
        return self.filter(LIVE).filter(Q(expires_at__isnull=True) | Q(expires_at__gt=Now()))

    def critical(self) -> "MemoryQuerySet":
        """Allergies and medications: what a clinician reviews."""
        return self.filter(category__in=CRITICAL_CATEGORIES)

    def unconfirmed(self) -> "MemoryQuerySet":
        return self.filter(verification_status=VerificationStatus.UNCONFIRMED)

    def with_details(self) -> "MemoryQuerySet":
        return self.select_related("patient", "allergy", "medication")


class Memory(PatientBound):
    """One fact, event or instruction about a patient."""

    category = models.CharField(max_length=20, choices=Category)
    priority = models.CharField(max_length=10, choices=Priority, default=Priority.NORMAL)
    kind = models.CharField(max_length=12, choices=Kind, default=Kind.SEMANTIC)
    scope = models.CharField(max_length=12, choices=Scope, default=Scope.PATIENT)
    scope_id = models.CharField(max_length=100, blank=True, help_text="The conversation or the agent of the scope.")
    about = models.CharField(max_length=200, help_text="What it is about, in a word or two (FHIR: code.text).")
    content = models.TextField(help_text="One sentence that stands alone.")
    fact_key = models.CharField(
        max_length=300, editable=False, help_text="Two live memories of one patient never share it."
    )
    verification_status = models.CharField(
        max_length=20, choices=VerificationStatus, default=VerificationStatus.UNCONFIRMED
    )
    clinical_status = models.CharField(max_length=10, choices=ClinicalStatus, default=ClinicalStatus.ACTIVE)
    confidence = models.FloatField(default=1.0)
    emotional_weight = models.FloatField(default=0.0)
    times_said = models.PositiveIntegerField(default=1)
    last_said_at = models.DateTimeField(default=timezone.now)
    valid_from = models.DateTimeField(null=True, blank=True)
    valid_to = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    metadata = models.JSONField(default=dict, blank=True)

    superseded_by = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="supersedes")
    verified_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    verified_at = models.DateTimeField(null=True, blank=True)
    verification_reason = models.CharField(max_length=500, blank=True)
    deleted_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    deleted_at = models.DateTimeField(null=True, blank=True)
    deletion_reason = models.CharField(max_length=500, blank=True)
    recorded_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    objects = MemoryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "memories"
        ordering = ["-recorded_at"]
        permissions = [
            ("review_memory", "Can confirm, correct and refute allergies and medications"),
            ("export_memory", "Can hand out what is remembered of a patient"),
        ]
        indexes = [
            models.Index(fields=["patient", "category", "-last_said_at"], name="memories_memory_category"),
            models.Index(fields=["patient", "-recorded_at"], name="memories_memory_recent"),
        ]
        constraints = [
            models.UniqueConstraint(
                name="memories_memory_one_live_fact",
                fields=["patient", "fact_key"],
                condition=LIVE,
                violation_error_message="This is remembered already.",
            ),
            models.CheckConstraint(
                name="memories_memory_verified_by_someone",
                condition=Q(verification_status=VerificationStatus.UNCONFIRMED)
                | Q(verified_by__isnull=False, verified_at__isnull=False) & ~Q(verification_reason=""),
                violation_error_message="Say who decided, when and why.",
            ),
            models.CheckConstraint(
                name="memories_memory_deleted_by_someone",
                condition=Q(deleted_at__isnull=True) | Q(deleted_by__isnull=False) & ~Q(deletion_reason=""),
                violation_error_message="Say who deleted this, and why.",
            ),
            models.CheckConstraint(
                name="memories_memory_valid_period",
                condition=Q(valid_from__isnull=True) | Q(valid_to__isnull=True) | Q(valid_to__gte=F("valid_from")),
                violation_error_message="It ends before it starts.",
            ),
            models.CheckConstraint(name="memories_memory_content_said", condition=~Q(content="")),
            models.CheckConstraint(
                name="memories_memory_scope_named",
                condition=Q(scope=Scope.PATIENT, scope_id="") | ~Q(scope=Scope.PATIENT) & ~Q(scope_id=""),
            ),
        ]

    def __str__(self) -> str:
        """Names no patient and quotes nobody: this reaches logs, page titles and messages."""
        return f"{self.get_category_display()} {str(self.pk)[-6:]}"

    @property
    def is_critical(self) -> bool:
        return self.category in CRITICAL_CATEGORIES

    @property
    def is_live(self) -> bool:
        return (
            self.deleted_at is None
            and self.superseded_by_id is None
            and self.verification_status in STANDING
            and (self.expires_at is None or self.expires_at > timezone.now())
        )

    @property
    def is_expired(self) -> bool:
        """Whether nothing but its time has ended it."""
        is_due = self.expires_at is not None and self.expires_at <= timezone.now()
        stands = self.deleted_at is None and self.superseded_by_id is None and self.verification_status in STANDING
        return is_due and stands

    @property
    def is_aged(self) -> bool:
        """Whether it has stepped back for lack of use: such a memory is found, but told after the others."""
        return self.clinical_status == ClinicalStatus.INACTIVE and AGED_AT in self.metadata

    @property
    def status_label(self) -> str:
        """The status as every recall shows it beside a critical item."""
        if self.superseded_by_id:
            return "Superseded"
        return "Deleted" if self.deleted_at else self.get_verification_status_display()


class Stance(models.TextChoices):
    STATES = "states"
    DENIES = "denies"


class Mention(PatientBound):
    """Words that a memory rests on: `quote == turn.text[start:end]`. Append-only; the database checks the words."""

    memory = models.ForeignKey(Memory, models.PROTECT, related_name="mentions")
    turn = models.ForeignKey("memories.Turn", models.PROTECT, related_name="mentions")
    run = models.ForeignKey("memories.ExtractionRun", models.PROTECT, null=True, related_name="mentions")
    start = models.PositiveIntegerField()
    end = models.PositiveIntegerField()
    quote = models.TextField()
    speaker = models.CharField(max_length=100, blank=True)
    stance = models.CharField(max_length=10, choices=Stance, default=Stance.STATES)
    recorded_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = PatientBoundQuerySet["Mention"].as_manager()

    class Meta:
        ordering = ["recorded_at"]
        constraints = [
            models.UniqueConstraint(name="memories_mention_once", fields=["memory", "turn", "start", "end", "stance"]),
            models.CheckConstraint(name="memories_mention_has_words", condition=Q(end__gt=F("start"))),
        ]

    def __str__(self) -> str:
        return f"Mention {str(self.pk)[-6:]}"


class Detail(models.Model):
    """What one category of memory has beside its sentence."""

    patient = models.ForeignKey("patients.Patient", models.PROTECT, related_name="+")

    class Meta:
        abstract = True

    def get_additional_data(self) -> dict[str, str]:
        return {"patient": str(self.patient_id)}


class AllergyDetail(Detail):
    """An allergy, or the assertion that there is none, in FHIR's terms."""

    memory = models.OneToOneField(Memory, models.PROTECT, primary_key=True, related_name="allergy")
    assertion = models.CharField(max_length=30, choices=AllergyAssertion, default=AllergyAssertion.SUBSTANCE)
    substance = models.CharField(max_length=200, blank=True, help_text="The word heard.")
    ingredient = models.CharField(max_length=200, blank=True, help_text="Its name in the vocabulary, if it has one.")
    guess = models.CharField(
        max_length=200, blank=True, help_text="A name that merely resembles the word heard. Ask before you trust it."
    )
    reaction = models.CharField(max_length=300, blank=True)
    severity = models.CharField(max_length=10, choices=Severity, blank=True)

    objects = RecordedQuerySet["AllergyDetail"].as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="memories_allergydetail_names_substance",
                condition=~Q(assertion=AllergyAssertion.SUBSTANCE) | ~Q(substance=""),
                violation_error_message="Name the substance.",
            ),
        ]

    def __str__(self) -> str:
        return f"Allergy {str(self.pk)[-6:]}"


class MedicationDetail(Detail):
    """A medication as it was said: nothing converted, nothing filled in."""

    memory = models.OneToOneField(Memory, models.PROTECT, primary_key=True, related_name="medication")
    drug = models.CharField(max_length=200, help_text="The word heard.")
    ingredient = models.CharField(max_length=200, blank=True, help_text="Its name in the vocabulary, if it has one.")
    guess = models.CharField(
        max_length=200, blank=True, help_text="A name that merely resembles the word heard. Ask before you trust it."
    )
    dose = models.CharField(max_length=100, blank=True)
    route = models.CharField(max_length=60, blank=True)
    frequency = models.CharField(max_length=150, blank=True)
    as_needed = models.BooleanField(default=False)
    status = models.CharField(max_length=10, choices=MedicationStatus, default=MedicationStatus.ACTIVE)

    objects = RecordedQuerySet["MedicationDetail"].as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="memories_medicationdetail_names_drug",
                condition=~Q(drug=""),
                violation_error_message="Name the drug.",
            ),
        ]

    def __str__(self) -> str:
        return f"Medication {str(self.pk)[-6:]}"

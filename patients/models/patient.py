from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from uuid_utils.compat import uuid7

from audit.actors import Actor
from patients.models.access import AccessKey, CareAssignment, EmergencyAccess
from patients.models.teams import TeamMember, TeamPatient


class KnownAllergies(models.TextChoices):
    """What a person has asserted about a patient's allergies as a whole. Never inferred."""

    UNKNOWN = "unknown"
    NONE_KNOWN = "no-known-allergies", "No known allergies"
    NO_DRUG_KNOWN = "no-known-drug-allergies", "No known drug allergies"
    LISTED = "listed"


class PatientQuerySet(models.QuerySet["Patient"]):
    def visible_to(self, actor: Actor) -> "PatientQuerySet":
        """The patients whom this actor may see. The same filter serves every list, detail, search and export.

        The database says the same in `homecare_visible_patients`, which row-level security asks.
        """
        if actor.is_system:
            return self.filter(pk=actor.patient_id) if actor.patient_id else self
        if not actor.is_identified:
            return self.none()
        assigned = CareAssignment.objects.current().filter(user_id=actor.id).values("patient_id")
        teams = TeamMember.objects.current().filter(user_id=actor.id).values("team_id")
        emergency = EmergencyAccess.objects.current().filter(user_id=actor.id).values("patient_id")
        visible = self.filter(Q(pk__in=assigned) | Q(pk__in=_cared_for_by(teams)) | Q(pk__in=emergency))
        if actor.key_id:
            named = AccessKey.patients.through.objects.filter(accesskey_id=actor.key_id).values("patient_id")
            key_teams = AccessKey.teams.through.objects.filter(accesskey_id=actor.key_id).values("careteam_id")
            unlimited = AccessKey.objects.filter(pk=actor.key_id, all_patients=True)
            within = Q(pk__in=named) | Q(pk__in=_cared_for_by(key_teams)) | models.Exists(unlimited)
            visible = visible.filter(within)
        return visible


def _cared_for_by(teams: models.QuerySet[Any, Any]) -> models.QuerySet[Any, Any]:
    """The keys of the patients for whom these teams (a query of keys) care now."""
    return TeamPatient.objects.current().filter(team_id__in=teams).values("patient_id")


class Patient(models.Model):
    """A person who is cared for at home."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    external_id = models.CharField(
        max_length=64, unique=True, help_text="The id that other software knows this patient by."
    )
    given_name = models.CharField(max_length=100, blank=True)
    family_name = models.CharField(max_length=100, blank=True)
    birth_date = models.DateField(null=True, blank=True)
    is_active = models.BooleanField(default=True)

    consent_given_at = models.DateTimeField(
        null=True, blank=True, help_text="When the patient agreed to memories of sensitive matters."
    )
    consent_given_by = models.CharField(max_length=200, blank=True, help_text="Who agreed: the patient, a proxy.")
    opted_out_at = models.DateTimeField(
        null=True, blank=True, help_text="From then on nothing is remembered from what is said."
    )

    known_allergies_status = models.CharField(max_length=30, choices=KnownAllergies, default=KnownAllergies.UNKNOWN)
    known_allergies_asserted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    known_allergies_asserted_at = models.DateTimeField(null=True, blank=True)

    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = PatientQuerySet.as_manager()

    class Meta:
        ordering = ["family_name", "given_name", "external_id"]
        constraints = [
            models.CheckConstraint(
                name="patients_patient_allergies_asserted",
                condition=Q(known_allergies_status=KnownAllergies.UNKNOWN)
                | Q(known_allergies_asserted_by__isnull=False, known_allergies_asserted_at__isnull=False),
                violation_error_message="Say who asserted the known allergies, and when.",
            ),
            models.CheckConstraint(
                name="patients_patient_consent_attributed",
                condition=Q(consent_given_at__isnull=True) | ~Q(consent_given_by=""),
                violation_error_message="Say who gave the consent.",
            ),
            models.CheckConstraint(
                name="patients_patient_external_id_plain",
                condition=Q(external_id__regex=r"^[A-Za-z0-9][A-Za-z0-9_.:@-]*$"),
                violation_error_message="An id has letters, digits and _ . : @ - only.",
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.external_id

    @property
    def name(self) -> str:
        return f"{self.given_name} {self.family_name}".strip()

    @property
    def is_opted_out(self) -> bool:
        return self.opted_out_at is not None and self.opted_out_at <= timezone.now()

    def get_additional_data(self) -> dict[str, str]:
        """What django-auditlog writes beside a change, for row-level security on the log."""
        return {"patient": str(self.pk)}

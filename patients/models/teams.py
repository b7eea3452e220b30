"""Care teams: people who care together for the same patients, each from then until then."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from uuid_utils.compat import uuid7

from patients.models.dated import Dated, DatedQuerySet


class CareTeam(models.Model):
    """Whoever belongs to it sees the patients whom it cares for, as long as both hold."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=100, unique=True, help_text="Of people and places, not of a patient.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class TeamMember(Dated):
    """This user belongs to this team."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    team = models.ForeignKey(CareTeam, models.PROTECT, related_name="members")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="team_memberships")

    objects = DatedQuerySet["TeamMember"].as_manager()

    class Meta(Dated.Meta):
        verbose_name = "member"
        constraints = [
            *Dated.Meta.constraints,
            models.UniqueConstraint(
                name="patients_teammember_once",
                fields=["user", "team"],
                condition=Q(ends_at__isnull=True),
                violation_error_message="This person belongs to this team already.",
            ),
        ]

    def __str__(self) -> str:
        return f"Member {self.pk}"


class TeamPatient(Dated):
    """This team cares for this patient."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    team = models.ForeignKey(CareTeam, models.PROTECT, related_name="cared_for")
    patient = models.ForeignKey("patients.Patient", models.PROTECT, related_name="care_teams")

    objects = DatedQuerySet["TeamPatient"].as_manager()

    class Meta(Dated.Meta):
        verbose_name = "patient of the team"
        verbose_name_plural = "patients of the team"
        constraints = [
            *Dated.Meta.constraints,
            models.UniqueConstraint(
                name="patients_teampatient_once",
                fields=["team", "patient"],
                condition=Q(ends_at__isnull=True),
                violation_error_message="This team cares for this patient already.",
            ),
        ]

    def __str__(self) -> str:
        return f"Patient of the team {self.pk}"

    def get_additional_data(self) -> dict[str, str]:
        return {"patient": str(self.patient_id)}

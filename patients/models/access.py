"""Who may see whom: care assignments, emergency access, access keys."""

import hashlib
import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from uuid_utils.compat import uuid7

from audit.actors import Actor
from patients.models.dated import Dated, DatedQuerySet
from patients.roles import Role


class CareAssignment(Dated):
    """This user cares for this patient, in this role, from then until then."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="care_assignments")
    patient = models.ForeignKey("patients.Patient", models.PROTECT, related_name="care_assignments")
    role = models.CharField(max_length=20, choices=Role, default=Role.CAREGIVER)

    objects = DatedQuerySet["CareAssignment"].as_manager()

    class Meta(Dated.Meta):
        constraints = [
            *Dated.Meta.constraints,
            models.UniqueConstraint(
                name="patients_careassignment_once",
                fields=["patient", "user"],
                condition=Q(ends_at__isnull=True),
                violation_error_message="This person is assigned to this patient already.",
            ),
        ]
        indexes = [models.Index(fields=["user", "patient"], name="patients_assignment_user")]

    def __str__(self) -> str:
        return f"{self.get_role_display()} assignment {self.pk}"

    def get_additional_data(self) -> dict[str, str]:
        return {"patient": str(self.patient_id)}


class EmergencyAccessQuerySet(models.QuerySet["EmergencyAccess"]):
    def visible_to(self, actor: Actor) -> "EmergencyAccessQuerySet":
        """The privacy officer sees each, everybody else their own."""
        if actor.is_system or actor.has_role(Role.PRIVACY_OFFICER):
            return self
        return self.filter(user_id=actor.id) if actor.is_identified else self.none()

    def current(self) -> "EmergencyAccessQuerySet":
        now = timezone.now()
        return self.filter(granted_at__lte=now, until__gt=now)

    def awaiting_review(self) -> "EmergencyAccessQuerySet":
        return self.filter(reviewed_at__isnull=True)


class EmergencyAccess(models.Model):
    """One user, one patient, a reason, a time limit; looked at afterwards by somebody else."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="emergency_accesses")
    patient = models.ForeignKey("patients.Patient", models.PROTECT, related_name="emergency_accesses")
    reason = models.CharField(max_length=500)
    granted_at = models.DateTimeField(default=timezone.now)
    until = models.DateTimeField()
    reviewed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    reviewed_at = models.DateTimeField(null=True, blank=True)
    finding = models.CharField(max_length=500, blank=True, help_text="What the review found.")

    objects = EmergencyAccessQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "emergency accesses"
        ordering = ["-granted_at"]
        constraints = [
            models.CheckConstraint(name="patients_emergencyaccess_reason", condition=~Q(reason="")),
            models.CheckConstraint(name="patients_emergencyaccess_period", condition=Q(until__gt=F("granted_at"))),
            models.CheckConstraint(
                name="patients_emergencyaccess_one_day_at_most",
                condition=Q(until__lte=F("granted_at") + timedelta(days=1)),
            ),
            models.CheckConstraint(
                name="patients_emergencyaccess_reviewed_by_another",
                condition=Q(reviewed_by__isnull=True, reviewed_at__isnull=True)
                | Q(reviewed_by__isnull=False, reviewed_at__isnull=False) & ~Q(reviewed_by=F("user")),
            ),
        ]

    def __str__(self) -> str:
        return f"Emergency access {self.pk}"

    @property
    def is_current(self) -> bool:
        return self.granted_at <= timezone.now() < self.until

    def get_additional_data(self) -> dict[str, str]:
        return {"patient": str(self.patient_id)}


class KeyScope(models.TextChoices):
    READ = "read", "Read and search"
    WRITE = "write", "Add and change"


def default_scopes() -> list[str]:
    return [KeyScope.READ, KeyScope.WRITE]


def default_expiry() -> datetime:
    return timezone.now() + timedelta(days=settings.ACCESS_KEY_DAYS)


def _idle() -> Q:
    since = timezone.now() - timedelta(days=settings.ACCESS_KEY_IDLE_DAYS)
    return Q(use__last_used_at__lte=since) | Q(use__isnull=True, created_at__lte=since)


class AccessKeyQuerySet(models.QuerySet["AccessKey"]):
    def usable(self) -> "AccessKeyQuerySet":
        """Neither revoked nor expired nor idle, of a user who is active."""
        return self.filter(revoked_at__isnull=True, expires_at__gt=timezone.now(), user__is_active=True).exclude(
            _idle()
        )

    def idle(self) -> "AccessKeyQuerySet":
        """Not revoked, and unused for `ACCESS_KEY_IDLE_DAYS`."""
        return self.filter(_idle(), revoked_at__isnull=True)

    def for_token(self, token: str) -> "AccessKeyQuerySet":
        return self.filter(token_hash=AccessKey.hash_token(token))


class AccessKey(models.Model):
    """A token that stands for a user, never for more than the user may do. The token itself is not stored.

    It has 256 random bits, so a plain SHA-256 of it is as safe as a slow hash, and costs microseconds.
    """

    PREFIX = "hcm_"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="access_keys")
    label = models.CharField(max_length=100, help_text="What uses this key.")
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    scopes = ArrayField(models.CharField(max_length=10, choices=KeyScope), default=default_scopes)
    all_patients = models.BooleanField(
        default=True, help_text="All patients of the user, or only those named here and those of the teams named here."
    )
    patients = models.ManyToManyField("patients.Patient", blank=True, related_name="access_keys")
    teams = models.ManyToManyField("patients.CareTeam", blank=True, related_name="access_keys")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(default=default_expiry)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = AccessKeyQuerySet.as_manager()

    def __str__(self) -> str:
        return self.label

    @staticmethod
    def hash_token(token: str) -> str:
        return hashlib.sha256(token.encode()).hexdigest()

    def renew_token(self) -> str:
        """Give this key a new random token and return it, for the one time that anybody sees it. Does not save."""
        token = self.PREFIX + secrets.token_urlsafe(32)
        self.token_hash = self.hash_token(token)
        return token

    def allows(self, scope: str) -> bool:
        return scope in self.scopes


class KeyUse(models.Model):
    """When a key was last used, to the hour: apart from the key, whose every change is on record."""

    key = models.OneToOneField(AccessKey, models.CASCADE, primary_key=True, related_name="use")
    last_used_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"Use of key {self.key_id}"

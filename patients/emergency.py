"""Emergency access: one patient, a reason, a time limit, an alert, and a review afterwards by somebody else."""

from datetime import timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone

from audit.actors import acting_as, current_actor
from audit.models import Event
from audit.recording import record
from patients.alerts import alert_privacy_officers
from patients.models import EmergencyAccess, Patient, User

UNKNOWN = "No patient has this id: check it, and ask again."
IN_CARE = "This patient is in your care already: no emergency access is needed."


class EmergencyRefused(Exception):
    """The message says what to do."""


class UnknownPatient(EmergencyRefused):
    """Nobody has this id."""


def take_emergency_access(*, external_id: str, reason: str, by: User) -> EmergencyAccess:
    """Let this clinician see this patient for `EMERGENCY_ACCESS_MINUTES`, on record and with an alert.

    Raises `UnknownPatient`, `EmergencyRefused` for a patient in their care, and `ValidationError` without a reason.
    """
    with acting_as(current_actor().becoming_system("emergency access")):
        patient = Patient.objects.filter(external_id=external_id).first()
    if patient is None:
        raise UnknownPatient(UNKNOWN)
    if Patient.objects.visible_to(current_actor()).filter(pk=patient.pk).exists():
        raise EmergencyRefused(IN_CARE)
    access = EmergencyAccess(user=by, patient_id=patient.pk, reason=reason.strip())
    access.until = access.granted_at + timedelta(minutes=settings.EMERGENCY_ACCESS_MINUTES)
    access.full_clean(exclude=["patient"])
    access.save()
    record(
        Event.EMERGENCY,
        patient_id=access.patient_id,
        objects=[access.pk],
        resource=EmergencyAccess,
        reason=access.reason,
    )
    alert_privacy_officers(
        f"{by.username} has taken emergency access to a patient until {access.until:%Y-%m-%d %H:%M} UTC."
        " Please review it, under Emergency accesses."
    )
    return access


def review_emergency_access(access: EmergencyAccess, *, finding: str, by: User) -> None:
    """Say what came of looking at it. Raises `ValidationError` without words, of one's own, or a second time."""
    access = EmergencyAccess.objects.select_for_update().get(pk=access.pk)
    if access.user_id == by.pk:
        raise ValidationError("Somebody else reviews your emergency access.")
    if access.reviewed_at:
        raise ValidationError("This emergency access is reviewed already.")
    if not finding.strip():
        raise ValidationError("Say what you found: was it an emergency, and was only this patient's care looked at?")
    access.reviewed_by, access.reviewed_at, access.finding = by, timezone.now(), finding.strip()
    access.clean_fields(exclude=["patient", "user"])
    access.save()
    record(
        Event.UPDATE,
        patient_id=access.patient_id,
        objects=[access.pk],
        resource=EmergencyAccess,
        reason=f"Reviewed: {access.finding}"[:500],
    )

"""Which patient a user of the source is."""

import csv
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from audit.models import Event
from audit.recording import record_each
from patients.models import Patient

#: As the database has it: an id that a patient may have.
PLAIN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:@-]{0,63}")
NO_USER = "it names no patient"
LEFT_OUT = "the map of users leaves its user out"
NO_SUCH_PATIENT = "its user is no patient here"
NO_PATIENTS_ID = "its user's id is none that a patient may have: map it"


class UsersRefused(ValueError):
    """The map of users cannot be read; the message says what to do."""


@dataclass(frozen=True, slots=True)
class People:
    """Who is who. `mapped`: a user's id there -> a patient's id here; a user without an entry keeps the id."""

    mapped: Mapping[str, str] = field(default_factory=dict)
    create: bool = False

    def patient_id(self, user_id: str) -> str:
        return self.mapped.get(user_id, user_id)

    def unknown(self, user_ids: Iterable[str]) -> list[str]:
        """The users who are no patients here and will not be made any. Runs inside `acting_as`."""
        if self.create:
            return []
        asked = {user: self.patient_id(user) for user in user_ids if self.patient_id(user)}
        known = set(Patient.objects.filter(external_id__in=asked.values()).values_list("external_id", flat=True))
        return sorted(user for user, patient in asked.items() if patient not in known)

    def find(self, user_ids: Iterable[str]) -> dict[str, Patient | str]:
        """Each user's patient, made if need be; or why there is none. Runs inside `acting_as`."""
        asked = {user: self.patient_id(user) for user in user_ids if user}
        known = {p.external_id: p for p in Patient.objects.filter(external_id__in=asked.values())}
        found: dict[str, Patient | str] = {"": NO_USER}
        for user, patient_id in asked.items():
            if patient_id not in known and self.create and PLAIN_ID.fullmatch(patient_id):
                known[patient_id] = self._create(patient_id)
            found[user] = known.get(patient_id) or self._why_not(patient_id)
        return found

    def _create(self, patient_id: str) -> Patient:
        patient = Patient.objects.create(external_id=patient_id)
        record_each(Event.CREATE, {patient.pk: [patient.pk]}, resource=Patient)
        return patient

    def _why_not(self, patient_id: str) -> str:
        if not patient_id:
            return LEFT_OUT
        return NO_PATIENTS_ID if self.create else NO_SUCH_PATIENT


def read_map(path: Path) -> dict[str, str]:
    """Users and patients from a file: a JSON object, or CSV with the columns user_id and patient_id.

    A user whose patient is "" is left out. Raises `UsersRefused`.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise UsersRefused(f"Cannot read {path}: name a file of text.") from None
    try:
        pairs = json.loads(text).items() if text.lstrip().startswith("{") else _csv_pairs(text)
        return {str(user): str(patient or "").strip() for user, patient in pairs}
    except (ValueError, KeyError, AttributeError):
        raise UsersRefused(
            f"{path} is no map of users: give a JSON object, or CSV with the columns user_id and patient_id."
        ) from None


def _csv_pairs(text: str) -> list[tuple[str, str]]:
    return [(row["user_id"], row["patient_id"]) for row in csv.DictReader(text.splitlines())]

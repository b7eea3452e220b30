from collections.abc import Iterable, Sequence
from typing import Any, NoReturn, Self, TypeVar

from django.db import models
from uuid_utils.compat import uuid7

from audit.actors import Actor
from audit.creations import log_creations
from patients.models import Patient

Row = TypeVar("Row", bound=models.Model)


class ChangeRefused(TypeError):
    """A bulk write that no signal sees, and that would therefore miss the record."""


class PatientBoundQuerySet(models.QuerySet[Row]):
    def visible_to(self, actor: Actor) -> Self:
        """Rows of patients whom this actor may see."""
        if actor.is_system and not actor.patient_id:
            return self
        return self.filter(patient__in=Patient.objects.visible_to(actor))

    def for_patient(self, patient: Patient) -> Self:
        return self.filter(patient=patient)


class RecordedQuerySet(PatientBoundQuerySet[Row]):
    """For models whose every change is on record: the ways past `save()` are closed."""

    def update(self, **kwargs: Any) -> NoReturn:
        raise ChangeRefused("Change the objects one by one with save(): update() would miss the record.")

    def bulk_update(self, objs: Iterable[Row], fields: Iterable[str], batch_size: int | None = None) -> NoReturn:
        raise ChangeRefused("Change the objects one by one with save(): bulk_update() would miss the record.")

    def bulk_create(self, objs: Iterable[Row], *args: Any, **kwargs: Any) -> NoReturn:
        raise ChangeRefused("Use create_all(), or create the objects one by one: bulk_create() would miss the record.")

    def create_all(self, objects: Sequence[Row]) -> Sequence[Row]:
        """Many new rows in two statements, each with its own entry in the log of changes."""
        if objects:
            super().bulk_create(objects)
            log_creations(objects)
        return objects

    def delete(self) -> NoReturn:
        raise ChangeRefused("Nothing is deleted here: retire it, so that its history stays.")


class PatientBound(models.Model):
    """A row that belongs to one patient; row-level security and every index lead with it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    patient = models.ForeignKey("patients.Patient", models.PROTECT, related_name="+")

    class Meta:
        abstract = True

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise ChangeRefused("Nothing is deleted here: retire it, so that its history stays.")

    def get_additional_data(self) -> dict[str, str]:
        """What django-auditlog writes beside a change, for row-level security on the log."""
        return {"patient": str(self.patient_id)}

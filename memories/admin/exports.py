"""A patient's memories handed out as a file: for a purpose that is asked for, and on record as a disclosure."""

from dataclasses import replace

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from unfold.widgets import UnfoldAdminTextInputWidget

from audit.actors import acting_as
from audit.mixins import RecordedAdmin, actor_of
from audit.models import Event
from audit.recording import record
from memories.exporting import export_patient
from patients.models import Patient

MAY_EXPORT = "memories.export_memory"
PURPOSES = ("The patient asked for it", "Treatment by somebody else", "Payment", "Quality of care")
#: The forms of a file, with what they are called, their ending and their type.
FILES = {
    "csv": ("CSV, for a spreadsheet", "csv", "text/csv; charset=utf-8"),
    "jsonl": ("JSON Lines", "jsonl", "application/jsonl"),
    "fhir": ("FHIR R4", "json", "application/fhir+json"),
}


class ExportForm(forms.Form):
    form = forms.ChoiceField(
        label="As", choices=[(form, told[0]) for form, told in FILES.items()], widget=forms.RadioSelect
    )
    purpose = forms.ChoiceField(
        label="What for?",
        choices=[(purpose, purpose) for purpose in PURPOSES],
        widget=forms.RadioSelect,
        error_messages={"required": "Say what for: without a purpose nothing is handed out."},
    )
    recipient = forms.CharField(
        label="To whom?",
        max_length=200,
        widget=UnfoldAdminTextInputWidget,
        error_messages={"required": "Say to whom it goes."},
    )


def exported(page: RecordedAdmin, request: HttpRequest, patient: Patient) -> HttpResponse:
    page.require(request, MAY_EXPORT)
    form = ExportForm(request.POST or None, initial={"form": "csv"})
    if request.method == "POST" and form.is_valid():
        return _handed_out(request, patient, **form.cleaned_data)
    record(Event.READ, patient_id=patient.pk, objects=[patient.pk], resource=Patient)
    return page.page(request, "memories/export.html", "Hand out", patient=patient, form=form)


def _handed_out(request: HttpRequest, patient: Patient, *, form: str, purpose: str, recipient: str) -> HttpResponse:
    """The file. Its name names nobody, and no cache keeps it."""
    _, ending, content_type = FILES[form]
    with acting_as(replace(actor_of(request), reason=f"{purpose}. To: {recipient}")):
        answer = HttpResponse(export_patient(patient, form), content_type=content_type)
    answer["Content-Disposition"] = f'attachment; filename="memories-{timezone.localdate():%Y-%m-%d}.{ending}"'
    answer["Cache-Control"] = "no-store"
    return answer

"""A patient typed by id: an administrator assigns people without reading names."""

from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminTextInputWidget

from patients.models import Patient


class TypedPatientForm(forms.ModelForm):
    """For a model with a `patient`. What is saved keeps its patient."""

    patient_id_typed = forms.CharField(label="Patient's id", max_length=64, widget=UnfoldAdminTextInputWidget)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.patient_id:
            self.fields["patient_id_typed"].initial = self.instance.patient.external_id
            self.fields["patient_id_typed"].disabled = True

    def clean_patient_id_typed(self) -> str:
        external_id = self.cleaned_data["patient_id_typed"].strip()
        patient = Patient.objects.filter(external_id=external_id).first()
        if patient is None:
            raise forms.ValidationError("No patient has this id: check it with who registered the patient.")
        self.instance.patient = patient
        return external_id

    def _get_validation_exclusions(self) -> set[str]:
        """A patient who was found is part of what must be unique."""
        excluded: set[str] = super()._get_validation_exclusions()  # type: ignore[misc] # because Django has it
        return excluded - {"patient"} if "patient_id_typed" in self.cleaned_data else excluded

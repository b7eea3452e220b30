"""The shapes of a correction: what a clinician may say instead, by the category of the memory."""

from drf_spectacular.utils import PolymorphicProxySerializer
from rest_framework import serializers

from memories.actions import ALLERGY_FIELDS, MEDICATION_FIELDS
from memories.api.serializers import DecisionSerializer, StrictSerializer
from memories.choices import Category
from memories.models import AllergyDetail, MedicationDetail


class CorrectedDetailSerializer(StrictSerializer, serializers.ModelSerializer):
    """At least one field of the details, within the model's own limits."""

    default_error_messages = {"empty": "Name at least one field to correct: {known}."}

    def validate(self, details: dict[str, object]) -> dict[str, object]:
        if not details:
            self.fail("empty", known=", ".join(self.fields))
        return details


class CorrectedAllergySerializer(CorrectedDetailSerializer):
    class Meta:
        model = AllergyDetail
        fields = ALLERGY_FIELDS
        extra_kwargs = {"substance": {"allow_blank": False}}


class CorrectedMedicationSerializer(CorrectedDetailSerializer):
    class Meta:
        model = MedicationDetail
        fields = MEDICATION_FIELDS
        extra_kwargs = {"drug": {"required": False}}


class AllergyCorrectionSerializer(DecisionSerializer):
    """Its sentence is made from the details."""

    details = CorrectedAllergySerializer()


class MedicationCorrectionSerializer(DecisionSerializer):
    """Its sentence is made from the details."""

    details = CorrectedMedicationSerializer()


class SentenceCorrectionSerializer(DecisionSerializer):
    """Of a memory that is neither an allergy nor a medication."""

    content = serializers.CharField(max_length=5000)


#: Any of them, as the OpenAPI pages show it.
CORRECTION = PolymorphicProxySerializer(
    component_name="Correction",
    serializers=[AllergyCorrectionSerializer, MedicationCorrectionSerializer, SentenceCorrectionSerializer],
    resource_type_field_name=None,
)


def correction_of(category: str) -> type[DecisionSerializer]:
    """The shape of a correction of a memory of this category."""
    if category == Category.ALLERGY:
        return AllergyCorrectionSerializer
    if category == Category.MEDICATION:
        return MedicationCorrectionSerializer
    return SentenceCorrectionSerializer

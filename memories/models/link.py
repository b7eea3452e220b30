"""What one memory has to do with another: "metformin treats type 2 diabetes"."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from memories.models.base import PatientBound, RecordedQuerySet
from memories.models.memory import Memory


class LinkKind(models.TextChoices):
    """Read from source to target; `backward` reads it from target to source."""

    TREATS = "treats", "treats"
    CAUSES = "causes", "causes"
    PRESCRIBED_BY = "prescribed-by", "prescribed by"
    CARES_FOR = "cares-for", "cares for"
    SAME_AS = "same-as", "same as"

    @property
    def backward(self) -> str:
        return _BACKWARD[self]


_BACKWARD = {
    LinkKind.TREATS: "treated by",
    LinkKind.CAUSES: "caused by",
    LinkKind.PRESCRIBED_BY: "prescribes",
    LinkKind.CARES_FOR: "cared for by",
    LinkKind.SAME_AS: "same as",
}


class MemoryLinkQuerySet(RecordedQuerySet["MemoryLink"]):
    def standing(self) -> "MemoryLinkQuerySet":
        """Not removed; what they join may be refuted since."""
        return self.filter(removed_at__isnull=True)

    def touching(self, *memories: Memory) -> "MemoryLinkQuerySet":
        """Those with one of these memories at either end."""
        keys = [memory.pk for memory in memories]
        return self.filter(Q(source__in=keys) | Q(target__in=keys))

    def with_ends(self) -> "MemoryLinkQuerySet":
        return self.select_related("source", "target")


class MemoryLink(PatientBound):
    """A link from one memory of a patient to another. The database refuses one between two patients.

    `set_by` is empty for a link that the product itself set. A link that staff removed is not set again by itself.
    """

    source = models.ForeignKey(Memory, models.PROTECT, related_name="links_out")
    target = models.ForeignKey(Memory, models.PROTECT, related_name="links_in")
    kind = models.CharField(max_length=20, choices=LinkKind)
    set_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    reason = models.CharField(max_length=500)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    removed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    removed_at = models.DateTimeField(null=True, blank=True)
    removal_reason = models.CharField(max_length=500, blank=True)

    objects = MemoryLinkQuerySet.as_manager()

    class Meta:
        ordering = ["created_at"]
        constraints = [
            models.UniqueConstraint(name="memories_memorylink_once", fields=["patient", "source", "target", "kind"]),
            models.CheckConstraint(
                name="memories_memorylink_joins_two",
                condition=~Q(source=F("target")),
                violation_error_message="A memory is not linked to itself.",
            ),
            models.CheckConstraint(name="memories_memorylink_reason", condition=~Q(reason="")),
            models.CheckConstraint(
                name="memories_memorylink_removed_by_someone",
                condition=Q(removed_at__isnull=True) | Q(removed_by__isnull=False) & ~Q(removal_reason=""),
                violation_error_message="Say who removed this, and why.",
            ),
        ]

    def __str__(self) -> str:
        return f"Link {str(self.pk)[-6:]}"

    def joins(self, memory: Memory) -> bool:
        return memory.pk in (self.source_id, self.target_id)

    def other_end(self, memory: Memory) -> Memory:
        return self.target if memory.pk == self.source_id else self.source

    def seen_from(self, memory: Memory) -> tuple[str, Memory]:
        """What this memory is to the one at the other end, in words, and that one."""
        kind = LinkKind(self.kind)
        return kind.label if memory.pk == self.source_id else kind.backward, self.other_end(memory)

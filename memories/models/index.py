from django.contrib.postgres.search import SearchVectorField
from django.db import models
from pgvector.django import HalfVectorField

from memories.choices import Category, Priority


class MemoryIndex(models.Model):
    """What search reads: narrow, derived, rebuildable, one row a live memory and embedding model.

    Its primary key includes the embedding, so that the vectors of one patient are read from the index alone.
    A row without an embedding is found by its words, until `embed_memories` fills it in.
    """

    pk = models.CompositePrimaryKey("patient_id", "embedding_model", "memory_id")
    patient = models.ForeignKey("patients.Patient", models.CASCADE, related_name="+", db_index=False)
    memory = models.ForeignKey("memories.Memory", models.CASCADE, related_name="index_rows")
    embedding_model = models.CharField(max_length=80)
    category = models.CharField(max_length=20, choices=Category)
    priority = models.CharField(max_length=10, choices=Priority)
    words = SearchVectorField()
    embedding = HalfVectorField(null=True)

    class Meta:
        verbose_name = "index row"

    def __str__(self) -> str:
        return f"Index row {str(self.memory_id)[-6:]}"

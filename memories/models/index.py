from django.db import models
from pgvector.django import HalfVectorField

from memories.choices import Category, Priority


class MemoryIndex(models.Model):
    """What search reads of a memory's meaning: narrow, derived, rebuildable, one row a live memory and embedding model.

    Its primary key includes the embedding, so that the vectors of one patient are read from the index alone.
    A row without an embedding is found by its words, until `embed_memories` fills it in.
    """

    pk = models.CompositePrimaryKey("patient_id", "embedding_model", "memory_id")
    patient = models.ForeignKey("patients.Patient", models.CASCADE, related_name="+", db_index=False)
    memory = models.ForeignKey("memories.Memory", models.CASCADE, related_name="index_rows")
    embedding_model = models.CharField(max_length=80)
    category = models.CharField(max_length=20, choices=Category)
    priority = models.CharField(max_length=10, choices=Priority)
    embedding = HalfVectorField(null=True)

    class Meta:
        verbose_name = "index row"

    def __str__(self) -> str:
        return f"Index row {str(self.memory_id)[-6:]}"


class MemoryWord(models.Model):
    """What search reads of a memory's words: one row a live memory and lexeme, whatever the embedding model.

    Its primary key includes the weight, so that the memories with a word, and how many a patient has of them, are
    read from the index alone. A full-text index cannot do that: under row-level security its operator is no index
    condition, and it knows nothing of one patient's word frequencies.
    """

    pk = models.CompositePrimaryKey("patient_id", "lexeme", "memory_id")
    patient = models.ForeignKey(
        "patients.Patient", models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )
    memory = models.ForeignKey("memories.Memory", models.CASCADE, related_name="+", db_constraint=False)
    lexeme = models.TextField(db_collation="C")
    weight = models.FloatField(help_text="1 for the memory's own words, less for those around it.")

    class Meta:
        verbose_name = "word"

    def __str__(self) -> str:
        return f"Word of {str(self.memory_id)[-6:]}"

"""What the rest of the product can listen to."""

from django.dispatch import Signal

#: Sent in the transaction that stored a conversation's turns, with `run` (a pending `ExtractionRun`) and `inline`
#: (True when the caller is about to carry the run out itself).
turns_recorded = Signal()

#: Sent in the transaction that indexed memories without a vector: somebody is to embed them.
vectors_missing = Signal()

#: Sent in the transaction that stored rows of an import, with `inline` (True when the caller is about to read them).
rows_imported = Signal()

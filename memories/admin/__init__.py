"""The nurse's workplace. Importing it registers every page."""

from memories.admin import conversations, memories, patients, review, runs

__all__ = ["conversations", "memories", "patients", "review", "runs"]

"""What is set up about people: their roles, who cares for whom, access keys. No patient data."""

from patients.admin import keys, people, teams

__all__ = ["keys", "people", "teams"]

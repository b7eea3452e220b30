"""What is set up about people: their roles, who cares for whom, access keys. No patient data."""

from patients.admin import emergency, keys, people, teams

__all__ = ["emergency", "keys", "people", "teams"]
